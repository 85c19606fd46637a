"""What servers write is shown without the values handed to them, and with the act that helps."""

from __future__ import annotations

import pytest

from mcp_audit_gate.live.explain import advice, cleaner, telling
from mcp_audit_gate.live.observation import Options, Target

SECRET = "".join(("hunter", "-", "2-hunter"))


def clean(text: str, **more: object) -> str:
    target = Target("x", "stdio", "x", env={"KEY": SECRET, "LEVEL": "info"}, headers={"Authorization": f"Bearer {SECRET}z"}, secrets=("abcd",))
    return cleaner(target._replace(**more), Options({"HANDED": "given-by-option", "OTHER": "not-handed-over"}, pass_env=("HANDED",)))(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {SECRET}!", "key <KEY>!"),
        (f"{SECRET}z", "<Authorization>"),
        (f"Bearer {SECRET}z", "<Authorization>"),
        ("level info", "level info"),
        ("xabcdx", "x<secret>x"),
        ("given-by-option not-handed-over", "<HANDED> not-handed-over"),
        ("a\nb\t\x1b[2J\u202ec", "a b \\x1b[2J\\u202ec"),
        ("A" * 5000, "A" * 199 + "…"),
        ("", ""),
    ],
)
def test_cleaned(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_credential_of_another_is_masked_too() -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
    assert clean(f"got {token}") == "got <secret>"


@pytest.mark.parametrize(
    ("said", "act"),
    [
        ("invalid peer certificate: UnknownIssuer", "--pass-env SSL_CERT_FILE"),
        ("npm error network getaddrinfo ENOTFOUND registry", "registry"),
        ("npm error 404 Not Found - GET", "name and version"),
        ("Error: Cannot find module 'x'", "install it again"),
        ("BRAVE_API_KEY environment variable is required", "env"),
        ("hello", ""),
    ],
)
def test_the_act_that_helps(said: str, act: str) -> None:
    assert act in advice(said)
    assert bool(act) == bool(advice(said))


NODE = """node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module '/x/server.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
    at node:internal/main/run_main_module:23:47 {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v20.18.0
"""
NPM = "npm error code E404\nnpm error 404 Not Found - GET https://registry\nnpm error A complete log of this run can be found in: /x.log\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (NODE, "Error: Cannot find module '/x/server.js'"),
        (NPM, "npm error 404 Not Found - GET https://registry"),
        ("Traceback (most recent call last):\n  File x\nKeyError: 'API_KEY'\n", "KeyError: 'API_KEY'"),
        ("one\n\n  \n", "one"),
        ("}\n", "}"),
        ("", ""),
    ],
    ids=["node", "npm", "python", "blank lines", "nothing told", "nothing"],
)
def test_the_line_that_says_something(words: str, line: str) -> None:
    assert telling(words) == line


def test_advice_looks_at_the_lines_before_the_last() -> None:
    assert "install it again" in advice(NODE)
    assert "name and version" in advice(NPM)
    assert advice("token missing\n" + "fine\n" * 20) == ""


def test_targets_and_options_do_not_show_what_they_hold() -> None:
    target = Target("x", "stdio", "run", (SECRET,), {"KEY": SECRET}, f"http://{SECRET}", {"X": SECRET}, secrets=(SECRET,))
    assert SECRET not in f"{target!r} {target} {Options({'KEY': SECRET})!r}"
