"""Servers and the lockfile: what has no record, and records that do not add up or that nothing needs."""

from __future__ import annotations

from mcp_audit_gate.lock.match import nearest
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Place, Rule, RuleInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Context, Pin

_LOCK = "mcp-audit.lock.json"
# Examples are excerpts of records; tests/locks.py fills in the rest.
_RECORD = '{\n  "name": "docs",\n  "tools": []\n}\n'
_LAUNCHED = '{\n  "name": "docs",\n  "launch": {\n    "transport": "stdio",\n    "command": "npx",\n    "args": ["-y", "@acme/docs-mcp@%s"]\n  }\n}\n'
_EMPTY = '{\n  "lockfileVersion": 1,\n  "servers": []\n}\n'

UNLOCKED_SERVER = RuleInfo(
    id="unlocked-server",
    family="lock",
    severity="high",
    title="A server is not recorded in the lockfile",
    why="Nothing about it was reviewed: neither how it is started nor what its tools tell the model. Whoever keeps a lockfile means every server.",
    looks_at="Each enabled server without a record of its own, when there is a lockfile, or the policy requires one. A record of its name that no "
    "other entry has is compared with it instead (`launch-changed`, `lock-outdated`). A server that only a client can sign in to cannot be pinned: "
    "waive its finding, which is bound to the package or address.",
    fix="Run mcp-audit pin, read what it shows, and commit the lockfile; or remove the server.",
    references=("CWE-1357", "OWASP MCP04", "OWASP MCP09"),
    example_bad=("mcp-audit.yaml", "# .mcp.json has a server, and there is no mcp-audit.lock.json\nversion: 1\nrequire: {lock: true}\n"),
    example_good=(_LOCK, _RECORD),
    needs=("config", "lock"),
    precision="very-high",
)


def unlocked_server(context: Context) -> Iterator[Hit]:
    """One hit for each server that the lockfile does not know, by name."""
    if context.lock is None and not context.lock_required:
        return
    for item in _judged(context):
        if item.is_unrecorded:
            message = f"{_title(item.entry.name)} {_missing(context, item)}."
            yield Hit(item.entry.place(key=True), message, _identity(item), subject="", server=item.entry.name)


def _missing(context: Context, item: Match) -> str:
    if context.lock is None:
        return "is not recorded: there is no lockfile, and the policy requires one"
    path = visible(context.lock.path, 80)
    if all(pin.name != item.entry.name for pin in context.lock.pins):
        return f"is not recorded in {path}"
    return f"starts or reaches something that is not recorded: the records of its name in {path} are those of other entries"


LOCK_TAMPERED = RuleInfo(
    id="lock-tampered",
    family="lock",
    severity="high",
    title="The lockfile does not match its own digests",
    why="It was edited by hand or merged badly. Nothing in such a record was listed by the server, so nothing in it can be relied on.",
    looks_at="Every record: its digests against its content, its members, its order. Blanks and line ends do not matter.",
    fix="Take the lockfile of the trusted branch and run mcp-audit pin again. This rule can neither be waived nor switched off.",
    references=("CWE-353", "SAFE-T1201"),
    example_bad=(_LOCK, '{\n  "lockfileVersion": 1,\n  "servers": [],\n  "trusted": true\n}\n'),
    example_good=(_LOCK, _EMPTY),
    needs=("lock",),
    precision="very-high",
)


def lock_tampered(context: Context) -> Iterator[Hit]:
    """One hit for each thing in the lockfile that does not add up."""
    for fault in context.lock.faults if context.lock else ():
        about = f" ({_named(fault.server)})" if fault.server is not None else ""
        yield Hit(fault.place, f"{fault.message[:1].upper()}{fault.message[1:]}{about}.", fault.value, subject=fault.subject, server=fault.server)


LOCK_ORPHAN = RuleInfo(
    id="lock-orphan",
    family="lock",
    severity="info",
    title="A record of the lockfile belongs to no server",
    why="Harmless leftovers of a server that was removed or renamed; they make a review longer, and would pin it again, should it come back.",
    looks_at="Records whose name no config declares. Disabled servers count as declared.",
    fix="Run mcp-audit pin --prune.",
    references=(),
    example_bad=(_LOCK, '{\n  "name": "gone",\n  "tools": []\n}\n'),
    example_good=(_LOCK, _RECORD),
    needs=("config", "lock"),
    precision="very-high",
)


def lock_orphan(context: Context) -> Iterator[Hit]:
    """One hit for each record that no entry has the name of."""
    names = {item.entry.name for item in context.matches}
    for pin in context.lock.pins if context.lock and context.whole else ():
        if pin.name not in names:
            yield Hit(
                _place(pin, "name"),
                f"The record of {_named(pin.name)} belongs to no server of any config.",
                pin.launch_digest,
                subject="",
                server=pin.name,
            )


LOCK_OUTDATED = RuleInfo(
    id="lock-outdated",
    family="lock",
    severity="high",
    title="The lockfile records another version of a server",
    why="The tools that were reviewed are those of the recorded version. What the other one says and can do, nobody looked at.",
    looks_at="Servers whose launch is recorded but for its exact version, tag, commit or digest. A launch without version is not compared.",
    fix="Run mcp-audit pin, read what changed, and commit the lockfile with the upgrade.",
    references=("CWE-345",),
    example_bad=(_LOCK, _LAUNCHED % "1.4.1"),
    example_good=(_LOCK, _LAUNCHED % "1.4.2"),
    needs=("config", "lock"),
    precision="very-high",
)


def lock_outdated(context: Context) -> Iterator[Hit]:
    """One hit for each server that is recorded in another version."""
    for item in _judged(context):
        found = nearest(item)
        if found is not None and found.is_other_version:
            message = f"{_title(item.entry.name)} is recorded in another version: {found.difference.words}."
            value = str(item.launch.get("package") or item.launch_digest)
            yield Hit(item.entry.place(found.at), message, value, False, (_place(found.pin, "launch"),), subject=None)


def _judged(context: Context) -> Iterator[Match]:
    """The servers that a client would start."""
    return (item for item in context.matches if not item.entry.disabled and not item.entry.sample)


def _identity(item: Match) -> str:
    """What is started or reached, without its version: an upgrade does not make another finding of it."""
    package = str(item.launch.get("package", "")).partition("@sha256:")[0]
    if package:
        name, _, _ = package.rpartition(":" if package.count(":") > 1 and package.startswith("oci:") else "@")
        return name if len(name) > len("pypi:") else package
    return str(item.launch.get("url") or item.launch.get("command") or "")


def _place(pin: Pin, member: str) -> Place:
    assert pin.document is not None
    return Place(pin.document, (*pin.pointer, member))


def _named(name: str) -> str:
    return f'server "{visible(name, 80)}"'


def _title(name: str) -> str:
    return f'Server "{visible(name, 80)}"'


RULES: tuple[Rule, ...] = (
    Rule(UNLOCKED_SERVER, unlocked_server, "context"),
    Rule(LOCK_OUTDATED, lock_outdated, "context"),
    Rule(LOCK_TAMPERED, lock_tampered, "context"),
    Rule(LOCK_ORPHAN, lock_orphan, "context"),
)
