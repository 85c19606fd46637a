from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest

import mcp_audit_gate
from mcp_audit_gate.report.json import encode

SCHEMA = json.loads((Path(mcp_audit_gate.__file__).parent / "schemas" / "report.schema.json").read_text("utf-8"))


def problems(text):
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(json.loads(text))]


def test_the_schema_is_one_and_strict():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    report = {"schema_version": 1, "surprise": 1}
    assert len(list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(report))) > 1


@pytest.mark.parametrize("kind", ["report", "hostile"])
def test_the_report_follows_the_schema(make, kind):
    assert problems(make.written("json", getattr(make, kind)())) == []


def test_a_missing_key_or_a_wrong_word_breaks_the_schema(make):
    value = json.loads(make.written("json"))
    value["findings"][0]["status"] = "open"
    value["findings"][1].pop("waiver")
    value["verdict"]["more"] = 1
    assert len(problems(json.dumps(value))) == 3


def test_inputs_servers_and_verdict(make):
    value = json.loads(make.written("json"))
    assert value["inputs"] == [
        {
            "path": ".mcp.json",
            "client": "claude-code",
            "shape": "/mcpServers",
            "sha256": hashlib.sha256(make.text.encode()).hexdigest(),
            "servers": 2,
            "status": "parsed",
            "reason": None,
        }
    ]
    assert value["servers"][0] == {
        "name": "alpha",
        "client": "claude-code",
        "path": ".mcp.json",
        "line": 3,
        "column": 5,
        "transport": "http",
        "launch": {"transport": "http", "url": "http://mcp.example.com/alpha"},
        "pinned": False,
        "capabilities": [{"subject": "", "capability": "network", "confidence": "declared", "evidence": "an address"}],
        "risk": {"score": 1.5, "parts": [{"capability": "network", "confidence": "declared", "points": 1.5}]},
        "evidence": ["launch"],
    }
    assert value["verdict"] == {
        "result": "failed",
        "exit_code": 1,
        "blocking": 2,
        "reported": 1,
        "waived": 1,
        "baseline": 1,
        "reasons": ["2 findings at or above high"],
    }


def test_a_file_that_was_not_read_has_no_digest(make):
    item = make.report().inputs[0]._replace(data=None, status="unreadable", reason="too large")
    assert json.loads(make.written("json", make.report(inputs=(item,))))["inputs"][0]["sha256"] is None


def test_names_and_paths_come_back_as_they_are(make):
    value = json.loads(make.written("json", make.hostile()))
    assert tuple(server["name"] for server in value["servers"]) == make.hostile_names()
    assert value["findings"][0]["location"]["path"] == make.hostile_names()[0] + "/.mcp.json"


def test_the_file_holds_nothing_invisible_and_no_workflow_command(make):
    text = make.written("json", make.hostile())
    assert [char for char in text if char != "\n" and not char.isprintable()] == []
    assert "##[" not in text


@pytest.mark.parametrize(
    "value",
    [
        {"a": [], "b": {}, "c": (), "d": [1, 2.5, True, None, "é"], "é\n": {"x": [{"y": [[]]}]}},
        [],
        "text",
        {"not": {"one": False}, "number": -1, "large": 10**20, "small": 1e-7},
    ],
)
def test_it_is_the_json_that_the_standard_library_writes(value):
    assert encode(value).decode() == json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def test_each_record_stands_on_one_line():
    value = {"findings": [{"a": 1, "b": [{"é": "\u202e"}]}, {"a": 2}], "servers": [], "x": [1]}
    assert (
        encode(value).decode()
        == '{\n  "findings": [\n    {"a": 1, "b": [{"é": "\\u202e"}]},\n    {"a": 2}\n  ],\n  "servers": [],\n  "x": [\n    1\n  ]\n}\n'
    )
    assert json.loads(encode(value)) == value


def test_an_unknown_type_is_an_error():
    with pytest.raises(TypeError):
        encode({"a": {1, 2}})
