from __future__ import annotations

import json
import time

import pytest
from fakes import base64_url, token

from mcp_audit_gate.model import Context
from mcp_audit_gate.rules import secrets
from mcp_audit_gate.rules.surfaces import examples
from mcp_audit_gate.sources.clients import ROWS
from mcp_audit_gate.sources.entries import extract
from mcp_audit_gate.sources.parse import parse, whole

GITHUB, RANDOM, SHORT = token("github"), token("random32"), token("random22")


def context(value, path=".mcp.json", client="claude-code"):
    """What the sources make of one config."""
    row = next(row for row in ROWS if row.client == client and (path.endswith(".md") or any(path.endswith(pattern) for pattern in row.paths)))
    text = value if isinstance(value, str) else json.dumps(value)
    documents = parse(path, text.encode(), row.syntax)
    found = extract(documents, row)
    return Context(found.entries, found.settings, found.problems, documents=(whole(documents),) if documents else ())


def hits(value, **more):
    """(rule, hit), in the order of the rules."""
    made = context(value, **more)
    return [(rule.info.id, hit) for rule in secrets.RULES for hit in rule.check(made)]


def server(**fields):
    return {"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], **fields}}}


def test_a_hit_names_place_kind_and_length_and_never_the_value():
    ((rule, hit),) = hits(server(env={"LOG": "info", "DOCS": GITHUB}))
    assert (rule, hit.message) == ("literal-secret", '"env.DOCS" of server "docs" holds a literal GitHub token (40 characters).')
    assert (hit.place.pointer, hit.subject, hit.server) == (("mcpServers", "docs", "env", "DOCS"), "/env/DOCS", "docs")
    assert (hit.value, hit.secret) == (GITHUB, True)
    assert GITHUB[4:] not in hit.message + hit.fix


@pytest.mark.parametrize(
    ("fields", "rule", "at"),
    [
        ({"args": ["--token", GITHUB]}, "literal-secret", "/args/1"),
        ({"args": [f"--token={RANDOM}"]}, "probable-secret", "/args/0"),
        ({"args": ["--token", RANDOM]}, "probable-secret", "/args/1"),
        ({"env": {"API_KEY": RANDOM}}, "probable-secret", "/env/API_KEY"),
        ({"env": {"A/B~KEY_TOKEN": RANDOM}}, "probable-secret", "/env/A~1B~0KEY_TOKEN"),
        ({"cwd": f"/srv/{GITHUB}"}, "literal-secret", "/cwd"),
        ({"command": f"docs --token={GITHUB}"}, "literal-secret", "/command"),
        ({"url": f"https://deploy:{SHORT}@mcp.example.com"}, "credential-in-url", "/url"),
        ({"url": "https://mcp.example.com", "headers": {"Authorization": f"Bearer {RANDOM}"}}, "probable-secret", "/headers/Authorization"),
        ({"oauth": {"clientId": "docs", "clientSecret": RANDOM}}, "probable-secret", "/oauth/clientSecret"),
        ({"auth": [{"name": "X-API-Key", "value": RANDOM}]}, "probable-secret", "/auth/0/value"),
        ({"env": [f"API_KEY={RANDOM}"]}, "probable-secret", "/env/0"),
        ({"_comment": f"old: {GITHUB}"}, "literal-secret", "/_comment"),
    ],
)
def test_every_string_of_an_entry_is_looked_at(fields, rule, at):
    assert [(name, hit.subject) for name, hit in hits(server(**fields))] == [(rule, at)]


def test_one_string_gives_one_finding_of_the_narrowest_rule():
    ((rule, hit),) = hits(server(url=f"https://deploy:{SHORT}@mcp.example.com/?key={token('google')}"))
    assert rule == "literal-secret"
    assert hit.message.endswith("holds a literal Google API key (39 characters) and a literal password in a URL (22 characters).")
    assert set(hit.value.split("\0")) == {SHORT, token("google")}


def test_two_strings_with_one_secret_are_two_findings():
    assert [hit.subject for _, hit in hits(server(env={"A": GITHUB, "B": GITHUB}))] == ["/env/A", "/env/B"]


def test_disabled_entries_and_sample_files_are_judged():
    assert all(rule.also_disabled and rule.also_sample for rule in secrets.RULES)
    assert len(hits({"mcpServers": {"docs": {"command": "x", "disabled": True, "env": {"A": GITHUB}}}}, path=".roo/mcp.json", client="roo")) == 1


def test_each_value_of_a_repeated_key_is_judged():
    text = json.dumps(server(env={"A": GITHUB})).replace('"A": ', f'"A": "{token("npm")}", "A": ')
    assert {hit.value for _, hit in hits(text)} == {GITHUB, token("npm")}


def test_settings_are_judged_too():
    ((rule, hit),) = hits({"env": {"DOCS": GITHUB}}, path=".claude/settings.json", client="claude-settings")
    assert (rule, hit.message) == ("literal-secret", 'The setting "env.DOCS" holds a literal GitHub token (40 characters).')
    assert (hit.place.pointer, hit.subject, hit.server) == (("env", "DOCS"), "/env/DOCS", None)


@pytest.mark.parametrize(
    ("provider", "subjects"),
    [
        (f'env_key = "{RANDOM}"', ["/model_providers/acme/env_key"]),
        (f'experimental_bearer_token = "{RANDOM}"', ["/model_providers/acme/experimental_bearer_token"]),
        (f'http_headers = {{ X-API-Key = "{RANDOM}" }}', ["/model_providers/acme/http_headers/X-API-Key"]),
        ('env_key = "ACME_API_KEY"\nbase_url = "http://localhost:4000"', []),
        ('env_key = "acme_api_key_of_the_team"', []),
    ],
)
def test_the_keys_of_codexs_model_providers_are_judged(provider, subjects):
    told = hits(f"[model_providers.acme]\n{provider}\n", path=".codex/config.toml", client="codex")
    assert [(rule, hit.subject) for rule, hit in told] == [("probable-secret", at) for at in subjects]


def test_an_item_of_a_setting_is_named_by_its_number():
    value = {"permissions": {"allow": [f"Bash(DOCS={GITHUB} docs:*)"]}}
    ((_, hit),) = hits(value, path=".claude/settings.json", client="claude-settings")
    assert hit.message == 'The setting "permissions.allow[0]" holds a literal GitHub token (40 characters).'


def test_the_default_of_an_input_stands_under_its_id():
    value = {"inputs": [{"type": "promptString", "id": "docs-token", "default": RANDOM}], "servers": {}}
    assert [(rule, hit.subject) for rule, hit in hits(value, path=".vscode/mcp.json", client="vscode")] == [("probable-secret", "/inputs/0/default")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param('{"servers": {\n  // was @@\n  "docs": {"command": "docs"}}}', (2, 10), id="comment"),
        pytest.param('{"servers": {/* @@ */ "docs": {"command": "docs"}}}', (1, 17), id="comment between"),
        pytest.param('{"servers": {}, "inputs": [{"id": "a", "@@": 1}]}', (1, 41), id="key"),
    ],
)
def test_comments_and_keys_of_a_config_are_judged(text, place):
    ((rule, hit),) = hits(text.replace("@@", GITHUB), path=".vscode/mcp.json", client="vscode")
    assert (rule, hit.message) == ("literal-secret", "A comment or a key holds a literal GitHub token (40 characters).")
    assert (hit.place.start_line, hit.place.start_column, hit.place.end_column) == (*place, place[1] + 40)
    assert (hit.value, hit.secret) == (GITHUB, True)


def test_a_token_in_base64_in_a_comment_is_a_secret():
    inner = base64_url(json.dumps({"githubPersonalAccessToken": GITHUB}))
    text = f"mcp:\n  servers:\n    docs:\n      # wss://server.example/ws?config={inner}\n      command: docs\n"
    ((rule, hit),) = hits(text, path="mcp_agent.config.yaml", client="mcp-agent")
    assert (rule, hit.place.start_line, hit.value) == ("literal-secret", 4, inner)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"openai": {"api_key": RANDOM}}, [("probable-secret", "/openai/api_key")]),
        ({"models": [{"name": "a", "apiKey": RANDOM}]}, [("probable-secret", "/models/0/apiKey")]),
        ({"database": f"postgres://app:{SHORT}@db.example.com/app"}, [("credential-in-url", "/database")]),
        ({"_note": f"the old one, {GITHUB}"}, [("literal-secret", "/_note")]),
        ({"mcp": {"note": [GITHUB]}}, [("literal-secret", "/mcp/note/0")]),
        ({"openai": {"api_key": "${OPENAI_API_KEY}", "token_limit": "4096"}, "apiKey": "not-needed-with-local-models"}, []),
    ],
)
def test_what_stands_beside_the_servers_is_judged(value, found):
    made = {"mcp": {"servers": {"docs": {"command": "docs"}}, **value.pop("mcp", {})}, **value}
    told = hits(made, path="mcp_agent.config.yaml", client="mcp-agent")
    assert [(rule, hit.subject) for rule, hit in told] == found
    assert all(hit.message.startswith('The value "') and hit.server is None for _, hit in told)


def test_a_file_without_servers_is_searched_for_formats_alone():
    value = {"database.password": RANDOM, "remote": {"token": GITHUB}}
    ((rule, hit),) = hits(value, path=".vscode/settings.json", client="vscode-settings")
    assert (rule, hit.subject) == ("literal-secret", "/remote/token")


def test_the_prose_of_an_agent_file_is_not_searched():
    text = f"---\nname: docs\n# {GITHUB}\nmcpServers:\n  docs:\n    command: docs\n---\nA token looks like {GITHUB}.\n"
    assert [hit.place.start_line for _, hit in hits(text, path=".claude/agents/docs.md", client="claude-agent")] == [3]


def test_each_of_several_yaml_documents_is_told_once():
    one = f"mcp:\n  servers:\n    docs:\n      command: docs\n      env: {{A: {GITHUB}}}\n"
    assert [
        hit.place.document.locate(hit.place).start_line for _, hit in hits(f"{one}---\n{one}", path="mcp_agent.config.yaml", client="mcp-agent")
    ] == [5, 11]


def test_thousands_of_secrets_in_comments_take_no_longer_each():
    lines = "\n".join(f"// {GITHUB}" for _ in range(20_000))
    start = time.process_time()
    assert len(hits('{"servers": {\n' + lines + '\n"docs": {"command": "docs"}}}', path=".vscode/mcp.json", client="vscode")) == 20_000
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("path", "client", "form"),
    [
        (".mcp.json", "claude-code", "(${NAME})"),
        (".cursor/mcp.json", "cursor", "(${env:NAME})"),
        (".vscode/mcp.json", "vscode", "(${input:id})"),
        (".warp/.mcp.json", "warp", "to a variable"),
    ],
)
def test_the_fix_names_the_syntax_of_the_client(path, client, form):
    ((_, hit),) = hits(server(env={"A": GITHUB}), path=path, client=client)
    assert form in hit.fix
    assert "Revoke" in hit.fix
    ((_, hit),) = hits(server(url="https://deploy:hunter2@mcp.example.com"), path=path, client=client)
    assert "move it to a header" in hit.fix


def test_untrusted_names_are_shown_safely():
    ((_, hit),) = hits({"mcpServers": {"a\n::error::\x1b[31m": {"command": "x", "env": {"B\u202e": GITHUB}}}})
    assert hit.message == '"env.B\\u202e" of server "a\\n::error::\\x1b[31m" holds a literal GitHub token (40 characters).'
    (_, hit), (_, key) = hits({"mcpServers": {f"x {GITHUB}": {"command": "x", "env": {"A": GITHUB}}}})
    assert key.message == "A comment or a key holds a literal GitHub token (40 characters)."
    assert hit.message == '"env.A" of server "x <secret>" holds a literal GitHub token (40 characters).'


def test_a_run_is_walked_once_and_the_next_run_anew():
    first, second = context(server(env={"A": GITHUB})), context(server(env={"A": "info"}))
    counts = [[len(list(rule.check(made))) for rule in secrets.RULES] for made in (first, second, first)]
    assert counts == [[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize("info", [rule.info for rule in secrets.RULES], ids=lambda info: info.id)
def test_rule_pages(info):
    assert len(info.title) <= 80
    for (path, text), expected in zip(examples(info), ([info.id], []), strict=True):
        assert [rule for rule, _ in hits(text, path=path)] == expected
