"""The nouns of lockfile, live runs and fixes: what a server declares, its record, how two differ, what was seen, edits. model gives them to all."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_audit_gate.metadata.said import Said
    from mcp_audit_gate.model import Entry, Json, Location, Locator, NotAssessed, Place, Pointer


class Surface(NamedTuple):
    """What a server declares, as true values (no `$lines`); each list in the lockfile's order."""

    instructions: str | None = None
    tools: tuple[dict[str, Json], ...] = ()
    prompts: tuple[dict[str, Json], ...] = ()
    resources: tuple[dict[str, Json], ...] = ()
    resource_templates: tuple[dict[str, Json], ...] = ()
    server_info: dict[str, Json] | None = None
    protocol_version: str | None = None


class Pin(NamedTuple):
    """An entry's launch and surface as recorded, or (document None) as just observed.

    launch: the lockfile's launch object. pointer: where the record stands in the lockfile. digest: that of the surface.
    """

    name: str
    launch: Mapping[str, Json]
    launch_digest: str
    surface: Surface
    digest: str
    resolved: str | None = None
    document: Locator | None = None
    pointer: Pointer = ()


class Pinned(NamedTuple):
    """A pin, the entries it serves, and (once it was read) what it says: what rules of scope "surface" look at.

    Its text lies in the lockfile, the entries are the related places; a surface without a lockfile lies on its first entry.
    """

    pin: Pin
    entries: tuple[Entry, ...]
    said: Said | None = None


class Change(NamedTuple):
    """One difference between an older and a newer pin of a server.

    kind: the class, which is the id of the rule that reports it. subject: `tool:NAME`, `instructions`, …, "" for the server.
    old, new: where it stands below each pin, as steps through true values (`tools`, 3, `definition`, `description`); None on
    the side that lacks it. before, after: the values there. message: what changed, in words, untrusted text escaped.
    """

    kind: str
    server: str
    subject: str
    old: Pointer | None
    new: Pointer | None
    before: Json
    after: Json
    message: str


class Drift(NamedTuple):
    """A Change with where it is reported: the older and the newer pin (None: none, or not in a file), and the entries it is about.

    place: where it is, when that is in neither pin.
    """

    change: Change
    old: Pin | None
    new: Pin | None
    entries: tuple[Entry, ...] = ()
    place: Place | None = None


class Note(NamedTuple):
    """Something a server did in this run that a person should know, although it was listed.

    kind: the id of the rule that reports it. subject: `tool:NAME` and so on, "" for the server. message: one sentence, escaped.
    """

    kind: str
    subject: str
    message: str


class Observed(NamedTuple):
    """What a connection to one server of this run showed.

    entries: those it serves, all of one name and launch. pin: what was declared, None when it could not be listed whole.
    partial: what was listed beside a list that failed, to be judged and never to be pinned. other: what values of
    repeated keys say that pin and partial do not have; the same holds for it.
    """

    entries: tuple[Entry, ...]
    pin: Pin | None
    partial: Pin | None = None
    gaps: tuple[NotAssessed, ...] = ()
    notes: tuple[Note, ...] = ()
    other: Pin | None = None


class Suspicion(NamedTuple):
    """What a model that was asked (`--llm-analysis`) takes for suspect.

    about, at, offset: the surface, the text below its pin, and a character of it. words: what was judged; a waiver is bound to it.
    message: one sentence, escaped.
    """

    about: Pinned
    at: Pointer
    offset: int
    subject: str
    words: tuple[str, ...]
    message: str


class Analysis(NamedTuple):
    """What asking a model added to a run, and what it gave no answer for."""

    suspicions: tuple[Suspicion, ...] = ()
    gaps: tuple[NotAssessed, ...] = ()


class Replacement(NamedTuple):
    """A span of a config, and what takes its place; both may be empty."""

    location: Location
    text: str


class Fix(NamedTuple):
    """The edits of one config that take a finding away. words: what they do, as an order."""

    words: str
    edits: tuple[Replacement, ...]
