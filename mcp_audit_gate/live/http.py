"""A server at an address: the library's transports over a client of ours that reads every answer first, within caps, and stays at the origin."""

from __future__ import annotations

import contextlib
import json

from mcp_audit_gate.live.events import EventReader, TooLong
from mcp_audit_gate.live.strict import Unfit, read
from mcp_audit_gate.live.wire import MESSAGE_BYTES
from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from contextlib import AbstractAsyncContextManager
    from typing import Any, TypeVar

    import httpx2

    from mcp_audit_gate.live.observation import Options, Target
    from mcp_audit_gate.live.wire import Wire
    from mcp_audit_gate.model import Json

    T = TypeVar("T")

# Ending a session is a courtesy; a server that lets it hang is left alone.
FAREWELL_S = 1.0
KEPT_HEADERS = ("content-type", "mcp-session-id", "set-cookie", "location")
WRONG_ADDRESS = "check the address; it may be the server's web page, or need another path (/mcp, /sse)"


def wrong_address(url: str) -> str:
    """What is wrong with an address, "" when it can be asked."""
    import httpx2

    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return "the address is no URL"
    if parsed.scheme not in ("http", "https"):
        return f'"{visible(parsed.scheme, 20)}" addresses are none that this program can ask'
    return "" if parsed.host else "the address names no host"


def streams(target: Target, options: Options, wire: Wire, kind: str) -> AbstractAsyncContextManager[tuple[Any, Any]]:
    """The pair of streams for a session with the server at the target's address. kind: http or sse."""
    return _sse(target, options, wire) if kind == "sse" else _streamable(target, options, wire)


@contextlib.asynccontextmanager
async def _streamable(target: Target, options: Options, wire: Wire) -> AsyncIterator[tuple[Any, Any]]:
    from mcp.client.streamable_http import streamable_http_client

    async with (
        _client(target, options, wire, "http") as client,
        streamable_http_client(target.url, http_client=client, max_sse_event_size=MESSAGE_BYTES) as pair,
    ):
        yield pair


@contextlib.asynccontextmanager
async def _sse(target: Target, options: Options, wire: Wire) -> AsyncIterator[tuple[Any, Any]]:
    from mcp.client.sse import sse_client

    def factory(headers: object = None, timeout: object = None, auth: object = None) -> httpx2.AsyncClient:
        return _client(target, options, wire, "sse")

    async with sse_client(target.url, httpx_client_factory=factory) as pair:
        yield pair


def _client(target: Target, options: Options, wire: Wire, kind: str) -> httpx2.AsyncClient:
    """A client without the environment's proxies, passwords and cookies; certificates are always verified."""
    import httpx2

    from mcp_audit_gate import __version__

    url = httpx2.URL(target.url)
    verified = httpx2.create_ssl_context() if url.scheme == "https" else False  # loading the authorities takes a while
    inner = httpx2.AsyncHTTPTransport(verify=verified, trust_env=False, proxy=proxy(url, options))
    known = {} if options.plain else {"User-Agent": f"mcp-audit-gate/{__version__}"}
    headers = {**known, **target.headers, "Accept-Encoding": "identity"}
    tap = _Tap(inner, url, wire, kind, "authorization" in {name.lower() for name in target.headers})
    return httpx2.AsyncClient(transport=tap, headers=headers, timeout=options.timeout_s, trust_env=False, follow_redirects=False)  # type: ignore[arg-type]


def proxy(url: httpx2.URL, options: Options) -> str | None:
    """The proxy that --pass-env hands over for an address; None without one."""
    given = {name.upper(): options.environ[name] for name in options.pass_env if options.environ.get(name)}
    spared = [part.strip().lstrip(".").lower() for part in given.get("NO_PROXY", "").split(",") if part.strip()]
    if any(part == "*" or url.host == part or url.host.endswith(f".{part}") for part in spared):
        return None
    return given.get(f"{url.scheme.upper()}_PROXY") or given.get("ALL_PROXY")


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class _Tap:
    """The transport under the library's client: what it lets through, both ways, has been looked at."""

    def __init__(self, inner: httpx2.AsyncHTTPTransport, url: httpx2.URL, wire: Wire, kind: str, authorized: bool) -> None:
        self._inner = inner
        self._url = url
        self._wire = wire
        self._kind = kind
        self._authorized = authorized

    async def __aenter__(self) -> _Tap:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._inner.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends a request of the library and gives back what it may see of the answer."""
        import httpx2

        if _origin(request.url) != _origin(self._url):
            self._wire.fail(f"the server sends its client to another origin, {visible(request.url.host, 120)}", "nothing was sent there")
            raise httpx2.ConnectError("another origin")
        if request.method == "GET" and self._kind == "http":
            return httpx2.Response(405)  # the stream for what the server wants to say unasked: nothing of it would be heard
        if request.method == "DELETE":
            return await self._farewell(request)
        content = await request.aread()  # of a request that follows a redirect it is not read yet
        message = json.loads(content) if content else {}
        asked = isinstance(message, dict) and "method" in message and "id" in message
        if asked:
            self._wire.refusal = ""
            self._wire.sent(message)
        response = await self._sent(request)
        if request.method == "GET":
            return await self._event_stream(response)
        if not asked or (self._kind == "sse" and response.status_code < 400):
            await response.aclose()
            return self._unasked(response)
        return await self._answer(response, message)

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        import httpx2

        try:
            return await self._unless_broken(self._inner.handle_async_request(request))
        except httpx2.TransportError as error:
            self._wire.fail(*_connection(error, self._wire))
            raise

    async def _unless_broken(self, work: Awaitable[T]) -> T:
        """The result, or the end of it as soon as the session has been broken off; otherwise a silent server would hold up our leaving."""
        import asyncio

        import httpx2

        task, broken = asyncio.ensure_future(work), asyncio.ensure_future(self._wire.broken.wait())
        try:
            await asyncio.wait({task, broken}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise httpx2.ReadError("broken off")
            return task.result()
        finally:
            task.cancel()
            broken.cancel()

    async def _farewell(self, request: httpx2.Request) -> httpx2.Response:
        import asyncio

        import httpx2

        try:
            response = await asyncio.wait_for(self._unless_broken(self._inner.handle_async_request(request)), FAREWELL_S)
            await response.aclose()
        except (httpx2.TransportError, asyncio.TimeoutError):
            return httpx2.Response(204)
        return httpx2.Response(204)

    def _unasked(self, response: httpx2.Response) -> httpx2.Response:
        """The reply to a message that wants no answer."""
        import httpx2

        self._authorization(response)
        return httpx2.Response(202 if response.status_code < 400 else response.status_code, headers=_kept(response))

    def _authorization(self, response: httpx2.Response) -> None:
        if response.status_code not in (401, 403):
            return
        scheme = response.headers.get("www-authenticate", "").split(" ")[0]
        named = f" ({scheme})" if scheme.isascii() and scheme.isalpha() and len(scheme) <= 20 else ""
        way = "it may want OAuth, which this program does not do; a token can be given" if named.lower() == " (bearer)" else "give what it wants"
        hint = (
            "what the entry's Authorization header holds is not accepted" if self._authorized else f"{way} in the entry's headers, as Authorization"
        )
        self._wire.fail(f"the server wants authorization{named}, HTTP {response.status_code}", hint)

    async def _answer(self, response: httpx2.Response, message: dict[str, Json]) -> httpx2.Response:
        """The response to a request, its answer read; what holds none becomes the reason for a refusal."""
        import httpx2

        self._authorization(response)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        self._wire.status = status = response.status_code
        if response.has_redirect_location:
            await response.aclose()
            return self._redirect(response, str(message["method"]))
        if kind == "text/event-stream" and status < 300:
            return httpx2.Response(status, headers=_kept(response), stream=_stream(self._events(response, True), response))
        body = await self._body(response) if kind == "application/json" else b""
        await response.aclose()
        answer = self._wire.receive(_named(body, message["id"]) if status >= 400 else body) if body else None
        if answer is not None:
            return httpx2.Response(status, headers=_kept(response), content=json.dumps(answer).encode())
        reason = f"the server answers with HTTP {status} and {'no body' if status in (202, 204) else visible(kind, 60) or 'a body of no type'}"
        if body and status < 300:
            reason = self._wire.stray or "the body holds no answer to the request"
        return self._refused(response, reason, str(message["method"]))

    def _redirect(self, response: httpx2.Response, method: str = "") -> httpx2.Response:
        """Within the origin it is the library's to follow; anywhere else it ends the session. method: of the message posted, "" for a GET."""
        import httpx2

        try:
            where = self._url.join(response.headers["location"])
        except httpx2.InvalidURL:
            where = httpx2.URL("")
        if _origin(where) != _origin(self._url):
            named = f"{where.scheme}://{where.netloc.decode('ascii', 'replace')}" if where.host else "none"
            self._wire.fail(f"the server redirects to another origin, {visible(named, 120)}; not followed", "write the address that is meant")
            return httpx2.Response(502)
        if not method or response.status_code in (307, 308):  # the library follows the former for a GET, the latter for all
            return httpx2.Response(response.status_code, headers=_kept(response))
        return self._refused(response, f"the server redirects a request as if it were a page (HTTP {response.status_code})", method)

    def _refused(self, response: httpx2.Response, reason: str, method: str) -> httpx2.Response:
        """Keeps why a request has no answer. An SSE server's library would wait for one for ever, so there it ends the session."""
        import httpx2

        self._wire.refusal, self._wire.advice = reason, WRONG_ADDRESS
        if self._kind != "sse":
            return httpx2.Response(response.status_code, headers=_kept(response), content=b"null")
        if method != "server/discover":
            self._wire.fail(reason, WRONG_ADDRESS)
        return httpx2.Response(202)

    async def _event_stream(self, response: httpx2.Response) -> httpx2.Response:
        """The stream on which an SSE server answers everything."""
        import httpx2

        self._authorization(response)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        self._wire.status = response.status_code
        if response.has_redirect_location:
            await response.aclose()
            return self._redirect(response)
        if response.status_code != 200 or kind != "text/event-stream":
            await response.aclose()
            self._wire.fail(f"the server answers with HTTP {response.status_code} and {visible(kind, 60) or 'a body of no type'}", WRONG_ADDRESS)
            return httpx2.Response(502)
        return httpx2.Response(200, headers=_kept(response), stream=_stream(self._events(response, False), response))

    async def _events(self, response: httpx2.Response, one_answer: bool) -> AsyncIterator[bytes]:
        """What the library may see of a stream of events. one_answer: it belongs to one request."""
        reader = EventReader(MESSAGE_BYTES)
        async for chunk in self._chunks(response):
            try:
                events = reader.feed(chunk)
            except TooLong:
                self._wire.too_long()
                return
            for event in events:
                if event.name == "endpoint" and not one_answer:
                    yield self._endpoint(event.data)
                elif event.name == "message" and (seen := self._wire.receive(event.data)) is not None:
                    yield b"event: message\ndata: " + json.dumps(seen).encode() + b"\n\n"
        self._wire.refusal = "the stream of events ended without an answer"
        if not one_answer:
            self._wire.fail(self._wire.refusal, "the server, or a proxy before it, cut the connection")

    def _endpoint(self, data: bytes) -> bytes:
        """Where an SSE server wants its messages, if that is on its own origin."""
        import httpx2

        try:
            where = self._url.join(data.decode("utf-8"))
        except (httpx2.InvalidURL, UnicodeDecodeError):
            where = httpx2.URL("")
        if _origin(where) != _origin(self._url):
            self._wire.fail(f"the server wants its messages sent to another origin, {visible(where.host or 'none', 120)}", "nothing was sent there")
            return b""
        return b"event: endpoint\ndata: " + str(where.copy_with(fragment=None)).encode() + b"\n\n"

    async def _body(self, response: httpx2.Response) -> bytes:
        pieces = [piece async for piece in self._chunks(response, MESSAGE_BYTES)]
        return b"" if self._wire.failure else b"".join(pieces)

    async def _chunks(self, response: httpx2.Response, limit: int | None = None) -> AsyncIterator[bytes]:
        """The body as it comes, counted; a compressed one is refused, since we asked for none and cannot know how large it becomes."""
        import httpx2

        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            self._wire.fail(
                f"an answer is compressed ({visible(encoding, 20)}), although that was not asked for",
                "let the server honour Accept-Encoding: identity",
            )
            return
        size = 0
        try:
            async for chunk in response.stream:  # type: ignore[union-attr]
                size += len(chunk)
                if limit is not None and size > limit:
                    self._wire.too_long()
                if not self._wire.spend(len(chunk)):
                    return
                yield chunk
        except httpx2.TransportError as error:
            self._wire.fail(*_connection(error, self._wire))
            raise


def _kept(response: httpx2.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in response.headers.multi_items() if name.lower() in KEPT_HEADERS]


def _named(body: bytes, number: Json) -> bytes:
    """The body of a refusal, as an answer to our request: servers that refuse one give it a number of their own, or none."""
    try:
        value = read(body).value
    except Unfit:
        return b""
    if not isinstance(value, dict) or not isinstance(value.get("error"), dict) or value.get("jsonrpc") != "2.0":
        return b""
    return json.dumps({**value, "id": number}).encode()


def _stream(chunks: AsyncIterator[bytes], response: httpx2.Response) -> httpx2.AsyncByteStream:
    """Chunks as a stream that ends the connection's when it is closed."""
    import httpx2

    class Stream(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in chunks:
                yield chunk

        async def aclose(self) -> None:
            await response.aclose()

    return Stream()


def _connection(error: httpx2.TransportError, wire: Wire) -> tuple[str, str]:
    """Reason and hint for a connection that failed."""
    import httpx2

    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        why = said.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return (
            f"the server's certificate is not valid: {wire.clean(why)}",
            "for a private certificate authority set SSL_CERT_FILE; there is no way to skip the check",
        )
    if isinstance(error, httpx2.LocalProtocolError):
        return "a header or the address holds characters that HTTP does not allow", "correct the entry's headers"
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        hint = "check the address and that the server runs; a proxy is used only when handed over, --pass-env HTTPS_PROXY"
        return f"cannot connect: {wire.clean(said) or type(error).__name__}", hint
    return f"the connection broke off ({type(error).__name__})", "the server, or a proxy before it, cut it"
