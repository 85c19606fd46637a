"""policy.show: what is printed is a policy by itself, and says the same."""

from __future__ import annotations

import pytest

from mcp_audit_gate.policy import load, show

from .conftest import TODAY, Files
from .test_form import CONTRACT
from .test_load import BASE, TOP

POLICIES = {
    "the contract's example": {"mcp-audit.yaml": CONTRACT},
    "two layers": {"mcp-audit.yaml": TOP, "base.yaml": BASE},
    "odd names": {
        "mcp-audit.yaml": 'version: 1\nservers: {"on": {max-risk: 1}, "a: b\\n": {rules: {plain-http: off}}, empty: {}}\nrules: {legacy-sse: false}\n'
    },
    "nothing": {"mcp-audit.yaml": "version: 1\nallow: {servers: []}\n"},
}


def comparable(policy):
    waivers = tuple(waiver._replace(place=None) for waiver in policy.waivers)
    servers = {name: terms for name, terms in policy.servers.items() if terms != (None, {})}
    return policy._replace(layers=(), waivers=waivers, servers=servers)


@pytest.mark.parametrize("files", POLICIES.values(), ids=POLICIES)
def test_what_is_shown_is_the_same_policy_without_extends(files):
    policy = load.load(Files(files), "mcp-audit.yaml", TODAY)
    text = show.show(policy)
    assert "extends" not in text
    assert comparable(load.load(Files({"mcp-audit.yaml": text}), "mcp-audit.yaml", TODAY)) == comparable(policy)
    assert show.show(policy) == text


def test_each_part_says_where_it_comes_from():
    text = show.show(load.load(Files({"mcp-audit.yaml": TOP, "base.yaml": BASE}), "mcp-audit.yaml", TODAY))
    assert (
        text
        == """# The policy in force: preset:default > base.yaml > mcp-audit.yaml
version: 1  # mcp-audit.yaml
fail-on: low  # base.yaml
max-risk: 5  # base.yaml
require:
  lock: true  # base.yaml
  exact-versions: true  # mcp-audit.yaml
deny:
  capabilities:
    - network  # base.yaml
    - destructive  # mcp-audit.yaml
  hosts:
    - a.example  # base.yaml
  transports:
    - sse  # mcp-audit.yaml
allow:
  servers:
    - b  # mcp-audit.yaml
  hosts:
    - a.example  # base.yaml
  packages: []
rules:
  plain-http: "off"  # mcp-audit.yaml
  legacy-sse: low  # base.yaml
servers:
  Docs:
    max-risk: 3  # base.yaml
    rules:
      plain-http: critical  # mcp-audit.yaml
      legacy-sse: info  # base.yaml
  other:
    max-risk: 1  # base.yaml
exclude:
  - "a/**"  # base.yaml
  - "b/**"  # mcp-audit.yaml
waivers:
  - rule: plain-http  # base.yaml:11
    path: ./a.json
    reason: r
    expires: 2027-01-31
  - rule: legacy-sse  # mcp-audit.yaml:10
    server: x
    subject: ""
    owner: o
    reason: s
    expires: 2027-02-28
"""
    )


def test_one_line_about_a_policy():
    policy = load.load(Files({"mcp-audit.yaml": TOP, "base.yaml": BASE}), "mcp-audit.yaml", TODAY)
    assert show.describe(policy) == "mcp-audit.yaml: valid; fails on low, on top of preset:default > base.yaml; 2 waivers"
    assert show.describe(load.built_in()) == "preset:default: valid; fails on high; 0 waivers"
