"""metadata.capabilities: what is known of a server from its config, and on what that rests; the form of data/catalogue.json."""

from __future__ import annotations

import datetime
import json
import os
import re
import time

import pytest

from mcp_audit_gate import risk
from mcp_audit_gate.metadata import CAPABILITIES, capabilities
from mcp_audit_gate.metadata.capabilities import UNKNOWN
from mcp_audit_gate.sources.fields import understand_entry

FILES = "@modelcontextprotocol/server-filesystem"
FILE_SERVER = {("file_read", "high"), ("file_write", "high"), ("destructive", "medium")}
SERENA = {("file_read", "high"), ("file_write", "high"), ("shell_execution", "high"), ("destructive", "medium")}
FOLDER = ("file_read", "medium")
REACHED = ("network", "declared")


def known(entry, expands=False):
    return capabilities.of_server(understand_entry(entry, expands).launches)


def pairs(entry):
    return {(item.capability, item.confidence) for item in known(entry).capabilities}


def start(command, *args, **env):
    return {"command": command, "args": list(args), **({"env": env} if env else {})}


def remote(url):
    return {"type": "http", "url": url}


@pytest.mark.parametrize(
    ("entry", "expected", "rests"),
    [
        (start("npx", "-y", f"{FILES}@2026.1.14"), FILE_SERVER, (f"catalogue: npm:{FILES}",)),
        (start("cmd", "/c", "npx", "-y", FILES), FILE_SERVER, (f"catalogue: npm:{FILES}",)),
        (start("bunx", FILES), FILE_SERVER, (f"catalogue: npm:{FILES}",)),
        pytest.param(start("npx", "-y", FILES, "./docs"), {*FILE_SERVER, FOLDER}, (f"catalogue: npm:{FILES}", "launch"), id="catalogue and launch"),
        pytest.param(start("npx", f"{FILES}@${{VERSION}}"), FILE_SERVER, (f"catalogue: npm:{FILES}",), id="version is a reference"),
        (start("node", f"./node_modules/{FILES}/dist/index.js"), FILE_SERVER, (f"catalogue: npm:{FILES}",)),
        pytest.param(
            start("mcp-server-filesystem"),
            {("file_read", "medium"), ("file_write", "medium"), ("destructive", "medium")},
            ("catalogue: program:mcp-server-filesystem",),
            id="a command's name is no proof",
        ),
        (start("/usr/local/bin/mcp-server-fetch"), {("network", "medium"), ("exfiltration", "low")}, ("catalogue: pypi:mcp-server-fetch",)),
        (start("uvx", "mcp-server-fetch==2026.10.24"), {("network", "high"), ("exfiltration", "low")}, ("catalogue: pypi:mcp-server-fetch",)),
        (start("uvx", "MCP_Server.Fetch"), {("network", "high"), ("exfiltration", "low")}, ("catalogue: pypi:mcp-server-fetch",)),
        (start("python3", "-m", "mcp_server_fetch"), {("network", "medium"), ("exfiltration", "low")}, ("catalogue: pypi:mcp-server-fetch",)),
        (
            start("uv", "run", "-m", "mcp_server_fetch.server"),
            {("network", "medium"), ("exfiltration", "low")},
            ("catalogue: pypi:mcp-server-fetch",),
        ),
        (start("uvx", "mcp-server-time"), set(), ("catalogue: pypi:mcp-server-time",)),
        (
            start("uvx", "awslabs.aws-documentation-mcp-server@latest"),
            {("network", "high")},
            ("catalogue: pypi:awslabs-aws-documentation-mcp-server",),
        ),
        (
            start("uvx", "--from", "git+https://github.com/oraios/serena", "serena", "start-mcp-server"),
            SERENA,
            ("catalogue: git:github.com/oraios/serena",),
        ),
        (start("uvx", "--from", "git+ssh://git@github.com/oraios/serena.git@v0.1.4", "serena"), SERENA, ("catalogue: git:github.com/oraios/serena",)),
        (start("npx", "-y", "git@github.com:oraios/serena.git#main"), SERENA, ("catalogue: git:github.com/oraios/serena",)),
        (start("npx", "-y", "github:oraios/serena"), SERENA, ("catalogue: git:github.com/oraios/serena",)),
        (start("docker", "run", "-i", "--rm", "mcp/time"), set(), ("catalogue: oci:mcp/time",)),
        (start("docker", "run", "-i", "docker.io/mcp/fetch:latest"), {("network", "high"), ("exfiltration", "low")}, ("catalogue: oci:mcp/fetch",)),
        (
            remote("https://mcp.linear.app/mcp"),
            {REACHED, ("network", "high"), ("exfiltration", "medium")},
            ("catalogue: host:mcp.linear.app", "launch"),
        ),
        (
            remote("https://MCP.Linear.app.:443/sse"),
            {REACHED, ("network", "high"), ("exfiltration", "medium")},
            ("catalogue: host:mcp.linear.app", "launch"),
        ),
        (
            start("npx", "-y", "mcp-remote", "https://docs.mcp.cloudflare.com/sse"),
            {REACHED, ("network", "high")},
            ("catalogue: host:docs.mcp.cloudflare.com", "launch"),
        ),
        pytest.param(
            start("npx", "-y", "supergateway", "--stdio", f"npx -y {FILES}"),
            FILE_SERVER,
            (f"catalogue: npm:{FILES}",),
            id="what a proxy starts belongs to it",
        ),
        (start("npx", "-y", "@acme/docs-mcp@1.0.0"), set(), (UNKNOWN,)),
        (start("node", "server.js", "--port", "8080"), set(), (UNKNOWN,)),
        (remote("https://mcp.example.com/mcp"), {REACHED}, ("launch",)),
        pytest.param(remote("${BASE}/mcp"), {REACHED}, ("launch",), id="address unknown"),
        pytest.param(remote("http://localhost:8931/mcp"), set(), (UNKNOWN,), id="this machine is not the network"),
        pytest.param(remote("http://127.0.0.1:3000/sse"), set(), (UNKNOWN,), id="nor by number"),
        (start("ssh", "host.example.com", "mcp-server"), {("network", "high")}, ("launch",)),
    ],
)
def test_what_is_known(entry, expected, rests):
    found = known(entry)
    assert {(item.capability, item.confidence) for item in found.capabilities} == expected
    assert found.evidence == rests


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (start("bash", "-c", "cat x | server"), {("shell_execution", "high")}),
        (start("bash", "-lc", "python server.py"), set()),
        pytest.param(start("bash", "./scripts/run.sh"), {("shell_execution", "low")}, id="a script file is how it starts, not what it offers"),
        (start("bash"), {("shell_execution", "high")}),
        (start("node", "-e", "serve()"), {("shell_execution", "medium")}),
        (start("docker", "run", "-v", "/srv/a:/a:ro", "acme/x:1"), {("file_read", "high")}),
        (start("docker", "run", "-v", "./a:/a", "acme/x:1"), {("file_read", "high"), ("file_write", "medium")}),
        (start("docker", "run", "--volume=C:\\a:/a:ro", "acme/x:1"), {("file_read", "high")}),
        (start("docker", "run", "-v", "${PWD:-.}:/a:ro,z", "acme/x:1"), {("file_read", "high")}),
        (start("docker", "run", "-v", "${workspaceFolder}:/a", "acme/x:1"), {("file_read", "high"), ("file_write", "medium")}),
        pytest.param(start("docker", "run", "-v", "data:/a", "acme/x:1"), set(), id="a named volume is no folder of the machine"),
        pytest.param(start("docker", "run", "-v", "/a", "acme/x:1"), set(), id="an anonymous volume"),
        pytest.param(start("docker", "run", "-v", "${VOLUME", "acme/x:1"), set(), id="an unclosed reference"),
        (start("docker", "run", "--mount", "type=bind,src=/srv/a,dst=/a,readonly", "acme/x:1"), {("file_read", "high")}),
        (
            start("docker", "run", "--mount", "type=bind,source=/srv/a,target=/a,readonly=false", "acme/x:1"),
            {("file_read", "high"), ("file_write", "medium")},
        ),
        (start("docker", "run", "--mount", "type=volume,src=data,dst=/a", "acme/x:1"), set()),
        pytest.param(
            start("docker", "run", "-v", "/var/run/docker.sock:/s:ro", "acme/x:1"),
            {("shell_execution", "high")},
            id="read-only does not bind a socket",
        ),
        pytest.param(start("docker", "run", "acme/x:1", "/projects"), set(), id="a path inside the container"),
        (
            start("deno", "run", "-A", "server.ts"),
            {("file_read", "medium"), ("file_write", "medium"), ("network", "medium"), ("shell_execution", "medium")},
        ),
        (start("deno", "run", "--allow-read=./data", "--allow-net=api.example.com", "server.ts"), {("file_read", "medium"), ("network", "medium")}),
        (start("acme-files", "/srv/docs"), {FOLDER}),
        (start("acme-files", "--root", "./docs"), {FOLDER}),
        (start("acme-files", "--root=${workspaceFolder}/docs"), {FOLDER}),
        (start("acme-files", "C:\\docs"), {FOLDER}),
        (start("acme-files", ALLOWED_DIRS="/srv/docs"), {FOLDER}),
        pytest.param(start("acme", "--config", "./config.json", "./server.js"), set(), id="files are no folders"),
        pytest.param(start("acme", "--project", "my-project", "--path", "/mcp"), set(), id="a project's name, a path in an address"),
        pytest.param(start("acme", "${API_KEY}", LOG_DIR="/var/log/acme"), set(), id="other variables"),
    ],
)
def test_launch_facts(entry, expected):
    assert pairs(entry) == expected


def test_the_entry_itself_is_the_subject_and_nothing_is_said_twice():
    entry = start("npx", "-y", FILES, "./docs", "./posts", ALLOWED_DIRS="/srv/docs", WORKSPACE_DIR="/srv")
    found = known(entry).capabilities
    assert len(found) == len(set(found)) == 5
    assert {item.subject for item in (*found, *known(remote("https://mcp.linear.app/mcp")).capabilities)} == {""}


@pytest.mark.parametrize(
    "entry",
    [
        start("npx", "-y", f"{FILES}-extra"),
        start("npx", "-y", f"@acme/{FILES.partition('/')[2]}"),
        start("npx", "-y", "@ModelContextProtocol/server-filesystem"),
        start("npx", "-y", f"./{FILES}"),
        start("npx", "-y", "https://example.com/server-filesystem.tgz"),
        start("npx", "-y", "github:someone/mongodb-mcp-server"),
        start("uvx", "--from", "git+https://github.com/someone/mcp-server-fetch", "mcp-server-fetch"),
        start("uvx", "./mcp-server-fetch"),
        start("npx", "-y", "mcp-server-fetch"),
        start("docker", "run", "ghcr.io/someone/mcp/fetch"),
        start("docker", "run", "mcp/fetch-more"),
        start("./mcp-server-fetch"),
        start("bin/mcp-server-fetch"),
        start("bash", "/usr/local/bin/mcp-server-fetch"),
        start("node", "./mcp-server-fetch"),
        remote("https://mcp.linear.app.example.com/mcp"),
        remote("https://linear.app/mcp"),
        remote("https://example.com/?next=https://mcp.linear.app"),
        remote("https://mcp.linear.app@example.com/mcp"),
    ],
    ids=str,
)
def test_only_the_exact_name_is_known(entry):
    assert known(entry).evidence in ((UNKNOWN,), ("launch",))


@pytest.mark.parametrize(
    ("plain", "flagged"),
    [
        (start("npx", FILES), start("npx", FILES, "--read-only", READ_ONLY="true")),
        (start("uvx", "postgres-mcp"), start("uvx", "postgres-mcp", "--access-mode=restricted")),
        (start("docker", "run", "mcp/fetch"), start("docker", "run", "--network=none", "--read-only", "mcp/fetch")),
        (remote("https://api.githubcopilot.com/mcp/"), {**remote("https://api.githubcopilot.com/mcp/"), "headers": {"X-MCP-Readonly": "true"}}),
        (remote("https://mcp.supabase.com/mcp"), remote("https://mcp.supabase.com/mcp?read_only=true")),
    ],
)
def test_no_switch_lowers_anything(plain, flagged):
    assert pairs(plain) <= pairs(flagged)
    assert risk.of(known(flagged).capabilities).score >= risk.of(known(plain).capabilities).score > 0


def test_the_file_server_can_be_denied_writing():
    assert ("file_write", "high") in pairs(start("npx", "-y", f"{FILES}@2026.1.14", "./docs"))


def test_the_clients_helpers_are_no_part_of_the_server():
    entry = {**remote("http://localhost:1/mcp"), "headersHelper": "cat token | tr -d x"}
    assert len(understand_entry(entry, False).launches) > 1
    assert known(entry).capabilities == ()


def test_no_text_of_the_config_is_repeated():
    mark = "s3cretValue"
    for entry in (
        remote(f"https://user:{mark}@mcp.linear.app/mcp?key={mark}"),
        start("npx", "-y", FILES, f"/srv/{mark}", ALLOWED_DIRS=mark),
        start("docker", "run", "-v", f"/{mark}:/a", "mcp/fetch"),
        start("bash", "-c", f"echo {mark} | server"),
    ):
        assert known(entry).capabilities
        assert mark not in repr(known(entry))


def test_the_parts_agree_with_the_whole():
    launch = understand_entry(start("npx", "-y", FILES, "./docs"), False).launches[0]
    whole = capabilities.of_server((launch,))
    assert tuple(capabilities.of_launch(launch)) == whole.capabilities
    assert capabilities.evidence(launch) == whole.evidence


def test_the_catalogue_is_read_when_needed_and_once():
    capabilities._table.cache_clear()
    for entry in (start("node", "server.js"), start("python", "server.py"), start("bash", "run.sh"), start("./bin/server"), {"disabled": True}):
        known(entry)
    assert capabilities._table.cache_info().misses == 0
    for number in range(5):
        known(start("npx", f"acme-{number}"))
        known(remote(f"https://mcp{number}.example.com"))
    assert capabilities._table.cache_info().misses == 1


@pytest.mark.parametrize(
    "text", ["/" * 100_000, "${" * 50_000, ":" * 100_000, "a," * 50_000, "-" * 100_000, "@" * 100_000, "node_modules/" * 8_000, "." * 100_000]
)
def test_hostile_text_takes_no_time(text):
    mounts = start("docker", "run", "-v", text, "--mount", text, "acme/x:1")
    entries = (start("npx", text), start("uvx", f"git+{text}"), mounts, start(text), start("x", "--root", text), remote(f"https://{text}"))
    launches = [understand_entry(entry, False).launches for entry in entries]
    begun = time.process_time()
    for launch in launches:
        capabilities.of_server(launch)
    assert time.process_time() - begun < 0.3


# The form of the catalogue.

PATH = os.path.join(os.path.dirname(capabilities.__file__), "..", "data", "catalogue.json")
with open(PATH, encoding="utf-8") as _file:
    TEXT = _file.read()
SERVERS = json.loads(TEXT)["servers"]
KEYS = [key for record in SERVERS for key in record["keys"]]
FORMS = {
    "npm": r"(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*",
    "pypi": r"[a-z0-9]+(?:-[a-z0-9]+)*",
    "nuget": r"[a-z0-9]+(?:[.-][a-z0-9]+)*",
    "go": r"[a-z0-9.-]+(?:/[A-Za-z0-9._-]+)+",
    "jsr": r"@[a-z0-9-]+/[a-z0-9-]+",
    "oci": r"[a-z0-9._-]+(?:/[a-z0-9._-]+)+",
    "host": r"[a-z0-9-]+(?:\.[a-z0-9-]+)+",
    "git": r"[a-z0-9.-]+/[a-z0-9_.-]+/[a-z0-9_.-]+",
    "program": r"[a-z0-9][a-z0-9_-]*",
}
CONFIGS = {
    "npm": lambda name: start("npx", "-y", name),
    "pypi": lambda name: start("uvx", name),
    "nuget": lambda name: start("dnx", name, "--yes"),
    "go": lambda name: start("go", "run", f"{name}@v1.0.0"),
    "jsr": lambda name: start("deno", "run", f"jsr:{name}@1"),
    "oci": lambda name: start("docker", "run", "-i", "--rm", f"{name}:latest"),
    "host": lambda name: remote(f"https://{name}/mcp"),
    "git": lambda name: start("uvx", "--from", f"git+https://{name}.git@main", "server"),
    "program": lambda name: start(name),
}


def test_every_name_stands_once_and_in_order():
    assert len(KEYS) == len(set(KEYS)) >= 120
    assert [record["keys"] for record in SERVERS] == sorted(record["keys"] for record in SERVERS)
    assert all(record["keys"] == sorted(record["keys"]) for record in SERVERS)
    assert sum(line.startswith('    {"keys"') for line in TEXT.splitlines()) == len(SERVERS)


@pytest.mark.parametrize("kind", FORMS)
def test_names_are_written_as_they_are_looked_up(kind):
    names = [key.partition(":")[2] for key in KEYS if key.startswith(f"{kind}:")]
    assert names
    for name in names:
        assert re.fullmatch(FORMS[kind], name), name
        assert f"catalogue: {kind}:{name}" in known(CONFIGS[kind](name)).evidence


def test_no_other_kinds_of_names():
    assert {key.partition(":")[0] for key in KEYS} == set(FORMS)


def test_no_default_registry_in_image_names():
    assert not [key for key in KEYS if key.startswith(("oci:docker.io/", "oci:library/", "oci:index.docker.io/"))]


@pytest.mark.parametrize("record", SERVERS, ids=lambda record: record["keys"][0])
def test_records(record):
    assert set(record) == {"keys", "can", "from", "judged"}
    assert datetime.date.fromisoformat(record["judged"]) >= datetime.date(2026, 1, 1)
    assert 5 <= len(record["from"]) <= 80
    parts = [part.split(" ", 2) for part in record["can"].split("; ") if part]
    assert all(len(part) == 3 and part[0] in CAPABILITIES and part[1] in ("high", "medium", "low") for part in parts)
    order = [CAPABILITIES.index(part[0]) for part in parts]
    assert order == sorted(set(order))
    for item in capabilities._capabilities(record["can"], True):
        assert len(item.evidence) <= 100
        assert item.evidence.isascii()
        assert item.evidence.isprintable()


def test_small_enough_to_read_on_every_scan():
    assert len(TEXT) < 100_000
