"""What every test runs in: an environment that says nothing of the machine, so that a laptop and a CI runner see the same."""

from __future__ import annotations

import os
import signal

# Each changes what the gate does or prints; a test that means one sets it.
for name in ("CI", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith(("GITHUB_", "GIT_"))]:
    del os.environ[name]

# A job in the background begins with this signal ignored, and so would the processes that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
