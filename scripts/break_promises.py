"""Breaks each promise of SECURITY.md on purpose, in a copy of the project, and shows that a test fails of it.

Run by hand in the development environment. Ends with 1 when a break goes unnoticed, or when its place in the code is no longer there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis", "*.egg-info")


class Break(NamedTuple):
    """A text of a module that is replaced, and the tests of which one must fail."""

    promise: str
    module: str
    old: str
    new: str
    tests: str


BREAKS = (
    Break(
        "1 offline: a process is started",
        "gate.py",
        "    ground = _ground(tree, tuple(paths), settings)\n",
        "    ground = _ground(tree, tuple(paths), settings)\n    __import__('os').system('true')\n",
        "tests/test_offline.py",
    ),
    Break(
        "1 offline: a socket is opened",
        "gate.py",
        "    ground = _ground(tree, tuple(paths), settings)\n",
        "    ground = _ground(tree, tuple(paths), settings)\n    __import__('socket').socket()\n",
        "tests/test_offline.py",
    ),
    Break(
        "1 offline: variables are expanded",
        "sources/parse.py",
        "    value, strict, lenient = jsonc.read(text, MAX_DEPTH)\n",
        "    value, strict, lenient = jsonc.read(__import__('os').path.expandvars(text), MAX_DEPTH)\n",
        "tests/test_offline.py",
    ),
    Break(
        "2 never silently green: an unreadable file is not told",
        "reading.py",
        '        self._not_assessed.append(NotAssessed("config", found.path, None, error.reason, error.hint))\n',
        "",
        "tests/test_bad_input.py",
    ),
    Break(
        "2 never silently green: what was not assessed does not count",
        "policy/verdict.py",
        "        codes.add(INCOMPLETE)\n",
        "        codes.add(PASSED)\n",
        "tests/test_bad_input.py",
    ),
    Break(
        "2 never silently green: a server that did not answer is passed over",
        "gate.py",
        "(gap for seen in context.observed for gap in seen.gaps)",
        "()",
        "tests/test_pin.py tests/test_attacks.py tests/test_history.py tests/unit/live",
    ),
    Break(
        "3 no pull request judges itself: the change's own policy holds",
        "gate.py",
        "load.found(rev.tree if rev else tree, settings.today)",
        "load.found(tree, settings.today)",
        "tests/test_trusted.py",
    ),
    Break(
        "3 no pull request judges itself: the change's own lockfile allows starts",
        "gate.py",
        "match(reading.context.entries, measured.trusted.lock, tree, tree.root)",
        "matches",
        "tests/test_trusted.py tests/test_history.py tests/test_attacks.py",
    ),
    Break(
        "4 no stranger's command: everything may start",
        "live/consent.py",
        "        if self._named(item):\n            return None\n",
        "        return None\n",
        "tests/unit/live/test_consent.py tests/test_offline.py",
    ),
    Break(
        "4 no stranger's command: CI trusts the working tree",
        "live/command.py",
        'consent = Consent(not os.environ.get("CI"), tuple(',
        "consent = Consent(True, tuple(",
        "tests/test_pin.py tests/test_attacks.py tests/unit/live",
    ),
    Break(
        "5 untrusted text stays text: control characters come out",
        "metadata/text.py",
        "        shown = shown.translate(_VISIBLE)\n",
        "        pass\n",
        "tests/unit/report/test_escape.py",
    ),
    Break(
        "5 untrusted text stays text: markup is not escaped",
        "report/escape.py",
        '.replace("<", "&lt;")',
        "",
        "tests/unit/report/test_escape.py",
    ),
    Break(
        "5 untrusted text stays text: a secret is shown",
        "metadata/credentials.py",
        "    return _replaced(text, _hidden(text, name))\n",
        "    return text\n",
        "tests/unit/report/test_masked.py tests/unit/metadata/test_credentials.py",
    ),
)


def main() -> int:
    """Each break in turn; 0 when every one of them made a test fail."""
    unnoticed = 0
    for item in BREAKS:
        failed = noticed(item)
        unnoticed += not failed
        print(f"{'noticed  ' if failed else 'UNNOTICED'}  {item.promise}: {failed or item.tests}", flush=True)
    return 1 if unnoticed else 0


def noticed(item: Break) -> str:
    """The first test that fails of a break, "" when none does. Raises SystemExit when the text to replace is not there once."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "project")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        module = copy / "mcp_audit_gate" / item.module
        text = module.read_text("utf-8")
        if text.count(item.old) != 1:
            raise SystemExit(f"{item.promise}: the text to replace stands {text.count(item.old)} times in {item.module}")
        module.write_text(text.replace(item.old, item.new), "utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *item.tests.split()]
        done = subprocess.run(command, cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, check=False)
    return next((line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")), "")


if __name__ == "__main__":
    sys.exit(main())
