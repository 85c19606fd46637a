"""References of a config filled in from an environment, by the syntax of its client."""

from __future__ import annotations

import time

import pytest

from mcp_audit_gate.live.references import References

ENVIRON = {"TOKEN": "s3cr3t-value", "EMPTY": "", "HOME": "/home/me", "BRACES": "${TOKEN}"}


def references(client: str = "claude-code") -> References:
    return References(client, ENVIRON, "/repo", "sub/.mcp.json")


@pytest.mark.parametrize(
    ("client", "text", "filled"),
    [
        ("claude-code", "Bearer ${TOKEN}", "Bearer s3cr3t-value"),
        ("cursor", "${env:TOKEN}/${env:HOME}", "s3cr3t-value//home/me"),
        ("claude-code", "${NONE:-plain}", "plain"),
        ("claude-code", "${NONE-}", ""),
        ("claude-code", "${EMPTY:-plain}", "plain"),
        ("claude-code", "${EMPTY-plain}", ""),
        ("claude-code", "${EMPTY}", ""),
        ("continue", "${{ secrets.TOKEN }}", "s3cr3t-value"),
        ("claude-code", "$TOKEN %TOKEN% {env:TOKEN} $(id)", "$TOKEN %TOKEN% {env:TOKEN} $(id)"),
        ("gemini-cli", "x$TOKEN $HOME", "x$TOKEN /home/me"),
        ("opencode", "{env:TOKEN}", "s3cr3t-value"),
        ("vscode", "${workspaceFolder}${/}x", "/repo/x"),
        ("cursor", "${userHome}", "/home/me"),
        ("claude-plugin", "${CLAUDE_PLUGIN_ROOT}/run", "/repo/sub/run"),
        ("claude-code", "${CLAUDE_PROJECT_DIR:-.}", "/repo"),
        ("claude-code", "${BRACES}", "${TOKEN}"),
        ("claude-code", "no reference", "no reference"),
    ],
)
def test_filled_in(client: str, text: str, filled: str) -> None:
    found = references(client)
    assert found.fill(text) == filled
    assert found.problem() is None


@pytest.mark.parametrize(
    ("client", "text", "problem"),
    [
        ("claude-code", "${NONE}", "NONE is not set in the environment"),
        ("claude-code", "${NONE} ${env:OTHER}", "NONE, OTHER are not set in the environment"),
        ("vscode", "${input:key}", "only its client can fill in ${input:key}"),
        ("mcpb", "${user_config.dir}", "only its client can fill in ${user_config.dir}"),
        ("opencode", "{file:~/key}", "only its client can fill in {file:~/key}"),
        ("crush", "$(op read x)", "only its client can fill in $(op read x)"),
        ("claude-code", "${\x1b[2J}", "only its client can fill in ${\\x1b[2J}"),
    ],
)
def test_not_filled_in(client: str, text: str, problem: str) -> None:
    found = references(client)
    assert found.fill(text) == text
    said = found.problem()
    assert said is not None
    assert said[0] == problem


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("${input:key}", "MCP_AUDIT_INPUT_KEY"),
        ("${input:github-token.2}", "MCP_AUDIT_INPUT_GITHUB_TOKEN_2"),
        ("${user_config.dir}", "MCP_AUDIT_INPUT_DIR"),
        ("${input:\x1b]0;ü}", "MCP_AUDIT_INPUT___0__"),
    ],
)
def test_what_a_client_asks_for_is_taken_from_a_variable_of_its_own(text: str, variable: str) -> None:
    without = references("vscode")
    assert without.fill(text) == text
    assert without.problem()[1] == f"set {variable} for this run, or write an environment variable instead, ${{NAME}}"
    found = References("vscode", {variable: "an answer"}, "/repo", ".vscode/mcp.json")
    assert found.fill(f"x {text}") == "x an answer"
    assert (found.problem(), found.secrets) == (None, {"an answer"})


def test_what_only_a_client_knows_has_no_variable() -> None:
    found = References("vscode", {"MCP_AUDIT_INPUT_": "x", "": "x"}, "/repo", ".vscode/mcp.json")
    assert found.fill("${command:pick} ${input:}") == "${command:pick} ${input:}"
    assert found.problem()[1] == "write an environment variable instead, ${NAME}"


def test_values_of_variables_are_secrets_and_common_ones_are_not() -> None:
    found = references()
    found.fill("${TOKEN} ${HOME} ${workspaceFolder} ${NONE:-default}")
    assert found.secrets == {"s3cr3t-value"}


@pytest.mark.parametrize(
    "text", ["${" * 50_000, "${A:-" * 20_000, "$(" * 50_000, "${{ secrets." * 9_000, "{env:" * 20_000, "$" * 100_000, "${{" + " " * 100_000]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    began = time.perf_counter()
    references("crush").fill(text)
    assert time.perf_counter() - began < 0.5
