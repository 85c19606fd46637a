"""metadata.addresses: URL and host spellings to what they mean."""

from __future__ import annotations

import time

import pytest

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.addresses import INTERNAL, LOOPBACK, METADATA, PUBLIC, REFERENCE


@pytest.mark.parametrize(
    ("url", "kind", "host"),
    [
        ("http://mcp.example.com/v1", PUBLIC, "mcp.example.com"),
        ("HTTP://MCP.Example.COM.:80/x", PUBLIC, "mcp.example.com"),
        ("http://user:pw@mcp.example.com", PUBLIC, "mcp.example.com"),
        ("http:example.com", PUBLIC, "example.com"),
        ("http:///example.com", PUBLIC, "example.com"),
        ("  ht\ntp://exa\tmple.com ", PUBLIC, "example.com"),
        ("git+http://git.example.net/a", PUBLIC, "git.example.net"),
        ("http://203.0.113.9/mcp", PUBLIC, "203.0.113.9"),
        ("http://[2001:db8::1]/", PUBLIC, "2001:db8::1"),
        ("http://999.1.1.1/", PUBLIC, "999.1.1.1"),
        ("http://localhost@evil.example.com/", PUBLIC, "evil.example.com"),
        ("http://evil.example.com#@localhost/", PUBLIC, "evil.example.com"),
        ("http://evil.example.com\\@localhost/", PUBLIC, "evil.example.com"),
        ("http://evil.example.com?@localhost/", PUBLIC, "evil.example.com"),
        ("http://localhost.example.com/", PUBLIC, "localhost.example.com"),
        ("http://LOCALHOST:8931/mcp", LOOPBACK, "localhost"),
        ("http://app.localhost./", LOOPBACK, "app.localhost"),
        ("http://127.0.0.1:8931/mcp", LOOPBACK, "127.0.0.1"),
        ("http://127.9.9.9", LOOPBACK, "127.9.9.9"),
        ("http://127.1/", LOOPBACK, "127.0.0.1"),
        ("http://0x7f.0.0.1/", LOOPBACK, "127.0.0.1"),
        ("http://2130706433/", LOOPBACK, "127.0.0.1"),
        ("http://017700000001/", LOOPBACK, "127.0.0.1"),
        ("http://0.0.0.0:3156/mcp", LOOPBACK, "0.0.0.0"),
        ("http://[::1]:8931/mcp", LOOPBACK, "::1"),
        ("http://[::]/", LOOPBACK, "::"),
        ("http://[0:0:0:0:0:0:0:1]/", LOOPBACK, "::1"),
        ("http://[::ffff:127.0.0.1]/", LOOPBACK, "127.0.0.1"),
        ("unix:///var/run/x.sock#/mcp", LOOPBACK, ""),
        ("http://jenkins:8080", INTERNAL, "jenkins"),
        ("http://nas.local/", INTERNAL, "nas.local"),
        ("http://host.docker.internal:9090", INTERNAL, "host.docker.internal"),
        ("http://app.test/mcp", INTERNAL, "app.test"),
        ("http://10.1.2.3/", INTERNAL, "10.1.2.3"),
        ("http://172.31.255.255/", INTERNAL, "172.31.255.255"),
        ("http://172.32.0.1/", PUBLIC, "172.32.0.1"),
        ("http://192.168.257/", INTERNAL, "192.168.1.1"),
        ("http://100.64.0.1/", INTERNAL, "100.64.0.1"),
        ("http://169.254.1.1/", INTERNAL, "169.254.1.1"),
        ("http://[fd12:3456::1]/", INTERNAL, "fd12:3456::1"),
        ("http://[fe80::1%25eth0]/", INTERNAL, "fe80::1"),
        ("http://169.254.169.254/latest", METADATA, "169.254.169.254"),
        ("http://2852039166/", METADATA, "169.254.169.254"),
        ("http://0xA9FEA9FE/", METADATA, "169.254.169.254"),
        ("http://0251.0376.0251.0376/", METADATA, "169.254.169.254"),
        ("http://169.254.43518/", METADATA, "169.254.169.254"),
        ("http://0xa9.254.0251.254./", METADATA, "169.254.169.254"),
        ("http://169。254。169。254/", METADATA, "169.254.169.254"),
        ("http://１６９.254.169.254/", METADATA, "169.254.169.254"),
        ("http://%31%36%39.254.169.254/", METADATA, "169.254.169.254"),
        ("http://[::ffff:169.254.169.254]/", METADATA, "169.254.169.254"),
        ("http://[::ffff:a9fe:a9fe]/", METADATA, "169.254.169.254"),
        ("http://[64:ff9b::a9fe:a9fe]/", METADATA, "169.254.169.254"),
        ("http://[fd00:ec2::254]/", METADATA, "fd00:ec2::254"),
        ("http://[FD00:0EC2:0:0:0:0:0:254]/", METADATA, "fd00:ec2::254"),
        ("http://169.254.170.2/v2", METADATA, "169.254.170.2"),
        ("http://100.100.100.200/", METADATA, "100.100.100.200"),
        ("http://Metadata.Google.Internal./x", METADATA, "metadata.google.internal"),
        ("http://169.254.169.254.nip.io/", METADATA, "169.254.169.254.nip.io"),
        ("http://x-169-254-169-254.sslip.io/", METADATA, "x-169-254-169-254.sslip.io"),
        ("http://app.127.0.0.1.nip.io/", LOOPBACK, "app.127.0.0.1.nip.io"),
        ("http://app.nip.io/", PUBLIC, "app.nip.io"),
        ("http://${HOST}/mcp", REFERENCE, "*"),
        ("http://${input:host}:80/mcp", REFERENCE, "*"),
        ("http://%HOST%/mcp", REFERENCE, "*"),
        ("http://{{host}}/mcp", REFERENCE, "*"),
        ("http://${{ secrets.HOST }}/mcp", REFERENCE, "*"),
        ("http://192.168.1.$N/", REFERENCE, "192.168.1.*"),
        ("http://192.168.${N}.1/", REFERENCE, "192.168.*.1"),
        ("http://${HOST:-mcp.example.com}/", PUBLIC, "mcp.example.com"),
        ("${URL:-http://mcp.example.com/}", PUBLIC, "mcp.example.com"),
        ("${URL:-http://localhost/}", LOOPBACK, "localhost"),
        ("http://${TENANT}.example.com/", PUBLIC, "*.example.com"),
        ("http://mcp.example.com:${PORT}/", PUBLIC, "mcp.example.com"),
        ("http://${USER}:${PASS}@mcp.example.com/", PUBLIC, "mcp.example.com"),
    ],
)
def test_read(url: str, kind: str, host: str) -> None:
    found = addresses.read(url)
    assert found is not None
    assert (found.kind, found.host) == (kind, host)


@pytest.mark.parametrize("url", ["", "mcp.example.com", "http://", "https:///", "file:///etc/passwd", "C:\\x\\y", "${URL}", "://x", "1http://x"])
def test_no_url(url: str) -> None:
    assert addresses.read(url) is None


def test_nul_in_a_host_is_no_reference() -> None:
    found = addresses.read("http://evil.example\0.com/")
    assert found is not None
    assert found.kind == PUBLIC


def test_user_and_port() -> None:
    found = addresses.read("https://me:pw@[::1]:8443/x")
    assert found is not None
    assert (found.user, found.port, found.number) == (True, "8443", True)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("169.254.169.254", {METADATA}),
        ("A=http://x.example/;169.254.169.254:80, y", {PUBLIC, METADATA}),
        ("fd00:ec2::254", {METADATA}),
        ("metadata", set()),
        ("plain words only", set()),
    ],
)
def test_in_text(text: str, kinds: set[str]) -> None:
    assert {found.kind for found in addresses.in_text(text)} == kinds


@pytest.mark.parametrize("piece", ["${", "%a", "{{", "$(", "http://", "1.", "%31", "[", "::", "@", "a:", "，", "=x,"])
def test_hostile_text_is_linear(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    start = time.process_time()
    addresses.read("http://" + text)
    addresses.fill(text)
    assert time.process_time() - start < 0.5
