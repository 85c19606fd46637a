"""The model's API: a prompt in, the raw body of the answer or the reason of a failure out, within limits of time, size and tries."""

from __future__ import annotations

import re
import time

from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    import anthropic
    import httpx2

HOME = "https://api.anthropic.com"
TOKENS = 4096  # of an answer
REQUEST_S = 60.0
TOTAL_S = 600.0  # for all requests of a run
TRIES = 3
LONGEST_PAUSE_S = 30.0
ANSWER_BYTES = 1 << 20
_AGAIN = frozenset((408, 409, 429))
# All that a request says besides its body: nothing about this machine, nothing that the environment adds.
_HEADERS = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity", "user-agent": "mcp-audit-gate"}


class Failure(NamedTuple):
    """Why there is no answer. final: another request of this run would fare no better."""

    reason: str
    hint: str
    final: bool = False


class Access(NamedTuple):
    """Where and how to ask; the key is in no repr. transport: None for the network."""

    url: str
    host: str
    key: str
    model: str
    proxy: str | None = None
    transport: httpx2.BaseTransport | None = None

    def __repr__(self) -> str:
        return f"Access({self.url!r}, {self.model!r})"


def access(environ: Mapping[str, str], model: str) -> Access:
    """Where to ask, by ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL; no other variable counts. Raises UsageError."""
    key = environ.get("ANTHROPIC_API_KEY", "").strip()
    if not key:
        raise UsageError("--llm-analysis needs a key of the API", "set ANTHROPIC_API_KEY")
    if not re.fullmatch(r"[!-~]{1,1000}", key):
        raise UsageError("ANTHROPIC_API_KEY holds characters that no key has", "set it again")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,99}", model):
        raise UsageError(f"--llm-model {visible(model, 80)}: that is no name of a model", "write it as in `claude-haiku-5-5`")
    url = environ.get("ANTHROPIC_BASE_URL", "").strip() or HOME
    return Access(url, _host(url), key, model)


def _host(url: str) -> str:
    """The host of the API's address, with a port that is not usual. Raises UsageError for one that the texts and the key must not go to."""
    import httpx2

    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise UsageError("ANTHROPIC_BASE_URL is no URL", f"unset it to ask {HOME}") from None
    if parsed.userinfo or parsed.query or parsed.fragment or not parsed.host:
        raise UsageError("ANTHROPIC_BASE_URL may hold a host, a port and a path", f"unset it to ask {HOME}")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and _is_loopback(parsed.host)):
        raise UsageError("ANTHROPIC_BASE_URL is not encrypted, and the key would be sent there", "use https")
    return visible(parsed.netloc.decode("ascii", "replace"), 120)


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Line:
    """A connection to the API for one run."""

    def __init__(self, where: Access) -> None:
        import anthropic
        import httpx2

        self._where = where
        self._until = time.monotonic() + TOTAL_S
        inner = where.transport or httpx2.HTTPTransport(
            verify=httpx2.create_ssl_context() if where.url.startswith("https:") else False, trust_env=False, proxy=where.proxy
        )
        client = httpx2.Client(transport=_Post(inner, where.key, self._until), trust_env=False, follow_redirects=False)  # type: ignore[arg-type]
        self._client = anthropic.Anthropic(
            api_key=where.key, base_url=where.url, http_client=client, timeout=REQUEST_S, max_retries=0, open_telemetry=False
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def ask(self, system: str, prompt: str, schema: Mapping[str, object]) -> bytes | Failure:
        """The body of the answer as it came. The library's own retries wait as long as a server says, so these are ours."""
        for number in range(TRIES):
            failure, pause = Failure("the time for all questions was over", "ask about fewer servers with --client or PATH", True), 0.0
            if time.monotonic() >= self._until:
                return failure
            try:
                return self._send(system, prompt, schema)
            except self._errors() as error:
                failure, again = self._failure(error)
                pause = min(_pause(error, number), self._until - time.monotonic())
            if not again or number == TRIES - 1 or pause < 0:
                return failure
            time.sleep(pause)
        return failure

    def _send(self, system: str, prompt: str, schema: Mapping[str, object]) -> bytes:
        answer = self._client.messages.with_raw_response.create(
            model=self._where.model,
            max_tokens=TOKENS,
            system=system,
            messages=[{"role": "user", "content": prompt}],
            output_config={"format": {"type": "json_schema", "schema": dict(schema)}},
        )
        return answer.http_response.content

    def _errors(self) -> type[anthropic.APIError]:
        import anthropic

        return anthropic.APIError

    def _failure(self, error: anthropic.APIError) -> tuple[Failure, bool]:
        """What to say of an error, and whether to try again."""
        import anthropic
        import httpx2

        host = self._where.host
        if isinstance(error, anthropic.APIStatusError):
            return self._refused(error.status_code, _said(error.body, self._where.key))
        if isinstance(error, anthropic.APITimeoutError):
            return Failure(f"no answer from {host} within {REQUEST_S:.0f} s", "run it again later"), True
        cause = visible(str(error.__cause__ or error), 120).replace(self._where.key, "<secret>")
        if isinstance(error.__cause__, httpx2.ReadError):
            return Failure(f"the answer of {host} cannot be read: {cause}", "run it again later"), True
        return Failure(f"cannot connect to {host}: {cause}", "check the network; a proxy is used with --pass-env HTTPS_PROXY", True), True

    def _refused(self, status: int, said: str) -> tuple[Failure, bool]:
        """The same for an answer that is none."""
        host, model = self._where.host, self._where.model
        known = {
            401: (f"{host} does not accept the key (HTTP 401)", "check ANTHROPIC_API_KEY"),
            403: (f"the key may not be used for this at {host} (HTTP 403)", "check what ANTHROPIC_API_KEY may do"),
            404: (f"{host} knows no model {model} (HTTP 404)", "name another with --llm-model"),
            429: (f"{host} allows no more requests for now (HTTP 429)", "run it again later, or raise the limits of the key"),
            529: (f"{host} is overloaded (HTTP 529)", "run it again later"),
        }
        again = status in _AGAIN or status >= 500
        reason, hint = known.get(
            status, (f"{host} answers with HTTP {status}{said}", "run it again later" if again else "check the key and the model")
        )
        return Failure(reason, hint, not again and status != 413), again


def _said(body: object, key: str) -> str:
    """What the API says about an error, as text for a line."""
    error = body.get("error") if isinstance(body, dict) else None
    text = error.get("message") if isinstance(error, dict) else None
    return f': "{visible(text.replace(key, "<secret>"), 160)}"' if isinstance(text, str) else ""


def _pause(error: anthropic.APIError, number: int) -> float:
    """Seconds until the next try: what the API asks for within bounds, else one, two, four halves of a second."""
    response = getattr(error, "response", None)
    wanted = response.headers.get("retry-after", "") if response is not None else ""
    return min(float(wanted[:9]), LONGEST_PAUSE_S) if wanted.isdecimal() and wanted.isascii() else 0.5 * 2**number


class _Post:
    """The transport under the library's client: nothing but the question goes out, and no more than an answer comes in."""

    def __init__(self, inner: httpx2.BaseTransport, key: str, until: float) -> None:
        self._inner = inner
        self._key = key
        self._until = until

    def __enter__(self) -> _Post:
        self._inner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._inner.close()

    def close(self) -> None:
        """Closes the connections."""
        self._inner.close()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request with our headers alone; gives back the answer's status, kind and body, read within bounds."""
        import httpx2

        headers = {**_HEADERS, "x-api-key": self._key, "anthropic-version": request.headers.get("anthropic-version", "")}
        # A copy: the library reads its own headers again when the answer is there.
        ours = httpx2.Request(request.method, request.url, headers=headers, content=request.read(), extensions=request.extensions)
        response = self._inner.handle_request(ours)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise httpx2.ReadError("it is compressed")
            body = self._body(response)
        finally:
            response.close()
        told = {name: response.headers[name] for name in ("content-type", "retry-after") if name in response.headers}
        return httpx2.Response(response.status_code, headers=told, content=body)

    def _body(self, response: httpx2.Response) -> bytes:
        import httpx2

        until = min(self._until, time.monotonic() + REQUEST_S)
        body = bytearray()
        for part in response.stream:  # type: ignore[union-attr]
            body += part
            if len(body) > ANSWER_BYTES:
                raise httpx2.ReadError("it is too large")
            if time.monotonic() > until:
                raise httpx2.ReadTimeout("it comes too slowly")
        return bytes(body)
