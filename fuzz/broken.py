"""Shows that a target can fail: breaks the product on purpose in a copy, and fuzzes until that is found: `python fuzz/broken.py [TARGET…]`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 60
# Target, module, what it says, and what it says once it is broken.
FAULTS = (("json", "sources/jsonc.py", 'text[before] not in "{[,:"', 'text[before] not in "{,:"'),)


def main(names: list[str]) -> int:
    """Prints for each fault how long it took to find it; 1 when one was not found."""
    missed = 0
    for target, module, old, new in FAULTS:
        if not names or target in names:
            took = _found_after(target, module, old, new)
            missed += took is None
            print(f"{target}: {'NOT FOUND' if took is None else f'{took:.0f} s'}: {module}: {old!r} became {new!r}", flush=True)
    return 1 if missed else 0


def _found_after(target: str, module: str, old: str, new: str) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("mcp_audit_gate", "fuzz", "policies"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".work"))
        path = copy / "mcp_audit_gate" / module
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise SystemExit(f"{module} does not hold this exactly once: {old}")
        path.write_text(text.replace(old, new), "utf-8")
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(copy / "fuzz" / "run.py"), target, str(SECONDS)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        return time.monotonic() - start if done.returncode == 1 and "Uncaught Python exception" in done.stdout else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
