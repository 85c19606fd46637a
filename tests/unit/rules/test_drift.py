"""Rules of drift: each class of change has one; their examples are a reviewed record and the one of now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from locks import LOCK, complete

from mcp_audit_gate.lock import lockfile
from mcp_audit_gate.lock.drift import paired_changes
from mcp_audit_gate.lock.judge import Known
from mcp_audit_gate.model import Change, Location, Pin
from mcp_audit_gate.rules import drift
from mcp_audit_gate.rules.surfaces import examples

KINDS = [
    "server-added",
    "server-removed",
    "launch-changed",
    "repo-script-changed",
    "version-changed",
    "tool-added",
    "tool-removed",
    "description-changed",
    "instruction-introduced",
    "schema-widened",
    "schema-narrowed",
    "output-schema-changed",
    "annotation-flipped",
    "capability-gained",
    "instructions-changed",
    "prompt-changed",
    "resource-changed",
    "protocol-changed",
    "server-identity-changed",
]


def pins(folder: Path, text: str) -> tuple[Pin, ...]:
    return lockfile.read(LOCK, complete(folder, json.loads(text))).pins


def test_every_class_of_the_contract_has_a_rule() -> None:
    assert sorted(rule.info.id for rule in drift.RULES) == sorted(KINDS)


@pytest.mark.parametrize("rule", drift.RULES, ids=lambda rule: rule.info.id)
def test_examples_of_a_rule(rule, tmp_path: Path) -> None:
    bad, good = (pins(tmp_path, text) for _, text in examples(rule.info))
    kinds = {item.change.kind for item in paired_changes(good, bad, Known(bad))}
    assert kinds - ({"tool-added"} if rule.info.id == "capability-gained" else set()) == {rule.info.id}
    assert paired_changes(good, good, Known(good)) == ()


def test_hits_name_the_server_and_escape_it() -> None:
    place = Location(LOCK, 3)
    change = Change("tool-added", 'a"\x1b', "tool:x", None, ("tools", 0), None, {"name": "x"}, 'tool "x" is new')
    gone = change._replace(kind="tool-removed", old=change.new, new=None, before="b", after=None)
    (rule, hit), (_, other) = drift.hits([change, gone], lambda _: (place, ()))
    assert rule.info.id == "tool-added"
    assert (hit.place, hit.server, hit.subject, hit.value) == (place, 'a"\x1b', "tool:x", '{"name":"x"}')
    assert hit.message == 'Server "a"\\x1b": tool "x" is new.'
    assert other.value == '"b"'


def test_a_value_that_has_no_canonical_form_does_not_stop_the_run() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    change = Change("description-changed", "a", "tool:x", (), (), None, deep, "x")  # type: ignore[arg-type]
    assert [hit.value for _, hit in drift.hits([change], lambda _: (Location(LOCK), ()))] == [""]
