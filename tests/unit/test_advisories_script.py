from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OSV = ROOT / "tests" / "data" / "osv"


def _load():
    spec = importlib.util.spec_from_file_location("advisories_script", ROOT / "scripts" / "advisories.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _load()


@pytest.fixture
def renewed(tmp_path):
    data = tmp_path / "advisories.json"
    shutil.copy(OSV / "before.json", data)
    arguments = [
        "--data",
        str(data),
        "--from",
        str(OSV / "npm"),
        "--from",
        str(OSV / "pypi" / "all.json"),
        "--collected",
        "2099-05-01",
        "--source",
        "a new source",
    ]
    assert script.main(arguments) == 0
    return json.loads(data.read_text("utf-8"))


def test_the_export_renews_adds_and_removes_records(renewed):
    assert [(record["ecosystem"], record["package"], record["id"]) for record in renewed["records"]] == [
        ("npm", "@acme/docs-mcp", "CVE-2099-0001"),
        ("npm", "acme-mcp-bridge", "GHSA-acme-0002-bbbb"),
        ("npm", "acme-old-mcp", "DEPRECATED-npm-acme-old"),
        ("PyPI", "acme-mcp", "CVE-2099-0006"),
        ("PyPI", "acme-mcp-server", "MAL-2099-5"),
    ]
    assert renewed["collected"] == "2099-05-01"
    assert renewed["sources"] == ["an earlier source", "a new source"]


def test_a_new_record_takes_facts_from_osv_and_words_from_us(renewed):
    assert renewed["records"][0] == {
        "id": "CVE-2099-0001",
        "aliases": ["GHSA-acme-0001-aaaa"],
        "ecosystem": "npm",
        "package": "@acme/docs-mcp",
        "kind": "vulnerability",
        "affected": ["<1.4.2", ">=2.0.0-beta.1,<2.0.0"],
        "fixed": ["1.4.2", "2.0.0"],
        "severity": "critical",
        "cvss": 9.8,
        "summary": "command injection",
        "published": "2099-01-02",
        "url": "https://github.com/advisories/GHSA-acme-0001-aaaa",
        "confidence": "high",
    }


def test_a_last_known_version_bounds_a_range_that_lost_its_end(renewed):
    record = renewed["records"][1]
    assert (record["affected"], record["severity"], record["summary"]) == (["<=0.6.2"], "medium", "published fault, see the record")


def test_a_known_record_keeps_its_words_and_gets_new_ranges(renewed):
    record = renewed["records"][3]
    assert (record["summary"], record["affected"], record["fixed"]) == ("own words that stay", [">=0.2,<=0.9"], [])
    assert (record["aliases"], record["severity"]) == (["GHSA-acme-0006-ffff", "PYSEC-2099-6"], "low")


def test_a_hand_corrected_record_can_be_kept(tmp_path):
    data = tmp_path / "advisories.json"
    shutil.copy(OSV / "before.json", data)
    keep = ["--keep", "CVE-2099-0006"]
    assert script.main(["--data", str(data), "--from", str(OSV / "pypi"), "--collected", "2099-05-01", *keep]) == 0
    record = next(record for record in json.loads(data.read_text("utf-8"))["records"] if record["id"] == "CVE-2099-0006")
    assert record["affected"] == ["<0.5"]


def test_malware_lists_its_releases_in_the_order_of_versions(renewed):
    record = renewed["records"][4]
    assert (record["kind"], record["severity"], record["affected"]) == ("malicious", "critical", ["==1.9.0", "==1.10.0"])


def test_renewing_twice_changes_nothing(tmp_path):
    data = tmp_path / "advisories.json"
    shutil.copy(OSV / "before.json", data)
    arguments = ["--data", str(data), "--from", str(OSV / "npm"), "--from", str(OSV / "pypi"), "--collected", "2099-05-01"]
    assert script.main(arguments) == 0
    first = data.read_bytes()
    assert script.main(arguments) == 0
    assert data.read_bytes() == first


def test_the_file_that_is_shipped_is_in_order_and_in_the_scripts_spelling(capsys):
    before = script.DATA.read_bytes()
    assert script.main(["--check"]) == 0
    assert capsys.readouterr().err == ""
    assert script.text_of(json.loads(before)).encode() == before


def test_an_export_needs_its_date(capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main(["--from", str(OSV)])
    assert stopped.value.code == 2
    assert "--collected" in capsys.readouterr().err


GOOD = {
    "id": "CVE-2099-1",
    "aliases": [],
    "ecosystem": "npm",
    "package": "acme-mcp",
    "kind": "vulnerability",
    "affected": ["<1.4.2"],
    "fixed": ["1.4.2"],
    "severity": "high",
    "cvss": 7.5,
    "summary": "command injection",
    "url": "https://git.example.net/acme",
    "confidence": "high",
}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ecosystem": "conda"}, "unknown ecosystem"),
        ({"kind": "bad"}, "unknown kind"),
        ({"severity": "moderate", "cvss": 5.0}, "unknown severity"),
        ({"confidence": "low"}, "unknown confidence"),
        ({"ecosystem": "PyPI", "package": "Acme_MCP"}, "normal form"),
        ({"affected": []}, "no range"),
        ({"affected": ["1.x"]}, "no bound"),
        ({"affected": ["<latest"], "fixed": []}, "holds no version"),
        ({"affected": ["<=1.4.2"]}, "lies in"),
        ({"fixed": ["next"]}, "or is none"),
        ({"cvss": 9.1}, "band"),
        ({"summary": " ".join("abcdefghijklm")}, "more than 12 words"),
        ({"summary": 'a "quoted" word'}, "escape"),
        ({"note": "x"}, "unknown or missing"),
    ],
)
def test_what_may_not_be_shipped_is_told(change, problem):
    assert script.problems([GOOD]) == []
    assert problem in " ".join(script.problems([{**GOOD, **change}]))


def test_records_are_unique_and_sorted():
    other = {**GOOD, "id": "CVE-2099-0"}
    assert "stands twice" in " ".join(script.problems([GOOD, GOOD]))
    assert "not sorted" in " ".join(script.problems([GOOD, other]))


def test_a_broken_file_is_not_written(tmp_path, capsys):
    data = tmp_path / "advisories.json"
    data.write_text(json.dumps({"schema": 1, "collected": "2099-01-01", "sources": [], "records": [{**GOOD, "kind": "bad"}]}), "utf-8")
    before = data.read_bytes()
    assert script.main(["--data", str(data)]) == 1
    assert data.read_bytes() == before
    assert "unknown kind" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.1/AV:N/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N", 3.1),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0),
    ],
)
def test_base_scores_of_well_known_vectors(vector, score):
    assert script.cvss3(vector) == score
