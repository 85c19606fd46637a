"""policy.rules and policy.identity: servers against allow, deny, require and max-risk, by a scan of a small tree."""

from __future__ import annotations

import json

import pytest

from mcp_audit_gate import gate
from mcp_audit_gate.errors import LockError
from mcp_audit_gate.policy import identity
from mcp_audit_gate.sources.discover import WorkingTree

from .conftest import TODAY

OWN = ("server-not-allowed", "denied-capability", "risk-over-limit", "unlocked-server", "registry-override")


def run(tmp_path, policy, files=None, **servers):
    """The report of a scan of one config with these servers."""
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": servers}, indent=1), "utf-8")
    (tmp_path / "mcp-audit.yaml").write_text(f"version: 1\n{policy}\n", "utf-8")
    for name, text in (files or {}).items():
        (tmp_path / name).write_text(text, "utf-8")
    return gate.scan(WorkingTree(str(tmp_path)), (str(tmp_path),), gate.Settings(TODAY))


def told(tmp_path, policy, **servers):
    """(rule, subject) of what the policy finds."""
    return [(finding.rule, finding.subject) for finding in run(tmp_path, policy, **servers).findings if finding.rule in OWN]


def npx(*words, **more):
    return {"command": "npx", "args": ["-y", *words], **more}


def http(url, **more):
    return {"type": "http", "url": url, **more}


DIGEST = "sha256:" + "4bc453b53cb3d914b45f4b250294236adba2c0e09ff6f03793949e7e39fd4cc1"
SCRIPT = {"command": "node", "args": ["./server.js"]}

# policy, server, the subjects that are not allowed; the server is named `docs`
ALLOW = {
    "a name": ("servers: [docs]", npx("x@1.0.0"), []),
    "a name with a star": ('servers: ["do*"]', npx("x@1.0.0"), []),
    "a name in another case": ("servers: [DOCS]", npx("x@1.0.0"), []),
    "another name": ('servers: [github, "lib-*"]', npx("x@1.0.0"), [""]),
    "no name at all": ("servers: []", npx("x@1.0.0"), [""]),
    "a package": ('packages: ["npm:@acme/docs"]', npx("@acme/docs@1.0.0"), []),
    "a package without version": ('packages: ["npm:@acme/docs"]', npx("@acme/docs"), []),
    "a scope": ('packages: ["npm:@acme/*"]', npx("@acme/docs@1.0.0"), []),
    "another scope": ('packages: ["npm:@acme/*"]', npx("@acme-tools/docs@1.0.0"), ["/args/1"]),
    "a version": ('packages: ["npm:@acme/docs@1.*"]', npx("@acme/docs@1.0.0"), []),
    "another version": ('packages: ["npm:@acme/docs@1.*"]', npx("@acme/docs@2.0.0"), ["/args/1"]),
    "no package at all": ("packages: []", npx("@acme/docs@1.0.0"), ["/args/1"]),
    "another ecosystem": ('packages: ["npm:docs"]', {"command": "uvx", "args": ["docs==1.0"]}, ["/args/0"]),
    "the spelling of PyPI": ('packages: ["pypi:Acme_Docs"]', {"command": "uvx", "args": ["acme.docs==1.0"]}, []),
    "an alias for another package": ('packages: ["npm:docs"]', npx("docs@npm:evil@1.0.0"), ["/args/1"]),
    "a second package beside it": ('packages: ["npm:docs"]', npx("-p", "docs@1.0.0", "-p", "evil@1.0.0", "docs"), ["/args/4"]),
    "an image": ('packages: ["oci:ghcr.io/acme/*"]', {"command": "docker", "args": ["run", "-i", f"ghcr.io/acme/docs@{DIGEST}"]}, []),
    "an image of another registry": ('packages: ["oci:acme/*"]', {"command": "docker", "args": ["run", "evil.example/acme/docs:1.0.0"]}, ["/args/1"]),
    "an image of Docker's own": ('packages: ["oci:mcp/time"]', {"command": "docker", "args": ["run", "docker.io/mcp/time:1.0.0"]}, []),
    "an image's tag": ('packages: ["oci:mcp/time:1.*"]', {"command": "docker", "args": ["run", "mcp/time:1.0.0"]}, []),
    "an image's official name": ("packages: ['oci:redis']", {"command": "docker", "args": ["run", "docker.io/library/redis:7.0.0"]}, []),
    "a list's official name": ("packages: ['oci:docker.io/library/redis']", {"command": "docker", "args": ["run", "redis:7.0.0"]}, []),
    "an image's digest": (f"packages: ['oci:mcp/time@{DIGEST}']", {"command": "docker", "args": ["run", f"mcp/time:1.0.0@{DIGEST}"]}, []),
    "an image's tag and digest": (f"packages: ['oci:mcp/time:1.*@{DIGEST}']", {"command": "docker", "args": ["run", f"mcp/time:1.0.0@{DIGEST}"]}, []),
    "another digest": (f"packages: ['oci:mcp/time@{DIGEST}']", {"command": "docker", "args": ["run", f"mcp/time@sha256:{'0' * 64}"]}, ["/args/1"]),
    "an image whose name is a reference": ("packages: ['oci:*']", {"command": "docker", "args": ["run", "acme/${IMAGE}:1.0.0"]}, [""]),
    "an image whose tag is a reference": ("packages: ['oci:mcp/time']", {"command": "docker", "args": ["run", "mcp/time:${TAG}"]}, []),
    "an image that a default names": ("packages: ['oci:*']", {"command": "docker", "args": ["run", "${IMAGE:-mcp/time:1.0.0}"]}, [""]),
    "a package behind a shell": ('packages: ["npm:docs"]', {"command": "sh", "args": ["-c", "npx -y docs@1.0.0"]}, []),
    "a script among packages": ('packages: ["npm:*"]', SCRIPT, [""]),
    "a script with its name": ('packages: ["npm:*"]\n  servers: [docs]', SCRIPT, []),
    "a script with another's name": ('packages: ["npm:*"]\n  servers: [other]', SCRIPT, [""]),
    "a package that is named but not listed": ('packages: ["npm:other"]\n  servers: [docs]', npx("docs@1.0.0"), ["/args/1"]),
    "a package from git": ('packages: ["npm:*"]', npx("github:acme/docs#" + "a" * 40), [""]),
    "a package that is a reference": ('packages: ["npm:*"]', npx("${PACKAGE}"), [""]),
    "a package with a reference in its name": ('packages: ["npm:@acme/*"]', npx("@acme/${PACKAGE}@1.0.0"), [""]),
    "a version that is a reference": ('packages: ["npm:@acme/*"]', npx("@acme/docs@${VERSION}"), []),
    "a version that may be an address": ('packages: ["npm:@acme/*"]', npx("@acme/docs@https://x.example/${V}.tgz"), [""]),
    "a version that is an address": ('packages: ["npm:@acme/*"]', npx("@acme/docs@https://x.example/a.tgz"), [""]),
    "a reference that is named": ('packages: ["npm:*"]\n  servers: [docs]', npx("${PACKAGE}"), []),
    "a script in a shell beside a package": ('packages: ["npm:*"]', {"command": "sh", "args": ["-c", "npx -y docs@1.0.0; ./evil"]}, [""]),
    "a host": ('hosts: ["*.example.com"]', http("https://mcp.example.com/v1"), []),
    "a host deep below": ('hosts: ["*.example.com"]', http("https://a.b.example.com/v1"), []),
    "a host spelt otherwise": ("hosts: [MCP.example.com.]", http("https://user@MCP.Example.COM.:8443/v1"), []),
    "a host in another script": ("hosts: [bücher.example]", http("https://xn--bcher-kva.example/v1"), []),
    "another host": ('hosts: ["*.example.com"]', http("https://mcp.example.com.evil.net/v1"), ["/url"]),
    "the domain without a part before it": ('hosts: ["*.example.com"]', http("https://example.com/v1"), ["/url"]),
    "the host in the user's place": ("hosts: [mcp.example.com]", http("https://mcp.example.com@evil.net/v1"), ["/url"]),
    "a host behind a proxy": ("hosts: [mcp.example.com]", npx("mcp-remote@0.1.37", "https://evil.net/sse"), ["/args/2"]),
    "a proxy among packages": ('packages: ["npm:docs"]', npx("mcp-remote@0.1.37", "https://evil.net/sse"), ["/args/1"]),
    "a host that is a reference": ('hosts: ["*"]', http("https://${HOST}/v1"), [""]),
    "a host that ends in a reference": ('hosts: ["*.example.com"]', http("https://${HOST}.example.com/v1"), [""]),
    "a reference with a default": ('hosts: ["*.example.com"]', http("https://${HOST:-mcp.example.com}/v1"), [""]),
    "a reference behind the host": ('hosts: ["*.example.com"]', http("https://mcp.example.com/${PATH_}"), []),
    "an address that is a reference": ('hosts: ["*"]', http("${URL}"), [""]),
    "a script among hosts": ('hosts: ["*.example.com"]', SCRIPT, [""]),
    "a package where only hosts are listed": ('hosts: ["*.example.com"]', npx("docs@1.0.0"), []),
    "a host where only packages are listed": ('packages: ["npm:docs"]', http("https://evil.net/v1"), []),
    "a helper beside a host": ("hosts: [mcp.example.com]", http("https://mcp.example.com/v1", headersHelper="./token.sh"), []),
    "a disabled server": ("servers: []", npx("x@1.0.0", disabled=True), [""]),  # .mcp.json knows no such key
}


@pytest.mark.parametrize(("allow", "server", "subjects"), ALLOW.values(), ids=ALLOW)
def test_allow(tmp_path, allow, server, subjects):
    assert told(tmp_path, f"allow:\n  {allow}", docs=server) == [("server-not-allowed", subject) for subject in subjects]


DENY = {
    "a transport": ("transports: [sse]", {"type": "sse", "url": "https://x.example/sse"}, ["/type"]),
    "a transport that nothing names": ("transports: [stdio]", npx("docs@1.0.0"), [""]),
    "another transport": ("transports: [sse, ws]", http("https://x.example/mcp"), []),
    "a host": ('hosts: ["*.ngrok.app"]', http("https://abc.ngrok.app/mcp"), ["/url"]),
    "a host with a port and a dot": ('hosts: ["*.ngrok.app"]', http("https://ABC.ngrok.app.:443/mcp"), ["/url"]),
    "a host that ends so": ('hosts: ["*.ngrok.app"]', http("https://${TUNNEL}.ngrok.app/mcp"), ["/url"]),
    "a host behind a proxy": ("hosts: [evil.net]", npx("mcp-remote@0.1.37", "https://evil.net/sse"), ["/args/2"]),
    "a host in Punycode": ("hosts: [bücher.example]", http("https://xn--bcher-kva.example/"), ["/url"]),
    "an address in another spelling": ("hosts: [10.0.0.1]", http("https://0xa000001/"), ["/url"]),
    "another host": ('hosts: ["*.ngrok.app"]', http("https://ngrok.app.example.com/mcp"), []),
}


@pytest.mark.parametrize(("deny", "server", "subjects"), DENY.values(), ids=DENY)
def test_deny(tmp_path, deny, server, subjects):
    assert told(tmp_path, f"deny: {{{deny}}}", docs=server) == [("server-not-allowed", subject) for subject in subjects]


def test_denied_capabilities_and_what_is_only_guessed(tmp_path):
    remote = http("https://mcp.example.com/v1")
    report = run(tmp_path, "deny: {capabilities: [network, destructive]}", docs=remote)
    (finding,) = report.findings
    assert (finding.rule, finding.severity, finding.status, finding.server, finding.subject) == ("denied-capability", "high", "blocking", "docs", "")
    assert finding.message.startswith('Server "docs" has the capability network (declared: ')
    assert report.documents[".mcp.json"].text[1:].split("\n")[finding.location.start_line - 1].strip().startswith('"docs"')
    assert told(tmp_path, "deny: {capabilities: [shell_execution]}", docs=remote) == []


def test_a_low_confidence_does_not_count_against_deny(tmp_path):
    from mcp_audit_gate.model import Capability
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.policy.rules import denied_capability

    (server,) = run(tmp_path, "", docs=npx("docs@1.0.0")).servers
    policy = Policy(deny={"capabilities": ("network",)})
    for confidence, number in (("low", 0), ("medium", 1), ("high", 1), ("declared", 1)):
        tool = server._replace(capabilities=(Capability("tool:fetch", "network", confidence, "its name"),) * 2)
        hits = list(denied_capability(policy, tool))
        assert [hit.subject for hit in hits] == ["tool:fetch"] * number
        assert not hits or hits[0].message.startswith('Tool:fetch of server "docs" has the capability network')


def test_risk(tmp_path):
    remote = http("https://mcp.example.com/v1")
    report = run(tmp_path, "max-risk: 0.5", docs=remote)
    (finding,) = report.findings
    score = report.servers[0].risk.score
    assert finding.message == f'Server "docs" has a risk of {score} (network 1.50), and the policy\'s limit is 0.5.'
    assert (finding.rule, finding.severity, finding.subject) == ("risk-over-limit", "high", "")
    assert told(tmp_path, f"max-risk: {score}", docs=remote) == []
    assert told(tmp_path, "max-risk: 0.5\nservers: {DOCS: {max-risk: 10}}", docs=remote, other=remote) == [("risk-over-limit", "")]
    assert told(tmp_path, "servers: {docs: {max-risk: 0}}", docs=remote, other=remote) == [("risk-over-limit", "")]


def test_a_lockfile_that_is_required(tmp_path):
    report = run(tmp_path, "require: {lock: true}", docs=npx("docs@1.0.0"), other=SCRIPT)
    assert [(finding.rule, finding.server, finding.status) for finding in report.findings] == [
        ("unlocked-server", "docs", "blocking"),
        ("unlocked-server", "other", "blocking"),
    ]
    assert told(tmp_path, "require: {lock: true}\nrules: {unlocked-server: off}", docs=SCRIPT) == []


def test_a_lockfile_that_cannot_be_read_is_not_passed_over(tmp_path):
    with pytest.raises(LockError):
        run(tmp_path, "require: {lock: true}", {"mcp-audit.lock.json": "{}"}, docs=npx("docs@1.0.0"))


def test_exact_versions(tmp_path):
    report = run(tmp_path, "require: {exact-versions: true}", docs=npx("@acme/docs"), box={"command": "docker", "args": ["run", "acme/box:latest"]})
    assert [(finding.rule, finding.severity) for finding in report.findings] == [("unpinned-package", "high"), ("floating-image-tag", "high")]
    assert report.severities["unpinned-package"] == "high"
    report = run(tmp_path, "require: {exact-versions: true}\nrules: {unpinned-package: low}", docs=npx("@acme/docs"))
    assert [(finding.severity, finding.status) for finding in report.findings] == [("low", "reported")]


@pytest.mark.parametrize(
    ("registries", "quiet"),
    [
        ("https://npm.example.com", True),
        ("NPM.example.com.", True),
        ("https://npm.example.com:8443/npm/", True),
        ("*.example.com", True),
        ("https://npm.example.net", False),
        ("example.com", False),
    ],
)
def test_registries(tmp_path, registries, quiet):
    server = npx("--registry", "https://npm.example.com/", "@acme/docs@1.0.0")
    assert told(tmp_path, f"allow: {{registries: ['{registries}']}}", docs=server) == ([] if quiet else [("registry-override", "/args/2")])


def test_a_rule_of_the_policy_can_be_lowered_and_switched_off_for_one_server(tmp_path):
    own = "{b: {rules: {server-not-allowed: critical}}, c: {rules: {server-not-allowed: off}}}"
    policy = f"allow: {{servers: []}}\nrules: {{server-not-allowed: low}}\nservers: {own}"
    report = run(tmp_path, policy, a=SCRIPT, b=SCRIPT, c=SCRIPT)
    assert [(finding.server, finding.severity) for finding in report.findings if finding.rule == "server-not-allowed"] == [
        ("b", "critical"),
        ("a", "low"),
    ]
    assert report.severities["server-not-allowed"] == "low"


def test_samples_and_disabled_servers_are_not_held_to_the_lists(tmp_path):
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.example.json").write_text(json.dumps({"mcpServers": {"x": SCRIPT}}))
    (tmp_path / ".roo").mkdir()
    (tmp_path / ".roo" / "mcp.json").write_text(json.dumps({"mcpServers": {"x": {**SCRIPT, "disabled": True}}}))
    assert told(tmp_path, "allow: {servers: [docs]}", docs=SCRIPT) == []


def test_both_readings_of_a_repeated_key_are_held_to_the_lists(tmp_path):
    (tmp_path / ".mcp.json").write_text(
        '{"mcpServers": {"a": {"command": "npx", "args": ["evil@1.0.0"]}, "a": {"command": "npx", "args": ["good@1.0.0"]}}}'
    )
    (tmp_path / "mcp-audit.yaml").write_text('version: 1\nallow: {packages: ["npm:good"]}\n')
    report = gate.scan(WorkingTree(str(tmp_path)), (str(tmp_path),), gate.Settings(TODAY))
    assert [finding.message for finding in report.findings if finding.rule == "server-not-allowed"] == [
        'Server "a" starts "evil@1.0.0" (args[0]), which the policy does not allow (packages).'
    ]
    assert len(report.servers) == 1


def test_another_server_under_the_same_name_is_another_finding(tmp_path):
    def fingerprints(policy, server):
        return {finding.fingerprint for finding in run(tmp_path, policy, docs=server).findings if finding.rule in OWN}

    for policy in ("allow: {servers: []}", "require: {lock: true}", "max-risk: 0", "deny: {capabilities: [network]}"):
        one, upgraded, other = (
            fingerprints(policy, npx(name, "--", "https://x.example")) for name in ("mcp-remote@0.1.37", "mcp-remote@0.1.38", "evil@1")
        )
        assert one == upgraded
        assert not one & other


def test_a_credential_in_the_place_of_a_package_stays_out(tmp_path):
    from fakes import token

    secret = token("github")
    report = run(tmp_path, 'allow: {packages: ["npm:docs"]}', docs=npx("--token", secret))
    own = [finding for finding in report.findings if finding.rule == "server-not-allowed"]
    assert own
    assert not [finding for finding in own if secret in finding.message]


@pytest.mark.parametrize(
    ("host", "canonical"), [("[::1]", "::1"), ("A.Example.", "a.example"), ("bücher.example", "xn--bcher-kva.example"), ("*.ä.b", "*.xn--4ca.b")]
)
def test_hosts_in_one_form(host, canonical):
    assert identity.ascii_host(host) == canonical
