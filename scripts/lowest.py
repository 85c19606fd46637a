"""Prints the lowest versions that pyproject.toml declares for the base install, as pip constraints."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def main() -> None:
    """Reads `dependencies` without a TOML parser, which Python 3.10 does not have."""
    block = re.search(r"^dependencies = \[\n(.*?)^\]", PROJECT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if not block:
        raise SystemExit("pyproject.toml has no list of dependencies")
    for line in block[1].strip().splitlines():
        print(line.strip(' ",').partition(";")[0].strip().replace(">=", "=="))


if __name__ == "__main__":
    main()
