"""What makes a policy weaker: by meaning, each kind once, and never by spelling, order or tightening."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_audit_gate import gate
from mcp_audit_gate.policy import load, weakened

from .conftest import TODAY

INFOS = tuple(rule.info for rule in gate.RULES)
RANKS = ("off", "info", "low", "medium", "high", "critical")


class Files:
    """One policy as the only file of a tree."""

    def __init__(self, text):
        self._data = text.encode()

    def read(self, path, limit=0):
        return self._data

    def names(self, folder):
        return () if folder else ("mcp-audit.yaml",)


def policy(text):
    return load.load(Files("version: 1\n" + text), "mcp-audit.yaml", TODAY)


def told(before, after):
    return [item.message for item in weakened.relaxations(policy(before), policy(after), INFOS)]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("fail-on: medium\n", "fail-on: high\n", "fail-on is high, and was medium"),
        ("fail-on: info\n", "", "fail-on is high, and was info"),
        ("", "fail-on: never\n", "fail-on is never, and was high"),
        ("max-risk: 5\n", "max-risk: 7.5\n", "max-risk is 7.5, and was 5"),
        ("max-risk: 5\n", "", "max-risk is not set, and was 5"),
        ("require: {lock: true}\n", "", "lock is no longer required"),
        ("require: {exact-versions: true}\n", "require: {exact-versions: false}\n", "exact-versions is no longer required"),
        ("deny: {transports: [sse]}\n", "", '"sse" is no longer denied (transports)'),
        ("deny: {hosts: ['*.ngrok.app']}\n", "deny: {hosts: [a.ngrok.app]}\n", '"*.ngrok.app" is no longer denied (hosts)'),
        ("deny: {capabilities: [network, file_write]}\n", "deny: {capabilities: [network]}\n", '"file_write" is no longer denied (capabilities)'),
        ("allow: {packages: ['npm:@a/*']}\n", "allow: {packages: ['npm:@a/*', 'npm:b']}\n", '"npm:b" is allowed (packages), and was not'),
        ("allow: {packages: ['npm:@a/b']}\n", "allow: {packages: ['npm:@a/*']}\n", '"npm:@a/*" is allowed (packages), and was not'),
        ("allow: {hosts: []}\n", "", "allow no longer limits hosts"),
        ("allow: {servers: [a]}\n", "allow: {servers: [a, b]}\n", '"b" is allowed (servers), and was not'),
        ("", "allow: {registries: [npm.example.com]}\n", '"npm.example.com" is allowed (registries), and was not'),
        ("rules: {plain-http: critical}\n", "", "plain-http is high, and was critical"),
        ("", "rules: {plain-http: off}\n", "plain-http is off, and was high"),
        ("", "rules: {policy-relaxed: info}\n", "policy-relaxed is info, and was medium"),
        ("", "servers: {a: {rules: {plain-http: low}}}\n", 'plain-http is low for server "a", and was high'),
        ("servers: {A: {rules: {plain-http: critical}}}\n", "", 'plain-http is high for server "a", and was critical'),
        ("max-risk: 5\n", "max-risk: 5\nservers: {a: {max-risk: 9}}\n", 'max-risk of server "a" is 9, and was 5'),
        ("servers: {a: {max-risk: 2}}\n", "", 'max-risk of server "a" is not set, and was 2'),
        ("", "exclude: [tests]\n", '"tests" is excluded, and was not'),
        ("exclude: [tests/a]\n", "exclude: [tests]\n", '"tests" is excluded, and was not'),
        ("", "extends: advisory\n", "fail-on is critical, and was high"),
    ],
)
def test_each_kind_is_told_once_and_the_way_back_is_none(before, after, message):
    assert told(before, after) == [message]
    assert told(after, before) == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("allow: {packages: ['npm:a']}\n", "allow: {packages: ['npm:a'], servers: ['*']}\n", '"*" is allowed (servers), and was not'),
        ("exclude: ['tests/*/x']\n", "exclude: ['tests/**/x']\n", '"tests/**/x" is excluded, and was not'),
        ("exclude: [tests]\n", "exclude: [tests2/x]\n", '"tests2/x" is excluded, and was not'),
    ],
)
def test_what_cannot_be_compared_is_told_both_ways(before, after, message):
    assert told(before, after) == [message]
    assert len(told(after, before)) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("deny: {hosts: [a.ngrok.app]}\n", "deny: {hosts: ['*.ngrok.app']}\n"),
        ("deny: {hosts: [EVIL.example.com]}\n", "deny: {hosts: [evil.example.com]}\n"),
        ("allow: {packages: ['pypi:A_b']}\n", "allow: {packages: ['pypi:a-b']}\n"),
        ("allow: {packages: ['npm:@a/*']}\n", "allow: {packages: ['npm:@a/b']}\n"),
        ("allow: {registries: [npm.example.com]}\n", "allow: {registries: ['https://npm.example.com/x']}\n"),
        ("exclude: [tests]\n", "exclude: ['tests/**', tests/fixtures]\n"),
        ("exclude: ['**']\n", "exclude: [anything]\n"),
        ("rules: {plain-http: high}\n", ""),
        ("fail-on: high\n", "# nothing new\nfail-on: high\n"),
        ("require: {exact-versions: true}\n", "require: {exact-versions: true}\nrules: {unpinned-package: high}\n"),
        ("", "extends: strict\n"),
        ("", "fail-on: medium\nrules: {policy-relaxed: low, waiver-untrusted: info}\n"),
    ],
)
def test_what_is_no_relaxation(before, after):
    assert told(before, after) == []


def test_a_stricter_threshold_excuses_no_rule_that_is_off_or_blocked_before():
    assert told("", "fail-on: medium\nrules: {policy-relaxed: off}\n") == ["policy-relaxed is off, and was medium"]
    assert told("fail-on: medium\n", "fail-on: low\nrules: {policy-relaxed: info}\n") == ["policy-relaxed is info, and was medium"]
    assert told("", "fail-on: medium\nrules: {plain-http: low}\n") == ["plain-http is low, and was high"]


LEVELS = st.dictionaries(st.sampled_from(("plain-http", "shell-wrapper", "unpinned-package", "broad-path")), st.sampled_from(RANKS), max_size=3)
GLOBS = st.lists(st.sampled_from(("tests", "tests/**", "docs/*", "a/b", "**/x")), max_size=3)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "fail-on": st.sampled_from((*RANKS[1:], "never")),
        "max-risk": st.integers(0, 10),
        "require": st.fixed_dictionaries({}, optional={"lock": st.booleans(), "exact-versions": st.booleans()}),
        "rules": LEVELS,
        "exclude": GLOBS,
        "deny": st.fixed_dictionaries({}, optional={"transports": st.lists(st.sampled_from(("stdio", "http", "sse")), max_size=2)}),
        "allow": st.fixed_dictionaries({}, optional={"servers": st.lists(st.sampled_from(("a", "a*", "*")), max_size=2)}),
        "servers": st.dictionaries(
            st.sampled_from("ab"), st.fixed_dictionaries({}, optional={"max-risk": st.integers(0, 10), "rules": LEVELS}), max_size=2
        ),
    },
)


@settings(max_examples=60, deadline=None)
@given(PARTS, PARTS, PARTS)
def test_being_weaker_is_an_order(one, two, three):
    import json

    first, second, third = (policy("".join(f"{key}: {json.dumps(value)}\n" for key, value in parts.items())) for parts in (one, two, three))

    def weaker(before, after):
        return bool(tuple(weakened.relaxations(before, after, INFOS)))

    assert not weaker(first, first)
    if not weaker(first, second) and not weaker(second, third):
        assert not weaker(first, third), "stricter than what is stricter is stricter"
