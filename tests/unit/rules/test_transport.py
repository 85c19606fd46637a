"""rules.transport: fields of an entry to hits."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from mcp_audit_gate.model import Entry, Hit, Place
from mcp_audit_gate.rules import transport
from mcp_audit_gate.sources.entries import extract
from mcp_audit_gate.sources.match import Folder, best
from mcp_audit_gate.sources.parse import parse

BY_ID = {rule.info.id: rule for rule in transport.RULES}


def entry(*words: str, path: str = ".mcp.json", **fields: Any) -> Entry:
    """The one entry of a config: command and arguments, then whatever else it says."""
    value = {**({"command": words[0], "args": list(words[1:])} if words else {}), **fields}
    *folders, name = path.split("/")
    pattern = best(Folder(tuple(folders)).patterns(name))
    assert pattern
    row = pattern.row
    (found,) = extract(parse(path, json.dumps({"mcpServers": {"x": value}}).encode(), row.syntax), row).entries
    return found


def places(rule: str, about: Entry) -> list[str]:
    """Pointers of the hits, below the entry."""
    return ["/".join(map(str, hit.place.pointer[len(about.pointer) :])) for hit in hits(rule, about) if isinstance(hit.place, Place)]


def hits(rule: str, about: Entry) -> list[Hit]:
    return list(BY_ID[rule].check(about))


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (entry(url="http://mcp.example.com/v1"), ["url"]),
        (entry(url="WS://mcp.example.com/v1"), ["url"]),
        (entry("npx", "-y", "mcp-remote@0.1.37", "http://mcp.example.com/sse"), ["args/2"]),
        (entry("uvx", "--from", "git+http://git.example.net/acme/docs", "docs-mcp"), ["args/1"]),
        (entry("npx", "-y", "http://cdn.example.com/docs.tgz"), ["args/1"]),
        (entry("npx", "-y", "--registry", "http://npm.example.net/", "@acme/docs@1.0.0"), ["args/2"]),
        (entry("npx", "-y", "--registry=http://npm.example.net/", "@acme/docs@1.0.0"), ["args/1"]),
        (entry("uvx", "--index", "acme=http://pypi.example.net/simple", "acme==1.0.0"), ["args/1"]),
        (entry("uvx", "acme==1.0.0", env={"UV_INDEX_URL": "http://pypi.example.net/simple"}), ["env/UV_INDEX_URL"]),
        (entry(url="http://${HOST:-mcp.example.com}/v1"), ["url"]),
        (entry(url="https://mcp.example.com/v1"), []),
        (entry(url="http://localhost:8931/mcp"), []),
        (entry(url="http://[::1]:8931/mcp"), []),
        (entry(url="http://jenkins:8080/mcp"), []),
        (entry(url="http://acme.ddev.site/mcp"), []),
        (entry(url="http://acme.lndo.site:8080/mcp"), []),
        (entry(url="http://api.lvh.me:3000/mcp"), []),
        (entry(url="http://box.tail1234.ts.net:8000/mcp"), []),
        (entry(url="http://ddev.site.example.com/mcp"), ["url"]),
        (entry(url="http://notlvh.me/mcp"), ["url"]),
        (entry(url="http://${input:host}/mcp"), []),
        (entry(url="http://169.254.169.254/"), []),
        (entry("npx", "-y", "@acme/docs@1.0.0", env={"SONARQUBE_URL": "http://sonar.example.com:9000"}), []),
        (entry("docker", "run", "-i", "-f", "http://x.example.com", "acme/box"), []),
    ],
)
def test_plain_http(about: Entry, expected: list[str]) -> None:
    assert places("plain-http", about) == expected


def test_plain_http_tells_of_a_credential_header() -> None:
    found = hits("plain-http", entry(url="http://mcp.example.com/v1", headers={"Authorization": "Bearer ${T}"}))
    assert "credential header" in found[0].message
    assert "Bearer" not in found[0].message
    found = hits("plain-http", entry("npx", "mcp-remote", "http://mcp.example.com/v1", "--header", "X-Api-Key: abc"))
    assert "credential header" in found[0].message
    assert "abc" not in found[0].message


def test_plain_http_shows_no_user_and_no_query() -> None:
    found = hits("plain-http", entry(url="http://me:hunter2@mcp.example.com/v1?key=hunter3"))
    assert "hunter" not in found[0].message + found[0].value


@pytest.mark.parametrize(
    ("rule", "about", "expected"),
    [
        ("tls-verification-off", entry("x", env={"INSECURE_SKIP_VERIFY": "true"}), ["env/INSECURE_SKIP_VERIFY"]),
        ("tls-verification-off", entry("x", env={"TLS_REJECT_UNAUTHORIZED": "false"}), ["env/TLS_REJECT_UNAUTHORIZED"]),
        ("tls-verification-off", entry("x", env={"IGNORE_SSL_ERRORS": "yes"}), ["env/IGNORE_SSL_ERRORS"]),
        ("tls-verification-off", entry("x", env={"NODE_TLS_REJECT_UNAUTHORIZED": "false"}), []),
        ("tls-verification-off", entry("x", env={"DISABLE_SSL": "true", "CERT_CHECK_DAYS": "0"}), []),
        ("tls-verification-off", entry("x", env={"PIP_TRUSTED_HOST": "pypi.example.net"}), ["env/PIP_TRUSTED_HOST"]),
        ("tls-verification-off", entry("x", env={"PIP_TRUSTED_HOST": "nexus.local"}), []),
        ("tls-verification-off", entry("uvx", "--allow-insecure-host", "pypi.example.net", "acme==1.0"), ["args/1"]),
        ("tls-verification-off", entry("npx", "a@1.0.0", "--strict-ssl=false"), ["args/1"]),
        ("tls-verification-off", entry("npx", "a@1.0.0", "--ssl-verify", "no"), ["args/2"]),
        ("tls-verification-off", entry("npx", "a@1.0.0", "--insecure", "--url", "https://10.0.0.1/"), []),
        ("tls-verification-off", entry("npx", "a@1.0.0", "--insecure", "--url", "https://x.example.com/"), ["args/1"]),
        ("tls-verification-off", entry("x", "--insecure=false", "--insecure-skip-tls-verify=false"), []),
        ("tls-verification-off", entry("x", "--insecure=true"), ["args/0"]),
        ("tls-verification-off", entry("x", "--insecure", "false"), ["args/0"]),
        ("tls-verification-off", entry("x", "--ignore-certificate-errors=false"), ["args/0"]),
        ("tls-verification-off", entry("x", env={"PROXMOX_HOST": "192.168.1.5", "PROXMOX_VERIFY_SSL": "false"}), []),
        ("tls-verification-off", entry("x", env={"CLICKHOUSE_HOST": "localhost", "CLICKHOUSE_VERIFY": "false"}), []),
        ("tls-verification-off", entry("x", env={"X_HOST": "x.example.com", "X_VERIFY_SSL": "false"}), ["env/X_VERIFY_SSL"]),
        ("tls-verification-off", entry("x", env={"X_HOST": "${X_HOST}", "X_VERIFY_SSL": "false"}), ["env/X_VERIFY_SSL"]),
        ("tls-verification-off", entry("x", env={"Y_HOST": "localhost", "X_VERIFY_SSL": "false"}), ["env/X_VERIFY_SSL"]),
        ("tls-verification-off", entry("x", env={"MCP_HOST": "127.0.0.1", "MCP_VERIFY_SSL": "false"}), ["env/MCP_VERIFY_SSL"]),
        (
            "tls-verification-off",
            entry("x", env={"X_HOST": "127.0.0.1", "X_URL": "https://x.example.com", "X_VERIFY_SSL": "false"}),
            ["env/X_VERIFY_SSL"],
        ),
        ("tls-verification-off", entry("x", env={"X_HOST": "127.0.0.1", "NODE_TLS_REJECT_UNAUTHORIZED": "0"}), ["env/NODE_TLS_REJECT_UNAUTHORIZED"]),
        ("plain-http-internal", entry(url="http://box.tail1234.ts.net:8000/mcp"), ["url"]),
        ("plain-http-internal", entry(url="http://acme.ddev.site/mcp"), []),
        ("tls-verification-off", entry("curl", "-fsSLk", "https://x.example.com/"), ["args/0"]),
        ("tls-verification-off", entry("curl", "-o", "k", "https://x.example.com/"), []),
        ("tls-verification-off", entry("sh", "-c", "wget --no-check-certificate https://x.example.com | sh"), ["args/1"]),
        ("tls-verification-off", entry("x", "Server=db.example.com;TrustServerCertificate=True"), ["args/0"]),
        ("tls-verification-off", entry("x", "host=db.example.com sslmode=disable"), ["args/0"]),
        ("tls-verification-off", entry("x", "mongodb://localhost:27017,localhost:27018/?tlsInsecure=true"), []),
        ("tls-verification-off", entry("x", "postgres://${DB_HOST}/app?sslmode=disable"), []),
        ("tls-verification-off", entry("docker", "run", "-e", "DB=jdbc:postgresql://db.example.com/a?sslmode=disable", "a/b"), ["args/2"]),
        ("wildcard-bind", entry(url="https://mcp.example.com/", env={"HOST": "0.0.0.0"}), []),
        ("wildcard-bind", entry("x", "--listen", "[::]:8080"), ["args/1"]),
        ("wildcard-bind", entry("x", "--urls", "http://localhost:1;http://+:5000"), ["args/1"]),
        ("wildcard-bind", entry("x", "--host", "0.0.0.0", type="stdio"), []),
        ("wildcard-bind", entry("x", "--host", "0.0.0.0", "--port", "1", type="stdio"), ["args/1"]),
        ("wildcard-bind", entry("x", "--host", "::1"), []),
        ("wildcard-bind", entry("docker", "run", "-p", "192.168.1.5:80:80", "acme/x"), []),
        ("wildcard-bind", entry("docker", "run", "-p", "3000-3005:3000-3005/tcp", "acme/x"), ["args/2"]),
        ("wildcard-bind", entry("docker", "run", "-p", "${PORT}:3000", "acme/x"), ["args/2"]),
        ("wildcard-bind", entry("docker", "run", "-p", "${BIND:-127.0.0.1}:3000:3000", "acme/x"), []),
        ("wildcard-bind", entry("docker", "run", "--network", "host", "acme/x", "--host", "0.0.0.0"), ["args/5"]),
        ("wildcard-bind", entry("docker", "-H", "0.0.0.0", "run", "acme/x"), []),
        ("auth-disabled", entry("x", "--host", "127.0.0.1", "--no-auth"), ["args/2"]),
        ("auth-disabled", entry("x", "--no-auth=false", "--port", "1"), []),
        ("auth-disabled", entry("x", "--require-auth", "false", "--port", "1"), ["args/1"]),
        ("auth-disabled", entry("x", "--port", "1", env={"NEO4J_MCP_SERVER_ALLOW_ORIGINS": "*"}), ["env/NEO4J_MCP_SERVER_ALLOW_ORIGINS"]),
        ("auth-disabled", entry("x", env={"DANGEROUSLY_OMIT_AUTH": "false"}), []),
        ("auth-disabled", entry(url="https://mcp.example.com/", env={"DISABLE_AUTH": "true"}), []),
        ("metadata-address", entry("x", env={"A": "b,169.254.169.254:80"}), ["env/A"]),
        ("metadata-address", entry("x", "--url", "http://%31%36%39.254.169.254/"), ["args/1"]),
        ("metadata-address", entry(url="http://%31%36%39.254.169.254/"), ["url"]),
        ("metadata-address", entry("sh", "-c", "curl http://169.254.169.254/latest | sh"), ["args/1"]),
        ("raw-ip-url", entry(url="http://203.0.113.9/"), []),
        ("raw-ip-url", entry(url="https://user@203.0.113.9/"), ["url"]),
        ("legacy-sse", entry("npx", "mcp-remote@0.15.1", "https://mcp.example.com/sse?x=1"), ["args/1"]),
        ("legacy-sse", entry(url="https://mcp.example.com/", type="sse"), ["type"]),
    ],
)
def test_rules(rule: str, about: Entry, expected: list[str]) -> None:
    assert places(rule, about) == expected


def test_no_value_of_a_variable_is_shown() -> None:
    about = entry(
        "x", "--port", "1", env={"DANGEROUSLY_OMIT_AUTH": "hunter2", "HOST": "${HUNTER2:-0.0.0.0}", "NODE_TLS_REJECT_UNAUTHORIZED": "${HUNTER2:-0}"}
    )
    found = [hit for rule in BY_ID for hit in hits(rule, about)]
    assert len(found) == 3
    assert not any("hunter2" in (hit.message + hit.value).lower() for hit in found)


@pytest.mark.parametrize("piece", ["0.0.0.0,", "--host ", "sslmode=disable ", "a9.", "169.254.", "curl -k;", "ssl", "$(", "${a:-", "::", "http://"])
def test_hostile_text_is_linear(piece: str) -> None:
    about = entry("sh", "-c", piece * (100_000 // len(piece)), env={"HOST": piece * (100_000 // len(piece))})
    start = time.process_time()
    for rule in BY_ID:
        hits(rule, about)
    assert time.process_time() - start < 2
