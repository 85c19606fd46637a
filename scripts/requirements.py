"""Writes the hash-locked requirements that the GitHub action installs from: .github/action/requirements*.txt.

    python scripts/requirements.py

Needs `uv` on the PATH and a package index. One file holds for every Python and platform of the action; the gate itself is not in it,
since the action installs it from its own checkout.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "action"
FILES = {"requirements.txt": (), "requirements-connect.txt": ("--extra", "connect")}
HEAD = "# Made by scripts/requirements.py; do not edit.\n"
_COMMAND = (
    "uv",
    "pip",
    "compile",
    "--quiet",
    "--no-config",
    "--universal",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--python-version",
    "3.10",
)


def compiled(*extras: str) -> str:
    """Every package of the base install and the extras, and what builds the gate, with the hashes of all their files."""
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder, "build.in")
        build.write_text("hatchling>=1.27\n", "utf-8")
        return subprocess.run([*_COMMAND, *extras, "pyproject.toml", str(build)], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Writes each file of FILES."""
    for name, extras in FILES.items():
        (FOLDER / name).write_bytes((HEAD + compiled(*extras)).encode())
        print(f"wrote .github/action/{name}")


if __name__ == "__main__":
    main()
