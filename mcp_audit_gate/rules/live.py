"""What a connection of this run showed besides the surface: what could not be listed, and what a server did unasked."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Context, Observed

# No file shows these faults; the examples are configs.
_ANY = (".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}}\n')

LIVE_INCOMPLETE = RuleInfo(
    id="live-incomplete",
    family="input",
    severity="high",
    title="A server could not be listed completely",
    why="An empty or broken list is what an attacker would send. What was not listed was not judged, and is never counted as clean.",
    looks_at="Starting or reaching a server, the handshake, every page of every list: time, size, form, repeated names and contradicting answers.",
    fix="See the cause that is named. This rule can neither be waived nor switched off.",
    references=("CWE-754",),
    example_bad=_ANY,
    example_good=_ANY,
    needs=("live",),
    precision="very-high",
)


def live_incomplete(context: Context) -> Iterator[Hit]:
    """One hit for each thing that a server kept from being listed, or that makes its list doubtful."""
    for seen in context.observed:
        for gap in seen.gaps:
            if gap.what == "server":
                yield _hit(seen, f" could not be listed: {gap.reason}", "", gap.reason, gap.hint or "")
        yield from _noted(seen, LIVE_INCOMPLETE.id)


UNEXPECTED_MESSAGE = RuleInfo(
    id="unexpected-message",
    family="input",
    severity="low",
    title="A server sent what nobody asked for",
    why="While it is listed a server has no reason to ask for a model call, a form or the user's folders. The gate refuses all of them.",
    looks_at="Requests for sampling, elicitation or roots while a server is listed, and answers to requests that were never made.",
    fix="Ask the server's authors why it does that.",
    references=("OWASP MCP06", "SAFE-T1112"),
    example_bad=_ANY,
    example_good=_ANY,
    needs=("live",),
)


def unexpected_message(context: Context) -> Iterator[Hit]:
    """One hit for each kind of message that a server sent unasked."""
    for seen in context.observed:
        yield from _noted(seen, UNEXPECTED_MESSAGE.id)


UNSTABLE_METADATA = RuleInfo(
    id="unstable-metadata",
    family="drift",
    severity="medium",
    title="A server declares something else at every start",
    why="What was reviewed is not what the next start shows. Mostly it is the time or the order of a set; a server that wants to hide does the same.",
    looks_at="Two starts of one server in this run, compared part by part. Such a part keeps its old record and is no other change, unless one of "
    "the starts shows an order to the model or a new ability in it: then that one counts.",
    fix="Report it to the server's authors; a waiver with the finding's fingerprint holds for this part alone.",
    references=("CWE-367",),
    example_bad=_ANY,
    example_good=_ANY,
    needs=("live",),
)


def unstable_metadata(context: Context) -> Iterator[Hit]:
    """One hit for each part that two starts show differently."""
    for seen in context.observed:
        yield from _noted(seen, UNSTABLE_METADATA.id)


def _noted(seen: Observed, kind: str) -> Iterator[Hit]:
    for note in seen.notes:
        if note.kind == kind:
            yield _hit(seen, f" {note.message}", note.subject, note.message)


def _hit(seen: Observed, said: str, subject: str, value: str, fix: str = "") -> Hit:
    entry = seen.entries[0]
    related = tuple(other.place(key=True) for other in seen.entries[1:])
    return Hit(entry.place(key=True), f'Server "{visible(entry.name, 80)}"{said}.', value, False, related, subject, fix, entry.name)


RULES: tuple[Rule, ...] = (
    Rule(LIVE_INCOMPLETE, live_incomplete, "context"),
    Rule(UNEXPECTED_MESSAGE, unexpected_message, "context"),
    Rule(UNSTABLE_METADATA, unstable_metadata, "context"),
)
