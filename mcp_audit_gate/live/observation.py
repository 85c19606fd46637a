"""What goes into a connection and what comes out: Target and Options in, Observation (a surface, or precise failures) out."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_audit_gate.model import Json, Surface


class Failure(NamedTuple):
    """Why a server, or one of its lists, was not assessed. step: what the gate was doing (`start`, `handshake`, `tools, page 2`).

    reason and hint are one line each, escaped, without the values of variables handed over.
    """

    step: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.step}: {self.reason}" + (f"; {self.hint}" if self.hint else "")


class Target(NamedTuple):
    """One server, with the true values of this run: secrets included, so its repr shows none.

    transport: stdio, http, sse, or "" for an address whose kind nothing tells. cwd: where the program starts, "" for here.
    protocol_version: the pinned one, asked for first. secrets: values that came from a reference or are credentials.
    failure: why it cannot be connected to at all. package: ecosystem and name of what it runs, where the release is left open.
    """

    name: str
    transport: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    url: str = ""
    headers: Mapping[str, str] = {}
    cwd: str = ""
    protocol_version: str | None = None
    secrets: tuple[str, ...] = ()
    failure: Failure | None = None
    package: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Target({self.name!r}, {self.transport!r})"


class Options(NamedTuple):
    """How to connect. environ: the environment of this run; pass_env: names in it that every started server gets.

    timeout_s: per server, over everything. jobs: servers at once. plain: introduce ourselves as any program with the official library
    does; a server that shows the gate another list than other clients is then seen to differ.
    """

    environ: Mapping[str, str]
    timeout_s: float = 30.0
    jobs: int = 16
    pass_env: tuple[str, ...] = ()
    plain: bool = False

    def __repr__(self) -> str:
        return f"Options(timeout_s={self.timeout_s}, jobs={self.jobs}, pass_env={self.pass_env})"


class Note(NamedTuple):
    """Something a server did that a person should know, although it could be assessed.

    kind: `duplicate-key` (values: all of them, the last is in the surface), `duplicate-name`, `asked` (sampling, elicitation, roots),
    `two-answers`, `stray-answer`, `not-json`. subject: `tool:NAME` and so on, "" for the server. message: escaped.
    """

    kind: str
    subject: str
    message: str
    values: tuple[Json, ...] = ()


class Observation(NamedTuple):
    """What one target showed. surface: only when all of it was assessed; else `failures` says what was not.

    partial: what was listed beside a list that failed; to be judged, never to be pinned. other: what stands in values of repeated
    keys that surface and partial do not have; the same holds for it. contacted: a process ran or an address was asked. version: the release
    of the target's package that ran, where that is certain.
    """

    name: str
    surface: Surface | None = None
    failures: tuple[Failure, ...] = ()
    notes: tuple[Note, ...] = ()
    partial: Surface | None = None
    contacted: bool = False
    seconds: float = 0.0
    other: Surface | None = None
    version: str | None = None

    @property
    def failure(self) -> Failure | None:
        """The first failure, or None when the surface is whole."""
        return self.failures[0] if self.failures else None


class Failed(Exception):  # noqa: N818 - a state of a server, not a fault of the program
    """Ends the work on one server with a Failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure
