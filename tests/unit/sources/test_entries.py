from __future__ import annotations

import json

import pytest

from mcp_audit_gate import gate
from mcp_audit_gate.lock.written import written_launch
from mcp_audit_gate.policy.policy import Policy
from mcp_audit_gate.sources.discover import WorkingTree


def read(tmp_path, files, named=""):
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")
    return gate.read(WorkingTree(str(tmp_path)), (str(tmp_path / named),), frozenset(), Policy())


def launched(reading):
    """(name, what is started or called) of every server."""
    found = []
    for entry in reading.context.entries:
        if entry.kind == "server":
            words = " ".join(word.text for word in entry.launch.words)
            found.append((entry.name, words or " ".join(url.text for url in entry.launch.urls)))
    return found


NPX = {"command": "npx", "args": ["-y", "p@1.0.0"]}
STARTS = "npx -y p@1.0.0"
URL = "https://mcp.example.com/v1"

SHAPES = {
    "map": (".mcp.json", {"mcpServers": {"x": NPX}}, [("x", STARTS)]),
    "two maps": (".mcp.json", {"mcpServers": {"x": NPX}, "servers": {"y": {"url": URL}}}, [("x", STARTS), ("y", URL)]),
    "flat map": (".mcp.json", {"x": NPX, "_comment": "no", "inputs": [], "y": {"type": "http", "url": URL}}, [("x", STARTS), ("y", URL)]),
    "flat beside a decoy": (".mcp.json", {"mcpServers": {}, "x": NPX}, [("x", STARTS)]),
    "list with names": (".mcp.json", {"mcpServers": [{"name": "x", **NPX}]}, [("x", STARTS)]),
    "command as a list": ("opencode.json", {"mcp": {"x": {"type": "local", "command": ["npx", "-y", "p@1.0.0"], "environment": {"A": "b"}}}}, [("x", STARTS)]),
    "opencode, newer": ("opencode.jsonc", {"mcp": {"servers": {"x": NPX}, "timeout": {"enabled": True}}}, [("timeout", ""), ("x", STARTS)]),
    "kilo": ("kilo.jsonc", '{"mcp": {"x": {"command": ["npx"],}, /* c */ "off": {"enabled": false}}}', [("x", "npx"), ("off", "")]),
    "goose": ("recipes/a.yaml", "extensions:\n  - {type: stdio, name: x, cmd: npx, args: [-y, p@1.0.0], envs: {A: b}}\n  - {type: builtin, name: y}\n  - {type: sse, name: z, uri: 'https://mcp.example.com/v1'}\n", [("x", STARTS), ("z", URL)]),
    "nested transport": (".mcp.json", {"mcpServers": {"x": {"transport": {"type": "sse", "url": URL}}}}, [("x", URL)]),
    "serverUrl": (".windsurf/mcp_config.json", {"mcpServers": {"x": {"serverUrl": URL}}}, [("x", URL)]),
    "httpUrl": (".gemini/settings.json", {"mcpServers": {"x": {"httpUrl": URL}}}, [("x", URL)]),
    "tcp": (".gemini/settings.json", {"mcpServers": {"x": {"tcp": "example.com:1"}}}, [("x", "example.com:1")]),
    "server command": (".gemini/settings.json", {"mcp": {"serverCommand": "npx -y p@1.0.0"}}, [("serverCommand", STARTS)]),
    "amp": (".amp/settings.json", {"amp.mcpServers": {"x": NPX}}, [("x", STARTS)]),
    "vs code settings": (".vscode/settings.json", {"mcp": {"servers": {"x": NPX}}, "mcp.servers": [{"name": "y", "url": URL}]}, [("x", STARTS), ("y", URL)]),
    "workspace": ("a.code-workspace", {"settings": {"mcp": {"servers": {"x": NPX}}}}, [("x", STARTS)]),
    "zed, older": (".zed/settings.json", {"context_servers": {"x": {"command": {"path": "npx", "args": ["-y", "p@1.0.0"], "env": {"A": "b"}}}, "y": {"settings": {}}}}, [("x", STARTS), ("y", "")]),
    "codex": (".codex/config.toml", '[mcp_servers.x]\ncommand = "npx"\nargs = ["-y", "p@1.0.0"]\n[mcp_servers.x.env]\nA = "b"\n', [("x", STARTS)]),
    "vibe": (".vibe/config.toml", '[[mcp_servers]]\nname = "x"\ncommand = "npx"\nargs = ["-y", "p@1.0.0"]\n', [("x", STARTS)]),
    "reasonix": ("reasonix.toml", '[[plugins]]\nname = "x"\ncommand = "npx"\nargs = ["-y", "p@1.0.0"]\n', [("x", STARTS)]),
    "openhands": ("config.toml", f'[mcp]\nsse_servers = ["{URL}"]\n[[mcp.stdio_servers]]\nname = "x"\ncommand = "npx"\nargs = ["-y", "p@1.0.0"]\n[[mcp.shttp_servers]]\nurl = "{URL}"\n', [("x", STARTS), ("0", URL), ("0", URL)]),
    "continue": (".continue/mcpServers/a.yaml", "mcpServers:\n  - name: x\n    command: npx\n    args: [-y, p@1.0.0]\n", [("x", STARTS)]),
    "continue, one server": (".continue/mcpServers/x.json", NPX, [("x", STARTS)]),
    "continue, projects": (".continue/mcpServers/x.json", {"projects": {"/a": {"mcpServers": {"x": NPX}}}}, [("x", STARTS)]),
    "librechat": ("librechat.yaml", "interface:\n  mcpServers: {use: true}\nmcpServers:\n  x: {type: sse, url: 'https://mcp.example.com/v1'}\n", [("x", URL)]),
    "mcp-agent": ("mcp_agent.config.yaml", "mcp:\n  servers:\n    x: {command: npx, args: [-y, p@1.0.0], env: {A: !developer_secret }}\n", [("x", STARTS)]),
    "copilot agent": (".github/agents/a.md", "---\nname: a\nmcp-servers:\n  x: {type: local, command: npx, args: [-y, p@1.0.0], tools: ['*']}\n---\n", [("x", STARTS)]),
    "claude agent, names": (".claude/agents/a.md", "---\nname: a\nmcpServers: [x, y]\n---\n", []),
    "claude agent, inline": (".claude/agents/a.md", "---\nmcpServers:\n  - github\n  - x: {command: npx, args: [-y, p@1.0.0]}\n---\n", [("x", STARTS)]),
    "agent with odd YAML": (".claude/agents/a.md", "---\ndescription: use when: a: b\n---\n", []),
    "agent with odd YAML that names tools": (".claude/agents/a.md", "---\nname: mcp-a\ndescription: Ask: user: 'mcpServers: x'\ntools: mcp__a__b\n---\n", []),
    "an empty settings file": (".vscode/settings.json", "", []),
    "a devcontainer of comments": (".devcontainer/devcontainer.json", "\n// {}\n/* x */\n", []),
    "continue, hub blocks": (".continue/config.yaml", "mcpServers:\n  - uses: acme/docs-mcp\n    with: {A: b}\n  - {name: x, url: 'https://mcp.example.com/v1'}\n", [("acme/docs-mcp", ""), ("x", URL)]),
    "registry, the first drafts": ("server.json", {"name": "a", "packages": [{"registry_name": "npm", "name": "@a/b", "version": "1.0.0"}]}, []),
    "agent without front matter": (".github/agents/a.md", "# mcp-servers\n---\n", []),
    "marketplace": (".claude-plugin/marketplace.json", {"plugins": [{"name": "a", "mcpServers": {"x": NPX}}]}, [("x", STARTS)]),
    "rulesync": (".rulesync/mcp.jsonc", {"mcpServers": {"x": NPX}, "cursor": {"mcpServers": {"y": {"url": URL}}}}, [("x", STARTS), ("y", URL)]),
    "kiro power": (".kiro/settings/mcp.json", {"powers": {"mcpServers": {"x": NPX}}}, [("x", STARTS)]),
    "mcpb": ("manifest.json", {"name": "x", "server": {"mcp_config": {**NPX, "platform_overrides": {"win32": {"command": "npx.cmd"}}}}}, [("x", STARTS), ("win32", "npx.cmd")]),
    "registry": ("server.json", {"packages": [{"registryType": "pypi", "identifier": "p", "version": "1.0"}], "remotes": [{"type": "sse", "url": URL}]}, [("p", "uvx p==1.0"), ("0", URL)]),
    "registry, arguments": ("server.json", {"packages": [{"registryType": "oci", "identifier": "x/y:1", "runtimeArguments": [{"type": "named", "name": "-v", "value": "/:/host"}, {"type": "positional", "name": "n", "value": "-i"}], "package_arguments": [{"type": "named", "name": "--a"}]}]}, [("x/y:1", "docker run -v /:/host -i x/y:1 --a")]),
    "registry, a runner's own subcommand": ("server.json", {"packages": [{"registry_type": "oci", "identifier": "x/y:1", "runtime_arguments": [{"type": "positional", "value": "run"}]}]}, [("x/y:1", "docker run x/y:1")]),
    "docker registry, folders": ("servers/x/server.yaml", "name: x\nimage: mcp/x\nrun:\n  volumes: ['/:/host']\n  command: [--a, b]\n", [("x", "docker run -v /:/host mcp/x --a b")]),
    "docker registry": ("servers/x/server.yaml", "name: x\nimage: mcp/x\ntype: server\n", [("x", "docker run mcp/x")]),
    "docker registry, remote": ("servers/x/server.yaml", "name: x\nremote: {transport_type: sse, url: 'https://mcp.example.com/v1'}\n", [("x", URL)]),
    "crushrc": (".crushrc", "# servers\nmcp add x --command npx --args -y p@1.0.0 --env A \"b c\"\nmcp add y --url https://mcp.example.com/v1 # z\n", [("x", STARTS), ("y", URL)]),
    "two documents": ("librechat.yaml", "mcpServers: {x: {command: npx}}\n---\nmcpServers: {y: {command: npx}}\n", [("x", "npx"), ("y", "npx")]),
    "comments": (".mcp.json", {"mcpServers": {"_note": "a", "//": ["b"], "$x": 1, "_old": {"command": "npx"}, "_about": {"text": "c"}}}, [("_old", "npx")]),
    "switch only": (".kiro/settings/mcp.json", {"mcpServers": {"x": {"disabled": True}, "y": {"command": "", "disabled": True}}}, [("x", ""), ("y", "")]),
    "free names without servers": ("config.toml", "[tool]\nx = 1\n", []),
    "a schema": ("server.json", {"properties": {"mcpServers": {"type": "object"}}}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name, tmp_path) -> None:
    path, text, expected = SHAPES[name]
    reading = read(tmp_path, {path: text})
    assert sorted(launched(reading)) == sorted(expected)
    assert reading.not_assessed == ()
    assert reading.context.problems == ()


def test_every_place_of_an_entry_is_where_it_stands(tmp_path) -> None:
    reading = read(tmp_path, {".crushrc": 'mcp add x --command npx --args -y p@1.0.0 --env A "b c"\n'})
    (entry,) = (entry for entry in reading.context.entries if entry.kind == "server")
    text = entry.document.text
    for at, piece in ((("command",), "npx"), (("args", 1), "p@1.0.0"), (("env", "A"), '"b c"')):
        start, end = entry.document.span(entry.place(at))
        assert text[start:end] == piece
    assert text[slice(*entry.document.span(entry.place(key=True)))] == "x"


def test_plugins_point_to_files(tmp_path) -> None:
    reading = read(
        tmp_path,
        {
            "a/.claude-plugin/plugin.json": {"name": "a", "mcpServers": "./servers.json"},
            "a/servers.json": {"x": NPX},
            "b/.codex-plugin/plugin.json": {"name": "b", "mcpServers": "./.mcp.json"},
            "b/.mcp.json": {"y": NPX},
            "c/.claude-plugin/plugin.json": {"name": "c", "mcpServers": ["./node_modules/z/mcp.json"]},
            "c/node_modules/z/mcp.json": {"mcpServers": {"z": NPX}},
        },
    )
    assert sorted(launched(reading)) == [("x", STARTS), ("y", STARTS), ("z", STARTS)]
    assert [item.path for item in reading.inputs if item.servers] == ["a/servers.json", "b/.mcp.json", "c/node_modules/z/mcp.json"]


def test_continue_points_to_blocks_in_the_tree(tmp_path) -> None:
    files = {
        ".continue/config.yaml": "mcpServers:\n  - uses: file://../blocks/x.yaml\n",
        "blocks/x.yaml": f"mcpServers: [{{name: x, url: '{URL}'}}]\n",
    }
    reading = read(tmp_path, files)
    assert (launched(reading), reading.not_assessed) == ([("x", URL)], ())
    reading = read(tmp_path, {"a/.continue/config.yaml": "mcpServers:\n  - uses: file://./gone.yaml\n"})
    assert [item.path for item in reading.not_assessed] == ["a/.continue/config.yaml"]


def test_a_plugin_that_points_to_nothing_or_outside_is_not_assessed(tmp_path) -> None:
    (tmp_path / "out.json").write_text('{"mcpServers": {"canary": {"command": "x"}}}')
    reading = read(
        tmp_path / "root",
        {"a/.claude-plugin/plugin.json": {"mcpServers": "./gone.json"}, "b/.claude-plugin/plugin.json": {"mcpServers": "../../out.json"}},
    )
    assert [(item.path, item.reason) for item in reading.not_assessed] == [
        ("../out.json", "a link that leaves the repository; it was not followed"),
        ("a/.claude-plugin/plugin.json", "the file it points to does not exist"),
    ]
    assert launched(reading) == []


def test_bundles_by_address(tmp_path) -> None:
    base = "https://github.com/acme/x/releases"
    reading = read(
        tmp_path,
        {
            f"{n}/.claude-plugin/plugin.json": {"mcpServers": f"{base}/{tail}"}
            for n, tail in enumerate(("latest/download/x.mcpb", "download/v1.2.0/x.mcpb"))
        },
    )
    assert [(entry.launch.package.pin, entry.launch.package.version) for entry in reading.context.entries] == [("tag", "latest"), ("exact", "1.2.0")]


def test_what_a_list_names_by_its_address_is_written_with_it(tmp_path) -> None:
    bundle = "https://github.com/acme/x/releases/download/v1.2.0/x.mcpb"
    reading = read(
        tmp_path,
        {
            "config.toml": f'[mcp]\nsse_servers = ["{URL}", {{url = "{URL}/2"}}]\nshttp_servers = ["{URL}"]\n',
            "p/.claude-plugin/plugin.json": {"mcpServers": ["./a.json", bundle]},
            "p/a.json": {"mcpServers": {"x": NPX}},
        },
    )
    written = {(entry.document.path, entry.name, entry.pointer): written_launch(entry) for entry in reading.context.entries}
    assert written == {
        ("config.toml", "0", ("mcp", "sse_servers", 0)): {"transport": "sse", "url": URL},
        ("config.toml", "1", ("mcp", "sse_servers", 1)): {"transport": "sse", "url": f"{URL}/2"},
        ("config.toml", "0", ("mcp", "shttp_servers", 0)): {"transport": "http", "url": URL},
        ("p/.claude-plugin/plugin.json", "x.mcpb", ("mcpServers", 1)): {"transport": "stdio", "url": bundle},
        ("p/a.json", "x", ("mcpServers", "x")): {"transport": "stdio", "command": "npx", "args": ["-y", "p@1.0.0"], "package": "npm:p@1.0.0"},
    }


def test_a_client_that_takes_bare_addresses_for_sse(tmp_path) -> None:
    servers = {"x": {"url": URL}, "y": {"url": URL, "type": "streamableHttp"}, "z": {"transport": {"type": "http", "url": URL}}, "w": NPX}
    reading = read(tmp_path, {"cline_mcp_settings.json": {"mcpServers": servers}})
    assert [entry.launch.transport for entry in reading.context.entries] == ["sse", "http", "http", "stdio"]


def test_names_in_a_list_are_servers_declared_elsewhere_only_in_agent_files(tmp_path) -> None:
    reading = read(tmp_path, {".mcp.json": {"mcpServers": ["x"]}, ".claude/agents/a.md": "---\nmcpServers: [x]\n---\n"})
    assert [(item.path, item.reason) for item in reading.not_assessed] == [(".mcp.json", "an entry that is no object")]


@pytest.mark.parametrize("path", [".cursor/mcp.json", ".kiro/settings/mcp.json", ".vscode/settings.json"])
def test_a_clients_own_folder_as_the_root_is_read_as_below_its_project(path, tmp_path) -> None:
    servers = {"mcpServers": {"x": NPX}, "mcp": {"servers": {"x": NPX}}}
    whole = read(tmp_path, {path: servers})
    folder, _, name = path.rpartition("/")
    root = str(tmp_path / folder)
    for asked in (root, str(tmp_path / path)):
        alone = gate.read(WorkingTree(root), (asked,), frozenset(), Policy())
        assert [(item.path, item.client, item.servers) for item in alone.inputs] == [(name, whole.inputs[0].client, whole.inputs[0].servers)]
    (tmp_path / folder / ".git").mkdir()
    assert not gate.read(WorkingTree(root), (root,), frozenset(), Policy()).inputs


NAMED = {
    "opencode": ("a.json", {"mcp": {"x": {"command": ["npx", "-y", "p@1.0.0"]}}}, [("x", STARTS)]),
    "recipe": ("a.yaml", "extensions:\n- {type: builtin, name: y}\n- {type: stdio, name: x, cmd: npx, args: [-y, p@1.0.0]}\n", [("x", STARTS)]),
    "takt": ("a.yml", "steps:\n- mcp_servers: {x: {command: npx, args: [-y, p@1.0.0]}}\n", [("x", STARTS)]),
    "reasonix": ("a.toml", '[[plugins]]\nname = "x"\ncommand = "npx"\nargs = ["-y", "p@1.0.0"]\n', [("x", STARTS)]),
    "registry": ("a.json", {"packages": [{"registryType": "npm", "identifier": "p", "version": "1.0.0"}]}, [("p", "npx p@1.0.0")]),
    "devcontainer": ("a.json", {"customizations": {"vscode": {"mcp": {"servers": {"x": NPX}}}}}, [("x", STARTS)]),
    "one server": ("a.json", NPX, [("a", STARTS)]),
    "no config": ("package.json", {"repository": {"type": "git", "url": URL}, "author": {"name": "a", "url": URL}, "plugins": [{"name": "a"}]}, []),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_file_that_is_named_is_read_in_every_shape(name, tmp_path) -> None:
    path, text, expected = NAMED[name]
    reading = read(tmp_path, {path: text}, path)
    assert (launched(reading), reading.not_assessed) == (expected, ())
    assert [item.servers for item in reading.inputs] == ([len(expected)] if expected else [])


def test_approvals_in_a_file_that_is_named(tmp_path) -> None:
    reading = read(tmp_path, {"a.json": {"enableAllProjectMcpServers": True, "chat.tools.autoApprove": True}}, "a.json")
    assert {setting.name for setting in reading.context.settings} == {"enableAllProjectMcpServers", "chat.tools.autoApprove"}


def test_what_a_file_says_of_its_author_is_no_server(tmp_path) -> None:
    about = {"author": {"name": "a", "url": URL}, "repository": {"type": "git", "url": URL}}
    assert launched(read(tmp_path / "a", {".mcp.json": {"mcpServers": {"x": NPX}, **about}})) == [("x", STARTS)]
    assert launched(read(tmp_path / "b", {".mcp.json": {"author": {"url": URL}, "repository": {"command": "npx", "url": URL}}})) == [
        ("author", URL),
        ("repository", "npx"),
    ], "servers of such names without a map around them"


def test_a_bundles_launch_elsewhere_is_judged_once_and_its_answers_are_read(tmp_path) -> None:
    manifest = {
        "server": {"mcp_config": {**NPX, "platform_overrides": {"win32": {"command": "npx.cmd"}}}},
        "user_config": {"key": {"type": "string", "default": "a"}},
    }
    reading = read(tmp_path, {"manifest.json": manifest, "fastmcp.json": {"source": {}, "deployment": {"env": {"A": "b"}}}})
    assert [("platform_overrides" in entry.value, entry.launch.words[0].text) for entry in reading.context.entries] == [
        (False, "npx"),
        (False, "npx.cmd"),
    ]
    assert [(setting.name, setting.value) for setting in reading.context.settings] == [
        ("deployment.env", {"A": "b"}),
        ("user_config.key.default", "a"),
    ]


OFF = [(".roo/mcp.json", "disabled", True, True), (".mcp.json", "disabled", True, False), (".cursor/mcp.json", "disabled", True, False), (".vscode/mcp.json", "disabled", True, False),
       (".roo/mcp.json", "enabled", False, False), ("opencode.json", "enabled", False, True), (".roo/mcp.json", "disabled", "true", False)]  # fmt: skip


@pytest.mark.parametrize(("path", "key", "value", "disabled"), OFF)
def test_only_keys_that_every_reader_honours_switch_an_entry_off(path, key, value, disabled, tmp_path) -> None:
    entry = {"command": ["npx"] if path.startswith("open") else "npx", key: value}
    reading = read(tmp_path, {path: {"mcp" if path.startswith("open") else "mcpServers": {"x": entry}}})
    assert [entry.disabled for entry in reading.context.entries] == [disabled]


def test_samples_are_samples_unless_a_client_reads_every_file_of_the_folder(tmp_path) -> None:
    reading = read(
        tmp_path,
        {
            "claude_desktop_config.example.json": {"mcpServers": {"x": NPX}},
            ".continue/mcpServers/a.example.yaml": "mcpServers: [{name: y, command: npx}]",
        },
    )
    assert {entry.name: entry.sample for entry in reading.context.entries} == {"x": True, "y": False}


def test_settings_and_the_commands_in_them(tmp_path) -> None:
    settings = {
        "enableAllProjectMcpServers": True,
        "permissions": {"allow": ["mcp__x"], "defaultMode": "plan"},
        "apiKeyHelper": "curl x | sh",
        "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "npx p"}]}]},
        "statusLine": {"type": "command", "command": "./line.sh"},
    }
    reading = read(tmp_path, {".claude/settings.json": settings, "a.code-workspace": {"settings": {"chat.tools.autoApprove": True}}})
    names = {setting.name: setting.value for setting in reading.context.settings}
    assert names["enableAllProjectMcpServers"] is True
    assert names["permissions.allow"] == ["mcp__x"]
    assert names["chat.tools.autoApprove"] is True
    commands = [entry for entry in reading.context.entries if entry.kind == "command"]
    assert sorted(entry.launch.program for entry in commands) == ["line.sh", "npx", "sh"]
    texts = {entry.launch.program: entry.document.text[slice(*entry.document.span(entry.place(entry.launch.words[-1].at)))] for entry in commands}
    assert texts == {"sh": '"curl x | sh"', "npx": '"npx p"', "line.sh": '"./line.sh"'}


def test_helpers_and_expansions_are_launches(tmp_path) -> None:
    reading = read(
        tmp_path,
        {
            ".mcp.json": {"mcpServers": {"x": {"url": URL, "headersHelper": "npx p"}}},
            "crush.json": {"mcp": {"y": {"url": URL, "headers": {"A": "$(npx q)"}}}},
        },
    )
    found = {entry.name: [(launch.program, launch.package.name) for launch in entry.launches[1:]] for entry in reading.context.entries}
    assert found == {"x": [("npx", "p")], "y": [("npx", "q")]}


def test_clients_can_be_chosen(tmp_path) -> None:
    for path in (".mcp.json", ".cursor/mcp.json", ".roo/mcp.json"):
        read(tmp_path, {path: {"mcpServers": {"x": NPX}}})
    reading = gate.read(WorkingTree(str(tmp_path)), (str(tmp_path),), frozenset(("cursor", "copilot-cli")), Policy())
    assert [item.path for item in reading.inputs] == [".cursor/mcp.json", ".mcp.json"]


TRANSPORTS = [({"type": "streamable-http", "url": URL}, "http"), ({"type": "local", "command": "x"}, "stdio"), ({"url": "wss://x.example"}, "ws"), ({"transportType": "sse", "url": URL}, "sse"),
              ({"url": URL}, "http"), ({"command": "x"}, "stdio"), ({"type": "nonsense", "url": URL}, "http"), ({"transport": {"type": "websocket", "url": URL}}, "ws")]  # fmt: skip


@pytest.mark.parametrize(("entry", "transport"), TRANSPORTS)
def test_transports(entry, transport, tmp_path) -> None:
    reading = read(tmp_path, {".mcp.json": {"mcpServers": {"x": entry}}})
    assert [entry.launch.transport for entry in reading.context.entries] == [transport]


def test_environment_and_headers_in_every_spelling(tmp_path) -> None:
    entries = {
        "a": {"command": "x", "env": {"A": "1", "B": 2, "C": True, "D": None}},
        "b": {"command": "x", "environment": ["A=1", "B"]},
        "c": {"url": URL, "headers": [{"name": "X", "value": "1"}, {"name": "Y"}]},
        "d": {"url": URL, "requestOptions": {"headers": {"X": "1"}}},
    }
    reading = read(tmp_path, {".mcp.json": {"mcpServers": entries}})
    found = {entry.name: [(v.name, v.value) for v in (*entry.launch.env, *entry.launch.headers)] for entry in reading.context.entries}
    assert found == {
        "a": [("A", "1"), ("B", "2"), ("C", "true"), ("D", None)],
        "b": [("A", "1"), ("B", None)],
        "c": [("X", "1"), ("Y", None)],
        "d": [("X", "1")],
    }
    assert reading.not_assessed == ()


STRAYS = {
    "another case": (".mcp.json", {"MCPSERVERS": {"x": NPX}}),
    "an unknown key": (".cursor/mcp.json", {"mcpServers": {}, "serverList": {"x": NPX}}),
    "an unknown key, deeper": (".mcp.json", {"tools": {"mcpServers": {"x": NPX}}}),
    "an unknown list": (".vscode/mcp.json", {"extra": [{"url": URL}]}),
    "inherited members": (".mcp.json", '{"__proto__": {"mcpServers": {"x": {"command": "npx"}}}}'),
    "inherited members, escaped": (".mcp.json", '{"mcpServers": {"x": {"command": "true", "__pr\\u006fto__": {"args": ["x"]}}}}'),
    "a Go client's key": ("crush.json", {"Mcp": {"x": NPX}}),
    "a Go client's field": ("crush.json", {"mcp": {"x": {"command": "true", "Command": "bash"}}}),
    "a front matter with a language": (".github/agents/x.md", "---yaml\nmcp-servers:\n  x: {command: npx}\n---\n"),
    "a front matter that is a program": (".claude/agents/x.md", "--- js \n({name: 'a', [`mcp${''}Servers`]: {}})\n---\n"),
    "an unclosed front matter": (".github/agents/x.md", "---\nmcp-servers:\n  x: {command: npx}\n"),
    "odd YAML with servers": (".claude/agents/x.md", "---\ndescription: use: a: b\nmcpServers: {x: {command: npx}}\n---\n"),
    "odd YAML with an escaped key": (".claude/agents/x.md", '---\ndescription: use: a: b\n"mcp\\x53ervers": {x: {command: npx}}\n---\n'),
    "odd YAML with a tagged key": (".github/agents/x.md", "---\ndescription: use: a: b\n!!str mcp-servers : {x: {command: npx}}\n---\n"),
    "odd YAML in braces": (".github/agents/x.md", "---\n{name: x, 'mcp-servers': {x: {command: npx}}\n---\n"),
    "a comment that ends early": (".vscode/mcp.json", '{"servers": {} // \u2028, "x": 1\n}'),
    "a YAML break": (".continue/mcpServers/x.yaml", "mcpServers: [] # \u2028- name: x\n"),
}


@pytest.mark.parametrize("name", STRAYS)
def test_what_a_client_might_read_and_we_do_not_is_not_assessed(name, tmp_path) -> None:
    path, text = STRAYS[name]
    reading = read(tmp_path, {path: text})
    assert [item.path for item in reading.not_assessed] == [path]


FOUND_ALL_THE_SAME = {
    "flat, named like a container": (".mcp.json", {"mcp": NPX, "plugins": {"url": URL}}, ["mcp", "plugins"]),
    "dotted settings": (".vscode/settings.json", {"mcp.servers.x": NPX, "mcp": {"servers.y": NPX}}, ["servers.y", "mcp.servers.x"]),
    "one bare YAML server": (".continue/mcpServers/x.yaml", "command: npx\n", ["x"]),
    "front matter behind blanks": (".github/agents/x.md", "\n \n---\u00a0\nmcp-servers: {x: {command: npx}}\n---\n", ["x"]),
    "mcp add in a condition": (".crushrc", "if true; then\n  X=1 mcp add x --command npx\nfi\n", ["x"]),
    "a parking place": (".mcp.json", {"mcpServers": {"x": NPX}, "_off": {"y": NPX}, "inputs": [{"id": "a", "command": "b"}]}, ["x"]),
}


@pytest.mark.parametrize("name", FOUND_ALL_THE_SAME)
def test_servers_in_odd_places_are_found(name, tmp_path) -> None:
    path, text, names = FOUND_ALL_THE_SAME[name]
    reading = read(tmp_path, {path: text})
    assert sorted(name for name, _ in launched(reading)) == sorted(names)
    assert reading.not_assessed == ()


def test_what_a_plugin_points_to_is_read_as_it_says(tmp_path) -> None:
    files = {
        ".claude-plugin/plugin.json": {"mcpServers": ["./server.json", "${CLAUDE_PLUGIN_ROOT}/deep/list", "./.vscode/settings.json"]},
        "server.json": {"mcpServers": {"a": NPX}},
        "deep/list": {"b": NPX},
        ".vscode/settings.json": {"c": NPX},
        "market/.claude-plugin/marketplace.json": {"plugins": [{"name": "p", "source": "./p", "mcpServers": "./servers.json"}]},
        "market/p/servers.json": {"d": NPX},
    }
    reading = read(tmp_path, files)
    assert sorted(name for name, _ in launched(reading)) == ["a", "b", "c", "d"]
    assert reading.not_assessed == ()


def test_a_switch_counts_only_where_one_file_decides(tmp_path) -> None:
    reading = read(
        tmp_path,
        {
            "opencode.json": {"mcp": {"x": {"command": ["npx"], "enabled": False}, "y": {"command": ["npx"], "enabled": False}}},
            "opencode.jsonc": {"mcp": {"x": {"enabled": True}}},
        },
    )
    assert {(entry.name, bool(entry.launch.words)): entry.disabled for entry in reading.context.entries} == {
        ("x", True): False,
        ("x", False): False,
        ("y", True): True,
    }
