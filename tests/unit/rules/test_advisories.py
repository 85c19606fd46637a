from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path

import pytest

from mcp_audit_gate import gate
from mcp_audit_gate.rules import advisories, versions
from mcp_audit_gate.sources.discover import WorkingTree
from unit.rules.test_packages import entry

DATA = Path(advisories.__file__).parents[1] / "data" / "advisories.json"
FILE = json.loads(DATA.read_text("utf-8"))
CHECKS = {rule.info.id: rule.check for rule in advisories.RULES}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def rules(*words, **more):
    """The rules that say something, with how many records each."""
    hits = {rule: len(list(check(entry(*words, **more)))) for rule, check in CHECKS.items()}
    return {rule: count for rule, count in hits.items() if count}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("npx", "-y", "postmark-mcp@1.0.16"), {"known-malicious": 1}),
        (("npx", "-y", "postmark-mcp@1.0.99"), {"known-malicious": 1}),
        (("npx", "-y", "postmark-mcp"), {"known-malicious": 1}),
        (("npx", "-y", "postmark-mcp@latest"), {"known-malicious": 1}),
        (("npx", "-y", "postmark-mcp@${V}"), {"known-malicious": 1}),
        (("npx", "-y", "left-mcp@npm:postmark-mcp@1.0.16"), {"known-malicious": 1}),
        (("npx", "-y", "-p", "left-mcp@1.0.0", "-p", "postmark-mcp@1.0.16", "left"), {"known-malicious": 1}),
        (("npx", "-y", "https://registry.npmjs.org/postmark-mcp/-/postmark-mcp-1.0.16.tgz"), {"known-malicious": 1}),
        (("deno", "run", "npm:postmark-mcp@1.0.16"), {"known-malicious": 1}),
        (("uvx", "mcp-runcmd-server==0.0.1"), {"known-malicious": 1}),
        (("uvx", "mcp_runcmd.server"), {"known-malicious": 1}),
        (("uvx", "--with", "openai-mcp==2.41.1", "left==1.0"), {"known-malicious": 1}),
        (("uv", "run", "--with", "OpenAI_MCP==2.41.2", "left"), {"known-malicious": 1}),
        (("uvx", "openai-mcp==2.41.1.0"), {"known-malicious": 1}),
        (("npx", "-y", "postmark-mcp@1.0.12"), {"advisory-to-review": 1}),
        (("uvx", "openai-mcp==2.41.3"), {"advisory-to-review": 1}),
        (("uvx", "openai-mcp"), {"advisory-to-review": 1}),
        (("npx", "-y", "mcp-remote@0.1.15", "https://mcp.example.com/mcp"), {"known-vulnerable": 1}),
        (("npx", "-y", "@modelcontextprotocol/server-filesystem@0.6.2", "./docs"), {"known-vulnerable": 2}),
        (("npx", "-y", "@modelcontextprotocol/server-filesystem@2025.3.28", "./docs"), {"known-vulnerable": 2}),
        (("npx", "-y", "@azure/mcp@2.0.0-beta.3"), {"known-vulnerable": 1}),
        (("go", "run", "github.com/geiserx/genieacs-mcp@v0.3.1"), {"known-vulnerable": 1}),
        (("npx", "-y", "@executeautomation/database-server"), {"advisory-to-review": 1}),
        (("npx", "-y", "@executeautomation/database-server@1.1.0"), {"advisory-to-review": 1}),
        (("npx", "-y", "@aborruso/ckan-mcp-server@0.4.111"), {"advisory-to-review": 1}),
        (("npx", "-y", "@modelcontextprotocol/server-postgres@0.6.2", "postgresql://localhost/dev"), {"deprecated-package": 1}),
        (("npx", "-y", "@modelcontextprotocol/server-postgres", "postgresql://localhost/dev"), {"deprecated-package": 1}),
        (("docker", "run", "-i", "mcp/sqlite"), {"deprecated-package": 1}),
        (("docker", "run", "-i", "docker.io/mcp/sqlite:latest"), {"deprecated-package": 1}),
    ],
    ids=lambda value: " ".join(value),
)
def test_what_a_match_means(words, expected):
    assert rules(*words) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("uvx", "postmark-mcp==1.0.16"),
        ("npx", "-y", "@acme/postmark-mcp@1.0.16"),
        ("npx", "-y", "Postmark-MCP@1.0.16"),
        ("npx", "-y", "openai-mcp@2.41.1"),
        ("npx", "-y", "@acme/server-filesystem@0.6.2"),
        ("npx", "-y", "github:acme/postmark-mcp#" + COMMIT),
        ("npx", "-y", "./postmark-mcp"),
        ("uvx", "--from", "git+https://git.example.net/acme/openai-mcp", "openai-mcp"),
        ("npx", "-y", "mcp-remote@0.1.37", "https://mcp.example.com/mcp"),
        ("npx", "-y", "mcp-remote", "https://mcp.example.com/mcp"),
        ("npx", "-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "./docs"),
        ("npx", "-y", "@modelcontextprotocol/server-filesystem", "./docs"),
        ("npx", "-y", "@azure/mcp@1.5.0"),
        ("npx", "-y", "@aborruso/ckan-mcp-server@0.4.112"),
        ("npx", "-y", "@playwright/mcp@0.0.50"),
        ("docker", "run", "-i", "ghcr.io/github/github-mcp-server:v9.9.9"),
        ("docker", "run", "-i", "acme/sqlite"),
        ("uvx", "brave-search-mcp==1.0.0"),
        ("node", "postmark-mcp"),
        ("echo", "postmark-mcp@1.0.16"),
    ],
    ids=" ".join,
)
def test_other_ecosystems_scopes_sources_and_fixed_versions_are_quiet(words):
    assert rules(*words) == {}


def test_malware_counts_in_disabled_entries_too():
    assert [rule.info.id for rule in advisories.RULES if rule.also_disabled] == ["known-malicious"]


@pytest.mark.parametrize(
    ("words", "rule", "message", "fix"),
    [
        (
            ("npx", "-y", "postmark-mcp@1.0.16"),
            "known-malicious",
            'Server "docs" starts "postmark-mcp@1.0.16" (args[1]), reported as malware in MAL-2025-47604: {summary}.',
            "",
        ),
        (
            ("npx", "-y", "mcp-remote@0.1.15"),
            "known-vulnerable",
            'Server "docs" starts "mcp-remote@0.1.15" (args[1]), which has CVE-2025-6514 (critical): {summary}; fixed in 0.1.16.',
            "Raise it to 0.1.16 or later.",
        ),
        (
            ("uvx", "openai-mcp"),
            "advisory-to-review",
            'Server "docs" starts "openai-mcp" (args[0]); some releases of it were reported as malware in MAL-2026-5320: {summary}.',
            "",
        ),
        (
            ("npx", "-y", "postmark-mcp@1.0.12"),
            "advisory-to-review",
            'Server "docs" starts "postmark-mcp@1.0.12" (args[1]); other releases of it were reported as malware in MAL-2025-47604: {summary}.',
            "",
        ),
        (
            ("npx", "-y", "@executeautomation/database-server@1.1.0"),
            "advisory-to-review",
            'Server "docs" starts "@executeautomation/database-server@1.1.0" (args[1]), and which versions are affected is not known: '
            "CVE-2025-59333 ({severity}): {summary}.",
            "",
        ),
        (
            ("npx", "-y", "@modelcontextprotocol/server-brave-search@0.6.2"),
            "deprecated-package",
            'Server "docs" starts "@modelcontextprotocol/server-brave-search@0.6.2" (args[1]): {summary}.',
            "Move to its successor, npm:@brave/brave-search-mcp-server.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_messages_name_the_record_and_the_way_out(words, rule, message, fix):
    [hit] = CHECKS[rule](entry(*words))
    record = next(one for one in FILE["records"] if hit.value == f"{one['id']} {one['ecosystem']}:{one['package']}")
    assert hit.message == message.format_map(record)
    assert hit.fix == fix


def test_the_fix_of_a_branch_is_the_first_version_above():
    [hit] = CHECKS["known-vulnerable"](entry("npx", "-y", "@azure/mcp@2.0.0-beta.3"))
    assert hit.fix == "Raise it to 2.0.0-beta.17 or later."


def test_no_version_and_no_fix_is_to_be_reviewed():
    record = next(
        r for r in FILE["records"] if r["kind"] == "vulnerability" and not r["fixed"] and "*" not in r["affected"] and r["ecosystem"] == "PyPI"
    )
    [hit] = [hit for hit in CHECKS["advisory-to-review"](entry("uvx", record["package"])) if hit.value.startswith(record["id"])]
    assert "no fixed version is known" in hit.message


def test_a_go_package_is_looked_up_under_its_module():
    record = next(r for r in FILE["records"] if r["ecosystem"] == "Go" and r["affected"][0].startswith("<") and r["severity"] in ("high", "critical"))
    below = f"{record['package']}/cmd/server"
    assert "known-vulnerable" in rules("go", "run", f"{below}@v0.0.1")
    assert rules("go", "run", f"{record['package']}/v9/cmd@v0.0.1") == {}
    assert rules("go", "run", f"{record['package']}-other@v0.0.1") == {}


def test_reading_lines_gives_what_reading_json_gives():
    for one in FILE["records"]:
        [found] = [record for record in advisories.records(one["ecosystem"], one["package"]) if record.id == one["id"]]
        assert found == advisories.Record(
            one["id"],
            one["kind"],
            one["ecosystem"],
            one["package"],
            tuple(one["affected"]),
            tuple(one["fixed"]),
            one["severity"],
            one["summary"],
            one.get("replacement", ""),
        )
    assert sum(len(advisories.records(*key)) for key in {(one["ecosystem"], one["package"]) for one in FILE["records"]}) == len(FILE["records"])


def test_age_is_counted_from_the_day_of_collection():
    assert advisories.collected() == FILE["collected"]
    day = date.fromisoformat(FILE["collected"])
    assert advisories.age_days(day) == 0
    assert advisories.age_days(date.fromordinal(day.toordinal() + 91)) == 91 > advisories.OLD_DAYS


@pytest.mark.parametrize(("days", "said"), [(0, False), (90, False), (91, True), (400, True)])
@pytest.mark.parametrize("config", ['{"mcpServers": {"a": {"command": "a-server"}}}', '{"mcpServers": {}}'])
def test_a_report_says_that_the_advisories_are_old(tmp_path, days, said, config):
    (tmp_path / ".mcp.json").write_text(config)
    today = date.fromordinal(date.fromisoformat(FILE["collected"]).toordinal() + days)
    verdict = gate.scan(WorkingTree(str(tmp_path)), (str(tmp_path),), gate.Settings(today)).verdict
    assert verdict.exit_code == 0
    assert any(f"{days} days old" in reason for reason in verdict.reasons) == (said and "a-server" in config)


def _launch(record, version):
    name = record["package"]
    return {
        "npm": ("npx", "-y", f"{name}@{version}"),
        "PyPI": ("uvx", f"{name}=={version}"),
        "Go": ("go", "run", f"{name}@v{version}"),
        "Docker": ("docker", "run", "-i", f"{name}:{version}"),
    }[record["ecosystem"]]


def _versions(record):
    """Version and whether it is affected, for every end of every range, and for one version inside."""
    for spec in record["affected"]:
        if spec == "*":
            yield "1.2.3", True
            continue
        bounds = [versions.split_bound(bound) for bound in spec.split(",")]
        inside = next((text for sign, text in bounds if sign in (">=", "==", "<=")), "0.0.0")
        yield inside, True
        for sign, text in bounds:
            if sign == "<":
                yield text, False
    for text in record["fixed"]:
        yield text, False


MATCHED = [record for record in FILE["records"] if record["ecosystem"] in ("npm", "PyPI", "Go", "Docker")]


@pytest.mark.parametrize("record", MATCHED, ids=lambda record: f"{record['id']} {record['package']}")
def test_every_record_meets_a_version_inside_and_none_outside(record):
    value = f"{record['id']} {record['ecosystem']}:{record['package']}"
    cases = list(_versions(record))
    assert any(inside for _, inside in cases)
    for version, inside in cases:
        hits = {rule for rule, check in CHECKS.items() for hit in check(entry(*_launch(record, version))) if hit.value == value}
        assert bool(hits) is inside, version
        grave = record["severity"] in ("critical", "high") and "*" not in record["affected"]
        expected = {"deprecated": "deprecated-package", "malicious": "known-malicious"}.get(
            record["kind"], "known-vulnerable" if grave else "advisory-to-review"
        )
        assert hits <= {expected}


def test_a_hostile_name_takes_no_time():
    one = entry("go", "run", "a.b/" + "a/" * 50_000 + "@v1.0.0")
    start = time.process_time()
    assert rules("npx", "-y", "a@" + "1." * 50_000) == {}
    assert [list(check(one)) for check in CHECKS.values()] == [[], [], [], []]
    assert time.process_time() - start < 0.5
