"""The nouns of a run that several machines share (`--shard I/N`): which part tells what, and what a part's report says beside its findings."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_audit_gate.model import Finding, Json, NotAssessed
    from mcp_audit_gate.report.provenance import Provenance


PARTS = 1000
# Options that all parts of a run must have in common (gate.Settings).
FLAGS = ("allow_empty", "exit_zero", "ignore_waivers", "whole", "pin_check", "new_only")


class Part(NamedTuple):
    """The number-th of so many parts. servers: the part that tells about each server, by its name; all else goes by its file."""

    number: int
    parts: int
    servers: Mapping[str, int]

    def has(self, server: str | None, path: str | None) -> bool:
        """True for what this part tells: everything about its servers, and about no server in its files."""
        number = None if server is None else self.servers.get(server)
        return (self._of_file(path or "") if number is None else number) == self.number

    def _of_file(self, path: str) -> int:
        from zlib import crc32

        return crc32(path.encode("utf-8", "surrogatepass")) % self.parts + 1


def dealt(number: int, parts: int, weights: Mapping[str, int]) -> Part:
    """The part of a number. Servers are dealt out by weight, the heaviest first, each to the part that has least; equal ones by name."""
    from heapq import heapify, heappop, heappush

    loads = [(0, part) for part in range(1, parts + 1)]
    heapify(loads)
    servers: dict[str, int] = {}
    for name in sorted(weights, key=lambda name: (-weights[name], name)):
        load, part = heappop(loads)
        servers[name] = part
        heappush(loads, (load + weights[name], part))
    return Part(number, parts, servers)


class Owed(NamedTuple):
    """What one part knows of a waiver; only all of them together say whether it is used.

    matched, missed: the findings of this part that it covers, and those that nothing covers since it ended. expires: its last day.
    unused, ended: the finding when it covers nothing, and when it has ended and still would.
    """

    rule: str
    path: str | None
    expires: str
    is_over: bool
    matched: int
    missed: int
    unused: Finding
    ended: Finding


class Shard(NamedTuple):
    """What a part's report says so that all of them can be joined.

    run: what all parts must have in common. inputs, servers: how many the whole run has, and which of them the part has.
    told: reasons of the verdict that no finding gives. observed: a server was asked. ran: rules that had what they look at.
    changes: the order of each of the report's changes. elsewhere: what could not be assessed of servers that other parts tell about.
    grown, reworded: servers asked by this part have tools that no pin has; differ from their pin.
    """

    number: int
    parts: int
    run: Mapping[str, Json]
    inputs: tuple[int, tuple[int, ...]]
    servers: tuple[int, tuple[int, ...]]
    told: tuple[str, ...] = ()
    observed: bool = False
    ran: tuple[str, ...] = ()
    waivers: tuple[Owed, ...] = ()
    changes: tuple[tuple[int, ...], ...] = ()
    elsewhere: tuple[NotAssessed, ...] = ()
    grown: bool = False
    reworded: bool = False
    provenance: Provenance | None = None

    @property
    def name(self) -> str:
        """`I/N`."""
        return f"{self.number}/{self.parts}"
