"""Servers at an address: honest ones are listed over streamable HTTP and SSE; hostile ones end in time, get nothing and are shown nothing of."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from connecting import MISSING, OFFICIAL, Address, Run, Target, observed

pytest.importorskip("mcp", reason=MISSING)
if sys.platform == "win32":
    pytest.skip("the tests' way of running servers is POSIX only", allow_module_level=True)

TOKEN = "".join(("tok", "-", secrets.token_hex(12)))
WEB = r"; check the address; it may be the server's web page"

# Behaviour, kind: what its failure says.
FAILS = {
    ("status=404", "http"): r"handshake; the server answers with HTTP 404 and text/plain" + WEB,
    ("status=404", "sse"): r"start; the server answers with HTTP 404 and text/plain" + WEB,
    ("status=500", "http"): r"handshake; the server answers with HTTP 500 and text/plain",
    ("unauthorized=http://127.0.0.1:9/meta", "http"): r"handshake; the server wants authorization \(Bearer\), HTTP 401; it may want OAuth",
    ("unauthorized=http://127.0.0.1:9/meta", "sse"): r"start; the server wants authorization \(Bearer\), HTTP 401; it may want OAuth",
    ("redirect=http://127.0.0.1:no/", "http"): r"handshake; the server redirects to another origin, none; not followed",
    ("found", "http"): r"handshake; the server redirects a request as if it were a page \(HTTP 302\)" + WEB,
    ('refuses={"detail": "secret body"}', "http"): r"handshake; the server answers with HTTP 400 and application/json" + WEB,
    ("refuses=secret body", "http"): r"handshake; the server answers with HTTP 400 and application/json" + WEB,
    ("breaks-off", "http"): r"tools, page 1; the connection broke off \(RemoteProtocolError\); the server, or a proxy before it, cut it",
    ("bad-endpoint", "sse"): r"start; the server wants its messages sent to another origin, none; nothing was sent there",
    ("web-page", "http"): r"handshake; the server answers with HTTP 200 and text/html" + WEB,
    ("web-page", "sse"): r"start; the server answers with HTTP 200 and text/html" + WEB,
    ("no-content", "http"): r"handshake; the server answers with HTTP 204 and no body" + WEB,
    ("compressed", "http"): r"tools, page 1; an answer is compressed \(gzip\)",
    ("endless-body", "http"): r"tools, page 1; a message is larger than 16 MiB",
    ("endless-events", "http"): r"tools, page 1; no answer within 10 s",
    ("huge-event", "http"): r"tools, page 1; a message is larger than 16 MiB",
    ("cut", "http"): r"tools, page 1; the stream of events ended without an answer",
    ("cut", "sse"): r"tools, page 1; the stream of events ended without an answer",
    ("foreign-endpoint", "sse"): r"start; the server wants its messages sent to another origin, 127.0.0.1; nothing was sent there",
    ("silent", "http"): r"handshake; no answer within 10 s; check the address",
    ("silent", "sse"): r"handshake; no answer within 10 s; check the address",
    ("silent-list", "sse"): r"tools, page 1; no answer within 10 s",
    ("same-cursor", "http"): r"tools, page 2; the same cursor came twice",
    ("broken-json", "http"): r"tools, page 1; an answer is not JSON",
    ("broken-json", "sse"): r"tools, page 1; an answer is not JSON",
    ("not-utf8", "http"): r"tools, page 1; an answer is not UTF-8",
    ("deep", "sse"): r"tools, page 1; an answer is nested deeper than 128 levels",
    ("null-schema", "http"): r'tools, page 1; tool "bad" has the wrong shape',
    ("other-number", "http"): r"handshake; an answer came to a request that was not made \(777\)",
    ("future", "http"): r"handshake; the server speaks protocol version 2099-01-01",
    ("posts-fail=initialize", "sse"): r"handshake; the server answers with HTTP 400 and a body of no type",
    ("posts-fail=tools/list", "sse"): r"tools, page 1; the server answers with HTTP 400 and a body of no type",
    ("hangs-on-notice", "http"): r"tools, page 1; no answer within 10 s",
}
PASSES = {
    ("honest", "http"): [],
    ("honest", "sse"): [],
    ("events", "http"): [],
    ("new-era", "http"): [],
    ("new-era", "sse"): [],
    ("ignores-discover", "http"): [],
    ("hangs-on-leaving", "http"): [],
    ("three-lists", "sse"): [],
    ("same-key", "http"): ["duplicate-key"],
    ("same-key", "sse"): ["duplicate-key"],
    ("asks", "http"): ["asked", "asked", "asked"],
    ("asks", "sse"): ["asked", "asked", "asked"],
    ("big-page", "http"): [],
    ("big-page", "sse"): [],
    ("notifications", "http"): [],
    ("refuses-new", "http"): [],
    ("posts-fail=server/discover", "sse"): [],
    ("moves", "http"): [],
}


def label(one: tuple[str, str]) -> str:
    return f"{one[1]} {one[0]}"


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """One run of all behaviours side by side."""
    with contextlib.ExitStack() as stack:
        behaviours = {behaviour for behaviour, _ in (*FAILS, *PASSES)}
        servers = {behaviour: stack.enter_context(Address(behaviour)) for behaviour in sorted(behaviours)}
        targets = [servers[one[0]].target(label(one), one[1]) for one in (*FAILS, *PASSES)]
        targets += [servers["honest"].target("either mcp", ""), {**servers["honest"].target("either sse", "sse"), "transport": ""}]
        targets += [servers["honest"].target("header", headers={"X": "a\nb"})]
        yield observed([*targets, *UNREACHABLE], jobs=60)


UNREACHABLE: list[Target] = [
    {"name": "nobody", "transport": "http", "url": "http://127.0.0.1:9/mcp"},
    {"name": "no-name", "transport": "sse", "url": "http://there.is.no.such.host.invalid/sse"},
    {"name": "scheme", "transport": "http", "url": "file:///etc/passwd"},
    {"name": "no-url", "transport": "http", "url": "http://[::1/"},
]


@pytest.mark.parametrize(("one", "said"), FAILS.items(), ids=map(label, FAILS))
def test_a_failure_is_one_line_without_the_body(run: Run, one: tuple[str, str], said: str) -> None:
    text = run.failure(label(one))
    assert re.match(said, text), text
    assert text.isprintable()
    assert "secret body" not in text


@pytest.mark.parametrize(("one", "kinds"), PASSES.items(), ids=map(label, PASSES))
def test_odd_servers_are_assessed_and_noted(run: Run, one: tuple[str, str], kinds: list[str]) -> None:
    assert run.surface(label(one))["tools"] != []
    assert run.notes(label(one)) == kinds


def test_the_run_prints_nothing_and_ends_in_time(run: Run) -> None:
    assert run.printed == ""
    assert run.seconds < 60
    assert run.megabytes < 400


def test_an_address_of_no_known_kind_is_tried_as_both(run: Run) -> None:
    assert run.names("either mcp") == run.names("either sse") == ["add"]


def test_the_eras(run: Run) -> None:
    for kind in ("http", "sse"):
        assert run.surface(f"{kind} honest")["protocol_version"] == "2025-11-25"
        assert run.surface(f"{kind} new-era")["protocol_version"] == "2026-07-28"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "handshake; cannot connect: .*; check the address and that the server runs; .*--pass-env HTTPS_PROXY"),
        ("no-name", "start; cannot connect: .*; check the address"),
        ("scheme", 'start; "file" addresses are none that this program can ask; correct'),
        ("no-url", "start; the address is no URL; correct"),
        ("header", "; a header or the address holds characters that HTTP does not allow"),
    ],
)
def test_what_cannot_be_reached(run: Run, name: str, said: str) -> None:
    assert re.search(said, run.failure(name)), run.failure(name)


def test_nothing_of_ours_reaches_another_host(tmp_path: Path) -> None:
    log, headers = tmp_path / "log", {"Authorization": f"Bearer {TOKEN}"}
    with Address("honest", log) as elsewhere, contextlib.ExitStack() as stack:
        moved = stack.enter_context(Address(f"redirect=http://localhost:{elsewhere.port}/mcp"))
        wants = stack.enter_context(Address(f"unauthorized=http://127.0.0.1:{elsewhere.port}/"))
        targets = [
            server.target(f"{name} {kind}", kind, headers=headers)
            for name, server in (("moved", moved), ("wants", wants))
            for kind in ("http", "sse")
        ]
        run = observed(targets)
        assert elsewhere.requests() == []
    for kind in ("http", "sse"):
        assert "the server redirects to another origin, http://localhost:" in run.failure(f"moved {kind}")
        assert "what the entry's Authorization header holds is not accepted" in run.failure(f"wants {kind}")
    assert TOKEN not in str(run.seen)


def test_headers_reach_the_server_and_the_environment_does_not(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login x password {TOKEN}\n", "utf-8")
    names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY")
    kept = {name: os.environ.pop(name, None) for name in (*names, "NETRC")}
    os.environ.update(dict.fromkeys(names, "http://127.0.0.1:9"), NETRC=str(tmp_path / ".netrc"))
    try:
        with Address("honest", log) as server:
            run = observed([server.target("x", headers={"X-Key": "given"})], environ=dict(os.environ))
            proxied = observed([server.target("x")], environ=dict(os.environ), pass_env=["HTTP_PROXY"])
            spared = observed([server.target("x")], environ={**os.environ, "NO_PROXY": "127.0.0.1"}, pass_env=["HTTP_PROXY", "NO_PROXY"])
            requests = server.requests()
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    assert run.names("x") == spared.names("x") == ["add"]
    assert "cannot connect" in proxied.failure("x")
    assert requests[0][2]["x-key"] == "given"
    assert requests[0][2]["accept-encoding"] == "identity"
    assert not any("authorization" in headers for _, _, headers in requests)
    assert [method for method, _, _ in requests if method == "GET"] == []


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    with Address(f"secure={made}") as server:
        target = {**server.target("x"), "url": f"https://127.0.0.1:{server.port}/mcp"}
        refused = observed([target])
        os.environ["SSL_CERT_FILE"] = str(made)
        try:
            trusted = observed([target])
        finally:
            del os.environ["SSL_CERT_FILE"]
    assert "the server's certificate is not valid: self" in refused.failure("x")
    assert "SSL_CERT_FILE" in refused.failure("x")
    assert trusted.names("x") == ["add"]


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, made with what the client library brings along."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "made.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path


@contextlib.contextmanager
def official(transport: str) -> Iterator[str]:
    """The official library's server on loopback; gives its port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen([sys.executable, OFFICIAL, transport, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield str(port)
    finally:
        process.kill()
        process.wait()


def test_the_official_library_serves_both_eras() -> None:
    with official("streamable-http") as http, official("sse") as sse:
        places = {"http": f"http://127.0.0.1:{http}/mcp", "sse": f"http://127.0.0.1:{sse}/sse"}
        targets = [
            {"name": f"{kind} {version}", "transport": kind, "url": url, "protocol_version": version}
            for kind, url in places.items()
            for version in ("2025-11-25", "2026-07-28")
        ]
        run = observed(targets, timeout_s=20)
    for target in targets:
        surface = run.surface(target["name"])
        assert surface["protocol_version"] == target["protocol_version"]
        assert ([one["name"] for one in surface["tools"]], [one["name"] for one in surface["prompts"]]) == (["add"], ["greet"])
    assert run.printed == ""


def test_user_and_password_of_an_address_reach_the_server_and_no_message(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Address("status=403", log) as server:
        target = {**server.target("x"), "url": f"http://me:{TOKEN}@127.0.0.1:{server.port}/mcp"}
        run = observed([target])
        sent = server.requests()[0][2]["authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")).decode() == f"me:{TOKEN}"
    assert TOKEN not in str(run.seen)
