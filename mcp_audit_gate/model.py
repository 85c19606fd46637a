"""The nouns that travel between stages: places, entries, launches, findings, verdicts. Immutable, without behaviour of their own."""

from __future__ import annotations

from mcp_audit_gate.agreed import Analysis as Analysis
from mcp_audit_gate.agreed import Change as Change
from mcp_audit_gate.agreed import Drift as Drift
from mcp_audit_gate.agreed import Fix as Fix
from mcp_audit_gate.agreed import Note as Note
from mcp_audit_gate.agreed import Observed as Observed
from mcp_audit_gate.agreed import Pin as Pin
from mcp_audit_gate.agreed import Pinned as Pinned
from mcp_audit_gate.agreed import Replacement as Replacement
from mcp_audit_gate.agreed import Surface as Surface
from mcp_audit_gate.agreed import Suspicion as Suspicion
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Protocol

    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.metadata.strings import Spanned
    from mcp_audit_gate.part import Part, Shard

    Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
    Pointer = tuple[str | int, ...]

    class Locator(Protocol):
        """A parsed file as the model knows it; sources.document.Document is the one implementation."""

        path: str
        text: str
        data: bytes

        def locate(self, place: Place) -> Location:
            """Lines and columns of a place."""


SEVERITIES = ("info", "low", "medium", "high", "critical")
RANK = {name: rank for rank, name in enumerate(SEVERITIES)}


class Location(NamedTuple):
    """Path relative to the root; lines and columns 1-based, columns in characters, end exclusive."""

    path: str
    start_line: int = 1
    start_column: int = 1
    end_line: int = 1
    end_column: int = 1


class Place(NamedTuple):
    """A value, or its key, in a parsed file.

    `nth` chooses among equal keys, step by step along `pointer`: 0 the first, -1 the last; its last item goes on, () means the last everywhere.
    """

    document: Locator
    pointer: Pointer
    nth: tuple[int, ...] = ()
    key: bool = False


class Word(NamedTuple):
    """One word of a command line, or one string of an entry, and where below the entry it stands."""

    text: str
    at: Pointer


class Variable(NamedTuple):
    """An environment variable or a header; `value` is None when the config holds no text for it.

    `quoted` is true when it was read out of a command line (`env A=b cmd`): then `at` is the whole word.
    """

    name: str
    value: str | None
    at: Pointer
    quoted: bool = False


class Option(NamedTuple):
    """A flag of a runner as written (`--from`, `-v`), its value or None, and where the flag and the value stand."""

    name: str
    value: str | None
    at: Pointer
    value_at: Pointer


class Package(NamedTuple):
    """What a package runner fetches.

    ecosystem: npm, pypi, go, nuget, jsr, deno, mcpb, or "" when nothing tells. version: as written, without @ or ==.
    pin: exact, none, tag, range, commit, branch (git without a full commit), url, local, locked (the repository's own lock or workspace decides,
    or a date), or reference (name or version holds a variable without a default). source: the address when it does not come from a registry,
    else "". text: as written; the default of a `${VAR:-default}` in it is read as its value.
    """

    ecosystem: str
    name: str
    version: str
    pin: str
    source: str
    text: str
    at: Pointer


class Image(NamedTuple):
    """A container image: name with registry, tag and digest, "" where absent; text: as written, defaults of references not filled in."""

    name: str
    tag: str
    digest: str
    text: str
    at: Pointer


class Launch(NamedTuple):
    """What a client really starts or calls, understood once: sources.launch makes it, everything else reads it.

    transport: stdio, http, sse, ws, or "" when nothing tells. words: program and arguments as written. line: the same with wrappers (`cmd /c`,
    `env A=b`, `sh -c "one command"`) taken off; wrappers: their program words, outermost first. program: base name of line[0], lower case, without
    .exe/.cmd/.bat. runner: npx, uvx, docker, … when the program fetches or hosts another, else "". options: the runner's own flags. arguments: what
    the server itself gets. packages: all that a runner fetches, the one that is run first. urls: every address it is reached at, proxies unwrapped.
    script: the file that is run. code: program text in the arguments. shell: a command string that a shell interprets and that is more than one
    simple command. inside: the launches of the commands in it. env: with those of an `env A=b` prefix.
    """

    transport: str = ""
    words: tuple[Word, ...] = ()
    line: tuple[Word, ...] = ()
    wrappers: tuple[Word, ...] = ()
    program: str = ""
    runner: str = ""
    options: tuple[Option, ...] = ()
    arguments: tuple[Word, ...] = ()
    packages: tuple[Package, ...] = ()
    image: Image | None = None
    urls: tuple[Word, ...] = ()
    script: Word | None = None
    code: Word | None = None
    shell: Word | None = None
    inside: tuple[Launch, ...] = ()
    env: tuple[Variable, ...] = ()
    headers: tuple[Variable, ...] = ()
    cwd: Word | None = None

    @property
    def package(self) -> Package | None:
        """The package that the launch is about."""
        return self.packages[0] if self.packages else None


class Entry(NamedTuple):
    """One server in one config, or (kind "command") another command that the client runs because of the file.

    value: the entry as plain JSON. pointer, nth: where it stands. launches: its own launch, then every other command the
    client would run for it (headersHelper, …). disabled: switched off in a way every reader of the file honours.
    sample: a file that no client loads. again: another reading of an entry with repeated keys, judged but not counted.
    """

    document: Locator
    client: str
    name: str
    kind: str
    value: dict[str, Json]
    pointer: Pointer
    nth: tuple[int, ...]
    launches: tuple[Launch, ...]
    disabled: bool = False
    sample: bool = False
    again: bool = False

    @property
    def launch(self) -> Launch:
        """How the server itself is started or reached."""
        return self.launches[0]

    def place(self, at: Pointer = (), key: bool = False) -> Place:
        """The place of something below the entry."""
        return Place(self.document, (*self.pointer, *at), self.nth, key)


class Setting(NamedTuple):
    """A value in a config or a neighbour file that approves servers, weakens prompts or redirects the client.

    name: the setting in the catalogue's spelling (`permissions.allow`), whatever wraps it in the file.
    """

    document: Locator
    client: str
    name: str
    value: Json
    pointer: Pointer
    nth: tuple[int, ...]
    sample: bool = False

    def place(self, at: Pointer = (), key: bool = False) -> Place:
        """The place of something below the setting's value."""
        return Place(self.document, (*self.pointer, *at), self.nth, key)


class NotAssessed(NamedTuple):
    """Something that could not be read, parsed, started or finished."""

    what: str
    path: str | None
    server: str | None
    reason: str
    hint: str | None = None


class Problem(NamedTuple):
    """A fault of a file that a rule of the input family reports: unreadable, or a repeated key."""

    kind: str
    place: Place | Location
    message: str
    hint: str
    server: str | None = None
    related: tuple[Place, ...] = ()


class Input(NamedTuple):
    """A file that was looked at. status: parsed, excluded, unreadable. shape: pointers that matched. sha256: of data that another run read."""

    path: str
    client: str | None
    shape: str | None
    data: bytes | None
    servers: int
    status: str
    reason: str | None = None
    sha256: str | None = None


class RuleInfo(NamedTuple):
    """What is known about a rule: documentation, `explain`, SARIF and the text report are made from it.

    needs: its evidence: config, lock, surface, trusted-ref. example_bad gives this rule alone, example_good none; each is, or makes, (path, text).
    """

    id: str
    family: str
    severity: str
    title: str
    why: str
    looks_at: str
    fix: str
    references: tuple[str, ...]
    example_bad: tuple[str, str] | Callable[[], tuple[str, str]]
    example_good: tuple[str, str] | Callable[[], tuple[str, str]]
    needs: tuple[str, ...] = ("config",)
    precision: str = "high"


class Hit(NamedTuple):
    """What a rule found: where, and what to say. The engine makes it a Finding.

    value: the canonical value at fault; it goes into the fingerprint, so that another value at the same place is another finding. secret: the
    value is a credential, so only a few bits of its hash may leave the program. subject: what in the entry, when it is not the pointer
    (`tool:NAME`). server: whose fault it is, when a rule looks at the whole context.
    """

    place: Place | Location
    message: str
    value: str = ""
    secret: bool = False
    related: tuple[Place, ...] = ()
    subject: str | None = None
    fix: str = ""
    server: str | None = None


class Rule(NamedTuple):
    """A rule: what it is, and its check of one subject (an Entry, a Setting, or the whole Context).

    alike: of an entry it judges client, kind, value and launches only, not its name or place; entries equal in these are faultless together.
    """

    info: RuleInfo
    check: Callable[..., Iterable[Hit]]
    scope: str = "entry"
    also_disabled: bool = False
    also_sample: bool = False
    alike: bool = False


class Context(NamedTuple):
    """Everything the rules may look at in one run.

    lock: the lockfile that counts, or None; lock_required: the policy wants one. matches: each server with its pin. pinned: each surface that is
    known, with the entries it serves. observed: what connecting showed. newly_shown: tools of it that a pin has not so. changes: how what is there
    now differs from what was agreed. whole: all configs were looked at. analysis: what a model said. part: what is told. documents: what was read.
    """

    entries: tuple[Entry, ...]
    settings: tuple[Setting, ...]
    problems: tuple[Problem, ...]
    lock: Lock | None = None
    lock_required: bool = False
    matches: tuple[Match, ...] = ()
    observed: tuple[Observed, ...] = ()
    changes: tuple[Drift, ...] = ()
    pinned: tuple[Pinned, ...] = ()
    whole: bool = True
    analysis: Analysis | None = None
    newly_shown: tuple[Pinned, ...] = ()
    part: Part | None = None
    documents: tuple[Spanned, ...] = ()


class Finding(NamedTuple):
    """One thing wrong at one place. status: blocking, reported, waived, baseline."""

    rule: str
    severity: str
    message: str
    server: str | None
    subject: str
    location: Location
    related: tuple[Location, ...]
    fingerprint: str
    remediation: str
    status: str = "reported"
    waiver: Mapping[str, Json] | None = None


class Capability(NamedTuple):
    """What a tool, prompt, resource or launch can do. confidence: declared, high, medium, low."""

    subject: str
    capability: str
    confidence: str
    evidence: str


class Risk(NamedTuple):
    """0.0 to 10.0, and the addends of the sum as (capability, confidence, points)."""

    score: float
    parts: tuple[tuple[str, str, float], ...]


class Server(NamedTuple):
    """One entry as the report shows it."""

    entry: Entry
    location: Location
    launch: Mapping[str, Json]
    pinned: bool
    capabilities: tuple[Capability, ...]
    risk: Risk
    evidence: tuple[str, ...]


class Mode(NamedTuple):
    """How the run was made. policy: a path or `preset:NAME`. shard: `I/N` for a part of it."""

    connect: bool = False
    policy: str = "preset:default"
    lock: str | None = None
    trusted_ref: str | None = None
    shard: str | None = None


class Verdict(NamedTuple):
    """passed, failed, incomplete or empty; the exit code; why."""

    result: str
    exit_code: int
    reasons: tuple[str, ...]


class Report(NamedTuple):
    """Everything a reporter may show. severities: in force for each rule in this run. changes: since the pins agreed on.

    fixes: by fingerprint, where looked for. shard: what joins a part with the others. hashes: GitHub's, by path and line, without the files.
    """

    mode: Mode
    inputs: tuple[Input, ...]
    servers: tuple[Server, ...]
    findings: tuple[Finding, ...]
    not_assessed: tuple[NotAssessed, ...]
    verdict: Verdict
    rules: tuple[RuleInfo, ...]
    severities: Mapping[str, str]
    documents: Mapping[str, Locator]
    changes: tuple[Drift, ...] = ()
    fixes: Mapping[str, Fix] = {}
    shard: Shard | None = None
    hashes: Mapping[str, Mapping[int, str]] | None = None
