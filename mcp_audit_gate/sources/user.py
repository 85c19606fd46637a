"""This user's own configs as a tree: the files of the table `homes` that are there, under names that begin with `~`. Nothing is written."""

from __future__ import annotations

import os

from mcp_audit_gate.sources.clients import LOCKFILE
from mcp_audit_gate.sources.discover import MAX_CONFIG, WorkingTree, read_file
from mcp_audit_gate.sources.homes import HOMES, located
from mcp_audit_gate.sources.tree import Found, Listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_audit_gate.sources.homes import Folders


class UserTree(WorkingTree):
    """The client configs of one user, and their lockfile. A link is followed wherever it leads: both ends are the user's.

    names_only: what the lockfile keeps of variables and headers. without: real paths that are judged already.
    lock: the lockfile's name here; lock_file: its path on disk. files: name -> path on disk.
    """

    names_only = True

    def __init__(self, where: Folders, environ: Mapping[str, str], without: frozenset[str] = frozenset()) -> None:
        super().__init__(where.home)
        self._home = where.home
        self.lock_file = os.path.join(where.state, LOCKFILE)
        self.lock = self._named(self.lock_file)
        self._found: dict[str, Found] = {}
        self.files: dict[str, str] = {}
        for row in HOMES:
            for full in located(row, where, environ):
                name = self._named(full)
                if os.path.lexists(full) and os.path.realpath(full) not in without and name not in self.files:
                    self.files[name] = full
                    self._found[name] = Found(name, row)

    def _named(self, full: str) -> str:
        inside = os.path.relpath(full, self._home) if full.startswith(self._home + os.sep) else full.lstrip(os.sep)
        return f"~/{inside}".replace(os.sep, "/")

    def list(self, paths: Iterable[str]) -> Listing:
        """All of them, whatever the paths."""
        return Listing(tuple(self._found[name] for name in sorted(self._found)), ())

    def pointed(self, source: str, target: str) -> Found | None:
        """Nothing: files of a home folder point into places that no table knows."""
        return None

    def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder of the home folder. A lockfile at its top, or what is nearly called so, belongs to a project there."""
        if folder == self.lock.rpartition("/")[0]:
            return (LOCKFILE,) if os.path.lexists(self.lock_file) else ()
        return tuple(name for name in super().names(folder) if folder or not ("audit" in name.lower() and "lock" in name.lower()))

    def read(self, path: str, limit: int = MAX_CONFIG) -> bytes:
        """The bytes of a config, of the lockfile, or of a program below the home folder. Raises Unreadable."""
        full = self.lock_file if path == self.lock else self.files.get(path)
        return super().read(path, limit) if full is None else read_file(os.path.realpath(full), limit)
