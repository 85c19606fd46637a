"""A file replaced in one step: whole, or as it was, and nothing of anybody else's is taken away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_audit_gate import atomic


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    file.chmod(0o640)
    atomic.put(str(file), b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o640)
    assert os.listdir(tmp_path) == ["a"]


def test_what_stands_under_the_temporary_name_stays(tmp_path: Path) -> None:
    file, planted = tmp_path / "a", tmp_path / f"a.{os.getpid()}.tmp"
    file.write_bytes(b"old")
    planted.write_bytes(b"not ours")
    with pytest.raises(FileExistsError):
        atomic.put(str(file), b"new")
    assert (file.read_bytes(), planted.read_bytes()) == (b"old", b"not ours")


def test_a_last_word_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def refuse() -> None:
        raise OSError("changed meanwhile")

    file = tmp_path / "a"
    file.write_bytes(b"old")
    with pytest.raises(OSError, match="changed meanwhile"):
        atomic.put(str(file), b"new", last=refuse)
    assert (file.read_bytes(), os.listdir(tmp_path)) == (b"old", ["a"])
