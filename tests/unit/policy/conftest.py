"""A tree of files in memory, as the policy sees one: read by path, listed by folder."""

from __future__ import annotations

from datetime import date

import pytest

from mcp_audit_gate.errors import Unreadable

TODAY = date(2026, 12, 1)


class Files(dict):
    """Path -> text or bytes."""

    def read(self, path, limit=1 << 20):
        if path not in self:
            raise Unreadable("a link to a file that does not exist, or a file that vanished", "commit it")
        content = self[path]
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        if len(data) > limit:
            raise Unreadable(f"larger than {limit >> 20} MiB ({len(data)} bytes)", "split the file")
        return data

    def names(self, folder):
        prefix = f"{folder}/" if folder else ""
        return sorted({path[len(prefix) :].partition("/")[0] for path in self if path.startswith(prefix)})


@pytest.fixture
def today():
    return TODAY
