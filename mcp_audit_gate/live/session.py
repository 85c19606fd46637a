"""The talk with a connected server: negotiation, then every list it declares, page by page; what it says raw, as a surface."""

from __future__ import annotations

import json
from itertools import pairwise

from mcp_audit_gate.live.explain import advice
from mcp_audit_gate.live.observation import Failed, Failure
from mcp_audit_gate.live.shapes import wrong_shape
from mcp_audit_gate.live.wire import IDENTITY, LISTS
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Surface
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from mcp.client.session import ClientSession
    from mcp_types import Implementation
    from pydantic import ValidationError

    from mcp_audit_gate.live.wire import Wire
    from mcp_audit_gate.model import Json

    Object = dict[str, Json]

PAGES = 100
ITEMS = 100_000
CURSOR_LENGTH = 16 << 10
# A server that knows `server/discover` answers it as soon as it is up; one that ignores it must not cost the library's ten seconds.
SILENCE_S = 2.0
LATE_S = 0.2
BROKEN_S = 1.0
BROKEN_HINT = "the server is broken or hostile; tell its authors"
SERVER_INFO = "io.modelcontextprotocol/serverInfo"
UNSUPPORTED_VERSION, NO_METHOD = -32022, -32601
CAPABILITY = {"tools/list": "tools", "prompts/list": "prompts", "resources/list": "resources", "resources/templates/list": "resources"}
STEPS = {"tools/list": "tools", "prompts/list": "prompts", "resources/list": "resources", "resources/templates/list": "resource templates"}


class Listing(NamedTuple):
    """What a session showed, which of its lists failed, and what it showed besides to clients that read repeated keys otherwise."""

    surface: Surface
    failures: tuple[Failure, ...]
    other: Surface | None = None


async def listing(session: ClientSession, wire: Wire, version: str | None, client: Implementation) -> Listing:
    """Everything the server declares; raises Failed when it cannot be talked to. version: the pinned one, asked for first."""
    wire.step = "handshake"
    hello = await _Negotiation(session, wire, client).run(version)
    lists: dict[str, tuple[Object, ...]] = {}
    failures = []
    room = ITEMS
    for method, capability in CAPABILITY.items():
        if capability not in hello.capabilities:
            continue
        try:
            lists[method] = await _Pager(session, wire, method, room).run()
            room -= len(lists[method])
        except Failed as failed:
            failures.append(failed.failure)
    _note_names(wire, lists)
    tools, prompts, resources, templates = (_sorted(method, lists.get(method, ())) for method in LISTS)
    surface = Surface(hello.instructions, tools, prompts, resources, templates, hello.server_info, session.protocol_version)
    return Listing(surface, tuple(failures), _other(wire, lists) if wire.others else None)


def _other(wire: Wire, lists: Mapping[str, tuple[Object, ...]]) -> Surface | None:
    """What stands in the values of repeated keys that the surface does not have; None when there is nothing of a proper shape."""
    found: dict[str, list[Object]] = {method: [] for method in LISTS}
    known = {json.dumps(item, sort_keys=True) for items in lists.values() for item in items}
    said: list[str] = []
    for method, result in wire.others:
        instructions, items = result.get("instructions"), result.get(LISTS.get(method, ""))
        if isinstance(instructions, str):
            said.append(instructions)
        for item in items if isinstance(items, list) else ():
            text = json.dumps(item, sort_keys=True)
            if isinstance(item, dict) and text not in known and not wrong_shape(LISTS[method], item):
                known.add(text)
                found[method].append(item)
    if not said and not any(found.values()):
        return None
    tools, prompts, resources, templates = (_sorted(method, tuple(found[method])) for method in LISTS)
    return Surface("\n".join(said) or None, tools, prompts, resources, templates)


class _Hello(NamedTuple):
    """What the server says of itself."""

    capabilities: Object
    instructions: str | None
    server_info: Object | None


class _Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The server answered with an error."""

    def __init__(self, error: Json) -> None:
        super().__init__()
        self.error = error if isinstance(error, dict) else {}

    @property
    def code(self) -> Json:
        return self.error.get("code")

    def told(self, wire: Wire) -> str:
        """The error in words."""
        message = self.error.get("message")
        said = f": {wire.clean(message)}" if isinstance(message, str) and message.strip() else ""
        return f"the server answers with error {visible(json.dumps(self.code), 20)}{said}"


async def _request(wire: Wire, method: str, call: Awaitable[object]) -> Object:
    """The raw result of a request; raises _Refused for an error of the server, Failed for anything else."""
    import anyio
    from mcp.shared.exceptions import MCPError
    from pydantic import ValidationError

    try:
        await call
    except MCPError as error:
        answer = wire.answers.get(method)
        if answer is not None and answer.error is not None:
            raise _Refused(answer.error) from None
        if not wire.refusal:
            with anyio.move_on_after(BROKEN_S):  # whoever watches the process knows the reason a moment later
                await wire.broken.wait()
        raise Failed(wire.failure or Failure(wire.step, wire.refusal or wire.clean(error.message), wire.advice)) from None
    except ValidationError as error:
        raise Failed(Failure(wire.step, _misshapen(error), BROKEN_HINT)) from None
    result = wire.answers[method].result
    if not isinstance(result, dict):
        raise Failed(Failure(wire.step, "the result is no object", BROKEN_HINT))
    return result


def _misshapen(error: ValidationError) -> str:
    """Where a result has the wrong shape; nothing of what stands there."""
    where = ".".join(str(step) for step in error.errors(include_input=False, include_url=False)[0]["loc"])
    return f"the result has the wrong shape at {visible(where, 120)}" if where else "the result has the wrong shape"


class _Negotiation:
    """Finds the era and the version. The outcome depends on what the server answers, never on how soon."""

    def __init__(self, session: ClientSession, wire: Wire, client: Implementation) -> None:
        self._session = session
        self._wire = wire
        self._client = client
        self._refused = ""

    async def run(self, version: str | None) -> _Hello:
        """The greeting of either era; raises Failed when there is none."""
        from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

        if version in HANDSHAKE_PROTOCOL_VERSIONS:
            hello = await self._handshake(version) or await self._discover()
        else:
            hello = await self._discover(SILENCE_S) or await self._settled()
        if hello is None:
            raise Failed(Failure("handshake", self._refused or "the server refuses to be talked to", "try the newest version of the server"))
        return hello

    async def _settled(self) -> _Hello | None:
        """The older era's greeting, unless the server turns out to know the newer one and was only slow to start."""
        import anyio

        silent = "server/discover" not in self._wire.answers and not self._wire.refusal
        hello = await self._handshake()
        if silent and hello:
            with anyio.move_on_after(LATE_S):
                while "server/discover" not in self._wire.answers:
                    await anyio.sleep(LATE_S / 10)
        late = self._wire.answers.get("server/discover")
        if hello is None or (silent and late is not None and late.result is not None):
            return await self._discover() or hello
        return hello

    async def _discover(self, silence_s: float | None = None) -> _Hello | None:
        """The newer era's greeting; None when the server does not know it, or says nothing for so long."""
        import anyio
        from mcp_types import DiscoverResult
        from mcp_types.version import LATEST_MODERN_VERSION, MODERN_PROTOCOL_VERSIONS
        from pydantic import ValidationError

        result: Object | None = None
        try:
            with anyio.move_on_after(silence_s):
                result = await _request(self._wire, "server/discover", self._session.send_discover(LATEST_MODERN_VERSION))
            if result is None:
                return None
            greeting = DiscoverResult.model_validate(result)
        except _Refused as refused:
            self._refused = _versions(refused.error) or refused.told(self._wire)
            return None
        except ValidationError:
            return None
        except Failed:
            if self._wire.failure is None and self._wire.refusal:  # an HTTP server of the older era refuses what it does not know
                return None
            raise
        if not set(MODERN_PROTOCOL_VERSIONS) & set(greeting.supported_versions):
            self._refused = _unknown(greeting.supported_versions)
            return None
        self._session.adopt(greeting)
        meta = result.get("_meta")
        info = meta.get(SERVER_INFO) if isinstance(meta, dict) else None
        return _hello(result, info)

    async def _handshake(self, version: str | None = None) -> _Hello | None:
        """The older era's greeting; None when the server refuses it."""
        import mcp_types as types
        from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS
        from pydantic import ValidationError

        offer = types.InitializeRequestParams(
            protocol_version=version or LATEST_HANDSHAKE_VERSION, capabilities=types.ClientCapabilities(), client_info=self._client
        )
        call = self._session.send_request(types.InitializeRequest(params=offer), types.EmptyResult)
        try:
            result = await _request(self._wire, "initialize", call)
            chosen = result.get("protocolVersion")
            if isinstance(chosen, str) and chosen not in HANDSHAKE_PROTOCOL_VERSIONS:
                if chosen in MODERN_PROTOCOL_VERSIONS:
                    return None
                raise Failed(Failure("handshake", _unknown([chosen]), "update this program, or the server"))
            self._session.adopt(types.InitializeResult.model_validate(result))
        except _Refused as refused:
            self._refused = _versions(refused.error) or refused.told(self._wire)
            return None
        except ValidationError as error:
            raise Failed(Failure("handshake", _misshapen(error), BROKEN_HINT)) from None
        await self._session.send_notification(types.InitializedNotification())
        return _hello(result, result.get("serverInfo"))


def client_info(plain: bool) -> Implementation:
    """How this program introduces itself to servers. plain: as the library does by itself."""
    from mcp.client.session import DEFAULT_CLIENT_INFO
    from mcp_types import Implementation

    from mcp_audit_gate import __version__

    return DEFAULT_CLIENT_INFO if plain else Implementation(name="mcp-audit-gate", version=__version__)


def _hello(result: Object, info: Json) -> _Hello:
    capabilities, instructions = result.get("capabilities"), result.get("instructions")
    return _Hello(
        capabilities if isinstance(capabilities, dict) else {},
        instructions if isinstance(instructions, str) else None,
        info if isinstance(info, dict) else None,
    )


def _versions(error: Object) -> str:
    """What a refusal of our version says about the server's."""
    data = error.get("data")
    named = data.get("supported") if isinstance(data, dict) else None
    return _unknown(named) if error.get("code") == UNSUPPORTED_VERSION and isinstance(named, list) else ""


def _unknown(versions: Sequence[Json]) -> str:
    from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

    named = ", ".join(visible(str(version), 40) for version in versions[:5]) or "none"
    return f"the server speaks protocol version {named}; known are {', '.join(KNOWN_PROTOCOL_VERSIONS)}"


class _Pager:
    """Reads one list, page by page, within caps on pages and items."""

    def __init__(self, session: ClientSession, wire: Wire, method: str, room: int) -> None:
        self._session = session
        self._wire = wire
        self._method = method
        self._room = room
        self._items: list[Object] = []

    async def run(self) -> tuple[Object, ...]:
        """All items; empty when the server does not know the list. Raises Failed when it cannot be read to its end."""
        cursor: str | None = None
        seen: set[str] = set()
        for page in range(1, PAGES + 1):
            self._wire.step = f"{STEPS[self._method]}, page {page}"
            try:
                result = await self._page(cursor)
            except _Refused as refused:
                if refused.code == NO_METHOD and cursor is None:
                    return ()
                told = refused.told(self._wire)
                raise self._failed(told, advice(told) or "what the server needs for this list may be missing, or out of reach") from None
            fresh = self._checked(result)
            if cursor == "" and fresh == self._items[-len(fresh) :]:  # "" meant that there is no more, and brought the same page again
                return tuple(self._items)
            self._items += fresh
            if len(self._items) > self._room:
                raise self._failed(f"more than {ITEMS:,} items", "a list this long cannot be pinned")
            cursor = self._next(result, seen)
            if cursor is None:
                return tuple(self._items)
        raise self._failed(f"the list has more than {PAGES} pages", "a list without end cannot be pinned")

    async def _page(self, cursor: str | None) -> Object:
        import mcp_types as types

        kinds = {
            "tools/list": types.ListToolsRequest,
            "prompts/list": types.ListPromptsRequest,
            "resources/list": types.ListResourcesRequest,
            "resources/templates/list": types.ListResourceTemplatesRequest,
        }
        request = kinds[self._method](params=types.PaginatedRequestParams(cursor=cursor))
        return await _request(self._wire, self._method, self._session.send_request(request, types.EmptyResult))

    def _checked(self, result: Object) -> list[Object]:
        """The items of a page, each of the right shape; unknown members are kept."""
        key = LISTS[self._method]
        items = result.get(key)
        if result.get("resultType") not in (None, "complete"):
            raise self._failed("the server wants input before it lists anything", "the gate answers no questions of a server")
        if not isinstance(items, list):
            raise self._failed(f"the result holds no list {key}", BROKEN_HINT)
        checked = []
        for number, item in enumerate(items, len(self._items) + 1):
            wrong = wrong_shape(key, item)
            if wrong or not isinstance(item, dict):
                raise self._failed(
                    f"{_called(key, item, number)} has the wrong shape: {wrong}", "other clients drop or refuse it; tell the server's authors"
                )
            checked.append(item)
        return checked

    def _next(self, result: Object, seen: set[str]) -> str | None:
        cursor = result.get("nextCursor")
        if cursor is None:
            return None
        if not isinstance(cursor, str) or len(cursor) > CURSOR_LENGTH:
            raise self._failed("the cursor of the next page is no text, or too long", BROKEN_HINT)
        if cursor in seen:
            raise self._failed("the same cursor came twice, so the list never ends", BROKEN_HINT)
        seen.add(cursor)
        return cursor

    def _failed(self, reason: str, hint: str) -> Failed:
        return Failed(Failure(self._wire.step, reason, hint))


def _called(key: str, item: Json, number: int) -> str:
    """`tool "add"`, or `tool 3` for one without a proper name."""
    kind, name = IDENTITY[key]
    given = item.get(name) if isinstance(item, dict) else None
    return f'{kind} "{visible(given, 80)}"' if isinstance(given, str) else f"{kind} {number}"


def _note_names(wire: Wire, lists: Mapping[str, tuple[Object, ...]]) -> None:
    for method, items in lists.items():
        kind, name = IDENTITY[LISTS[method]]
        found: dict[str, list[Object]] = {}
        for item in _sorted(method, items):
            found.setdefault(str(item[name]), []).append(item)
        for one, twins in found.items():
            if len(twins) > 1:
                wire.note("duplicate-name", f"{kind}:{one}", f"declares {len(twins)} {kind}s named {visible(one, 80)}", tuple(twins))


def _sorted(method: str, items: tuple[Object, ...]) -> tuple[Object, ...]:
    """In the lockfile's order: by name or URI; equal ones by their text, so that the order they came in means nothing."""
    name = IDENTITY[LISTS[method]][1]
    by_name = sorted(items, key=lambda item: str(item[name]))
    if all(one[name] != other[name] for one, other in pairwise(by_name)):
        return tuple(by_name)
    return tuple(sorted(by_name, key=lambda item: (str(item[name]), json.dumps(item, sort_keys=True))))
