"""`scan --fix`: what is shown, what is written, exit codes, and what is refused, as a user meets it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from fakes import random, token
from locks import complete

from mcp_audit_gate import cli
from mcp_audit_gate.fix import save
from mcp_audit_gate.sources.clients import LOCKFILE

SECRET = token("github", 5)
OTHER = token("github", 6)
CONFIG = """{
  // the issue tracker
  "mcpServers": {
    "issues": {"command": "npx", "args": ["-y", "@acme/issues"],
               "env": {"ISSUES_TOKEN": "%s"}}, // mine
  },
}
"""
FIXED = CONFIG.replace("@acme/issues", "@acme/issues@1.4.2") % "${ISSUES_TOKEN}"


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A repository with one server that floats and holds a secret, and its record."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".mcp.json").write_text(CONFIG % SECRET)
    (tmp_path / LOCKFILE).write_bytes(complete(tmp_path, {"name": "issues", "tools": [{"name": "list_issues"}], "resolved": "1.4.2"}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capfd, *argv: str) -> tuple[int, str, str]:
    code = cli.main(["scan", "--skip-connect", *argv])
    out, err = capfd.readouterr()
    return code, out, err


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def report(root: Path) -> dict[str, object]:
    out = root.parent / "report.json"
    cli.main(["scan", "--skip-connect", f"-ojson={out}", str(root)])
    value: dict[str, object] = json.loads(out.read_text())
    return value


def rules(root: Path) -> list[str]:
    return sorted(finding["rule"] for finding in report(root)["findings"])  # type: ignore[attr-defined]


def test_without_yes_it_is_shown_and_nothing_is_written(root, capfd) -> None:
    before = files(root)
    code, out, err = run(capfd, "--fix")
    assert (code, err) == (1, "")
    assert files(root) == before
    assert '-    "issues": {"command": "npx", "args": ["-y", "@acme/issues"],\n' in out
    assert '+    "issues": {"command": "npx", "args": ["-y", "@acme/issues@1.4.2"],\n' in out
    assert '-               "env": {"ISSUES_TOKEN": "***"}}, // mine\n+               "env": {"ISSUES_TOKEN": "${ISSUES_TOKEN}"}}, // mine\n' in out
    assert '-"resolved": "1.4.2"\n' in out
    assert "2 findings can be mended in 2 files\nnothing was written: add --yes to write it\n" in out
    assert SECRET not in out
    assert "error[literal-secret]" in out, "the report is that of the tree as it is"


def test_with_yes_it_is_written_and_judged_anew(root, capfd) -> None:
    assert rules(root) == ["literal-secret", "unpinned-package"]
    code, out, err = run(capfd, "--fix", "--yes")
    assert (code, err) == (0, "")
    assert (root / ".mcp.json").read_text() == FIXED
    assert SECRET not in out
    assert not [path for path, data in files(root).items() if SECRET.encode() in data], "no copy is kept"
    assert set(files(root)) == {".mcp.json", LOCKFILE}
    (record,) = json.loads((root / LOCKFILE).read_text())["servers"]
    assert record["launch"] == {
        "transport": "stdio",
        "command": "npx",
        "args": ["-y", "@acme/issues@1.4.2"],
        "env": {"ISSUES_TOKEN": "${ISSUES_TOKEN}"},
        "package": "npm:@acme/issues@1.4.2",
    }
    assert "resolved" not in record
    assert rules(root) == []
    assert report(root)["servers"][0]["pinned"]  # type: ignore[index]


def test_a_second_time_nothing_is_left_to_do(root, capfd) -> None:
    run(capfd, "--fix", "--yes")
    before = files(root)
    code, out, _ = run(capfd, "--fix", "--yes")
    assert (code, files(root)) == (0, before)
    assert out.startswith("no finding has a safe fix\n")
    assert "without a version" not in out


def test_other_formats_on_standard_output_stay_whole(root, capfd) -> None:
    _, out, err = run(capfd, "--fix", "-o", "json")
    assert {finding["rule"] for finding in json.loads(out)["findings"]} == {"literal-secret", "unpinned-package"}
    assert "+++ .mcp.json" in err
    assert SECRET not in out + err


def test_quiet_says_how_much_it_is(root, capfd) -> None:
    _, out, _ = run(capfd, "--fix", "-q")
    assert out.startswith("2 findings can be mended in 2 files\nnothing was written")
    assert "+++" not in out


def test_sarif_carries_the_edits_and_no_secret(root, capfd) -> None:
    _, out, _ = run(capfd, "-o", "sarif")
    assert SECRET not in out
    lines = (root / ".mcp.json").read_text().splitlines(keepends=True)
    replacements = []
    for result in json.loads(out)["runs"][0]["results"]:
        (fix,) = result["fixes"]
        (change,) = fix["artifactChanges"]
        assert change["artifactLocation"]["uri"] == ".mcp.json"
        assert fix["description"]["text"]
        replacements += change["replacements"]
    for edit in sorted(replacements, key=lambda edit: -edit["deletedRegion"]["startLine"]):
        region = edit["deletedRegion"]
        assert region["startLine"] == region["endLine"]
        line = lines[region["startLine"] - 1]
        lines[region["startLine"] - 1] = line[: region["startColumn"] - 1] + edit["insertedContent"]["text"] + line[region["endColumn"] - 1 :]
    assert "".join(lines) == FIXED


def test_a_waived_finding_is_left_alone(root, capfd) -> None:
    (root / "mcp-audit.yaml").write_text(
        "version: 1\nwaivers:\n  - {rule: literal-secret, path: .mcp.json, reason: a test account, expires: 2026-12-01}\n"
    )
    run(capfd, "--fix", "--yes", "--now", "2026-11-22")
    assert (root / ".mcp.json").read_text() == FIXED.replace("${ISSUES_TOKEN}", SECRET)


@pytest.mark.parametrize(
    ("resolved", "why"),
    [
        (None, "nothing is known"),
        ("latest", "a tag"),
        ("^1.0.0", "a range"),
        ("1.0.0 --registry=https://x.example.com", "not a version alone"),
        ("", "empty"),
        ("1.4.2\t", "a blank"),
    ],
)
def test_a_version_is_never_guessed(root, capfd, resolved: str | None, why: str) -> None:
    record = {"name": "issues", "tools": [{"name": "list_issues"}]}
    (root / LOCKFILE).write_bytes(complete(root, {**record, "resolved": resolved} if resolved is not None else record))
    _, out, _ = run(capfd, "--fix", "--yes")
    assert (root / ".mcp.json").read_text() == CONFIG % "${ISSUES_TOKEN}", why
    assert "\n1 package without a version: the lockfile has none to write; mcp-audit pin records the one that runs" in out


def test_a_version_that_is_known_to_be_bad_is_not_written(root, capfd) -> None:
    (root / ".mcp.json").write_text('{"mcpServers": {"mail": {"command": "npx", "args": ["-y", "postmark-mcp"]}}}')
    (root / LOCKFILE).write_bytes(complete(root, {"name": "mail", "resolved": "1.0.16"}))
    before = files(root)
    _, out, _ = run(capfd, "--fix", "--yes")
    assert files(root) == before
    assert out.startswith("no finding has a safe fix\n")


def test_the_version_of_the_record_that_a_launch_fell_from_is_written_back(root, capfd) -> None:
    config = '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs@1.2.3"]}}}'
    (root / ".mcp.json").write_text(config)
    (root / LOCKFILE).write_bytes(complete(root, {"name": "docs", "tools": [{"name": "look"}]}))
    lock = (root / LOCKFILE).read_bytes()
    (root / ".mcp.json").write_text(config.replace("1.2.3", "latest"))
    assert rules(root) == ["lock-outdated", "unpinned-package"]
    run(capfd, "--fix", "--yes")
    assert ((root / ".mcp.json").read_text(), (root / LOCKFILE).read_bytes()) == (config, lock)
    assert rules(root) == []


def test_a_lockfile_that_pin_did_not_write_so_is_left_alone(root, capfd) -> None:
    value = json.loads((root / LOCKFILE).read_text())
    value["servers"][0]["note"] = "by hand"
    (root / LOCKFILE).write_text(json.dumps(value))
    before = files(root)
    _, out, _ = run(capfd, "--fix", "--yes")
    assert files(root) == before
    assert "no finding has a safe fix" in out


def test_a_record_stays_for_the_entries_that_still_have_its_launch(root, capfd) -> None:
    (root / "claude_desktop_config.json").write_text(CONFIG % SECRET)
    run(capfd, "--fix", "--yes", ".mcp.json")
    launches = [record["launch"]["env"] for record in json.loads((root / LOCKFILE).read_text())["servers"]]
    assert sorted(map(str, launches)) == ["{'ISSUES_TOKEN': '${ISSUES_TOKEN}'}", "{'ISSUES_TOKEN': '<secret>'}"]
    assert [server["pinned"] for server in report(root)["servers"]] == [True, True]  # type: ignore[attr-defined]


def test_two_secrets_never_get_one_name(root, capfd) -> None:
    (root / LOCKFILE).unlink()
    entry = '{"command": "node", "env": {"API_TOKEN": "%s"}}'
    (root / ".mcp.json").write_text(
        f'{{"mcpServers": {{"a": {entry % SECRET}, "b": {entry % OTHER}, "c": {entry % SECRET}, "d": {entry % "${A_B}"}}}}}'
    )
    run(capfd, "--fix", "--yes")
    servers = json.loads((root / ".mcp.json").read_text())["mcpServers"]
    assert [servers[name]["env"]["API_TOKEN"] for name in "abcd"] == ["${API_TOKEN}", "${B_API_TOKEN}", "${API_TOKEN}", "${A_B}"]


def test_a_file_that_does_not_parse_is_left_alone_and_others_are_mended(root, capfd) -> None:
    (root / ".cursor").mkdir()
    (root / ".cursor/mcp.json").write_text((CONFIG % OTHER).rpartition("}")[0])
    before = (root / ".cursor/mcp.json").read_bytes()
    code, _, _ = run(capfd, "--fix", "--yes")
    assert code == 4
    assert (root / ".cursor/mcp.json").read_bytes() == before
    assert (root / ".mcp.json").read_text() == FIXED


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_out_of_the_repository_is_not_followed(root, tmp_path_factory, capfd, link: str) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "mcp.json").write_text(CONFIG % SECRET)
    if link == "folder":
        (root / ".cursor").symlink_to(outside)
    else:
        (root / ".cursor").mkdir()
        (root / ".cursor/mcp.json").symlink_to(outside / "mcp.json")
    code, _, _ = run(capfd, "--fix", "--yes")
    assert code == 4
    assert (outside / "mcp.json").read_text() == CONFIG % SECRET


def test_a_link_inside_stays_a_link(root, capfd) -> None:
    (root / LOCKFILE).unlink()
    (root / "shared").mkdir()
    (root / ".mcp.json").rename(root / "shared/servers.json")
    (root / ".mcp.json").symlink_to("shared/servers.json")
    run(capfd, "--fix", "--yes")
    assert (root / ".mcp.json").is_symlink()
    assert (root / "shared/servers.json").read_text() == CONFIG % "${ISSUES_TOKEN}"


def test_one_file_under_two_names_that_want_it_different_is_left_alone(root, capfd) -> None:
    (root / LOCKFILE).unlink()
    (root / ".cursor").mkdir()
    (root / ".cursor/mcp.json").symlink_to("../.mcp.json")
    run(capfd, "--fix", "--yes")
    assert (root / ".mcp.json").read_text() == CONFIG % SECRET


def test_permissions_stay(root, capfd) -> None:
    (root / ".mcp.json").chmod(0o600)
    run(capfd, "--fix", "--yes")
    assert (root / ".mcp.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("moment", ["before", "while writing"])
def test_a_file_that_changed_since_it_was_read_is_not_touched(root, capfd, monkeypatch, moment: str) -> None:
    (root / ".cursor").mkdir()
    (root / ".cursor/mcp.json").write_text(CONFIG % OTHER)
    changed = CONFIG % SECRET + "\n// somebody typed this\n"
    put, save_all = save.put, save.save

    def changing(*given, **named):
        if given[0].endswith(".mcp.json"):
            (root / ".mcp.json").write_text(changed)
        put(*given, **named)

    def late(plan, where):
        (root / ".mcp.json").write_text(changed)
        save_all(plan, where)

    if moment == "before":
        monkeypatch.setattr("mcp_audit_gate.fix.command.save", late)
    else:
        monkeypatch.setattr(save, "put", changing)
    lock = (root / LOCKFILE).read_bytes()
    code, out, err = run(capfd, "--fix", "--yes")
    assert code == 4
    assert err == "mcp-audit: .mcp.json was not changed: it changed since it was read; run scan --fix again, and look at what it shows\n"
    assert (root / ".mcp.json").read_text() == changed
    assert (root / LOCKFILE).read_bytes() == lock
    assert "error[literal-secret]" in out
    assert not [name for name in os.listdir(root) if name.endswith(".tmp")]
    if moment == "before":
        assert (root / ".cursor/mcp.json").read_text() == CONFIG % OTHER, "no file is touched"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--yes"], "--yes does nothing without --fix"),
        (["--fix", "--staged"], "leave --staged out of this run"),
        (["--fix", "--trusted-ref", "HEAD"], "leave --trusted-ref out of this run"),
        (["--fix", "--user"], "leave --user out of this run"),
        (["--fix", "--yes", "-"], "no such file or folder: -"),
    ],
)
def test_what_does_not_go_together_is_refused(root, capfd, argv: list[str], said: str) -> None:
    before = files(root)
    code, out, err = run(capfd, *argv)
    assert (code, out) == (2, "")
    assert said in err
    assert files(root) == before


def test_watch_mends_nothing(root, capfd) -> None:
    assert cli.main(["watch", "--skip-connect", "--fix"]) == 2
    assert "--fix" in capfd.readouterr().err


def test_a_trusted_revision_leaves_sarif_without_fixes(root, capfd) -> None:
    (root / ".git").rmdir()
    for argv in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "all"]):
        subprocess.run(["git", *argv], cwd=root, check=True)
    _, out, _ = run(capfd, "--trusted-ref", "HEAD", "-o", "sarif")
    assert not [result for result in json.loads(out)["runs"][0]["results"] if "fixes" in result]


def test_the_help_has_an_example(capfd) -> None:
    assert cli.main(["scan", "--help"]) == 0
    assert "mcp-audit scan --skip-connect --fix" in capfd.readouterr().out


def test_a_lockfile_that_broke_meanwhile_is_not_written(root, capfd, monkeypatch) -> None:
    put = save.put

    def breaking(*given, **named):
        put(*given, **named)
        (root / LOCKFILE).write_text("{")

    monkeypatch.setattr(save, "put", breaking)
    code, _, err = run(capfd, "--fix", "--yes")
    assert code == 2, "a lockfile that is none ends every scan"
    assert (root / LOCKFILE).read_text() == "{"
    assert "is not valid JSON" in err or "not valid JSON" in err


def test_a_lockfile_that_changed_meanwhile_is_not_written(root, capfd, monkeypatch) -> None:
    put = save.put
    other = complete(root, {"name": "issues", "tools": [{"name": "other"}], "resolved": "1.4.2"})

    def changing(*given, **named):
        put(*given, **named)
        (root / LOCKFILE).write_bytes(other)

    monkeypatch.setattr(save, "put", changing)
    code, _, err = run(capfd, "--fix", "--yes")
    assert code == 4
    assert f"{LOCKFILE} was not changed: it changed since it was read" in err
    assert (root / LOCKFILE).read_bytes() == other


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("where", ["outside", "git"])
def test_a_file_that_became_a_link_elsewhere_is_not_written_through_it(root, tmp_path_factory, capfd, monkeypatch, where: str) -> None:
    away = (tmp_path_factory.mktemp("away") if where == "outside" else root / ".git") / "config.json"
    save_all = save.save

    def late(plan, folder):
        (root / ".mcp.json").rename(away)
        (root / ".mcp.json").symlink_to(away)
        save_all(plan, folder)

    monkeypatch.setattr("mcp_audit_gate.fix.command.save", late)
    code, _, err = run(capfd, "--fix", "--yes")
    assert (code, err.count("\n")) == (4, 1)
    assert err.startswith("mcp-audit: .mcp.json was not changed: it lies outside the repository's files; ")
    assert away.read_text() == CONFIG % SECRET


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes as POSIX has them")
def test_a_file_that_became_a_pipe_is_said(root, capfd, monkeypatch) -> None:
    save_all = save.save

    def late(plan, folder):
        (root / ".mcp.json").unlink()
        os.mkfifo(root / ".mcp.json")
        save_all(plan, folder)

    monkeypatch.setattr("mcp_audit_gate.fix.command.save", late)
    code, _, err = run(capfd, "--fix", "--yes")
    assert (code, "mcp-audit: .mcp.json was not changed: not a regular file" in err) == (4, True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everything")
def test_a_folder_that_may_not_be_written_is_said(root, capfd) -> None:
    root.chmod(0o500)
    try:
        code, _, err = run(capfd, "--fix", "--yes")
    finally:
        root.chmod(0o700)
    assert code == 4
    assert "it may not be written" in err


def test_a_full_disk_leaves_the_file_as_it_was(root, capfd, monkeypatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mcp_audit_gate.atomic.os.fsync", full)
    before = files(root)
    code, _, err = run(capfd, "--fix", "--yes")
    assert (code, files(root)) == (4, before)
    assert ".mcp.json was not changed: No space left on device" in err


def test_a_file_that_vanished_is_said(root, capfd, monkeypatch) -> None:
    save_all = save.save

    def late(plan, where):
        (root / ".mcp.json").unlink()
        save_all(plan, where)

    monkeypatch.setattr("mcp_audit_gate.fix.command.save", late)
    code, _, err = run(capfd, "--fix", "--yes", "--allow-empty")
    assert code == 4
    assert ".mcp.json was not changed" in err
    assert not (root / ".mcp.json").exists()


def test_a_fix_that_brings_another_finding_is_left_out_alone(root, capfd) -> None:
    """`tool-name-collision`: the record that the launch fell from has a tool of the other server's name, and counts only once it fits."""
    pair = {"docs": {"command": "npx", "args": ["-y", "@acme/docs@1.2.3"]}, "mail": {"command": "npx", "args": ["-y", "@acme/mail@latest"]}}
    (root / ".mcp.json").write_text(json.dumps({"mcpServers": pair}))
    records = [{"name": "docs", "tools": [{"name": "look"}]}, {"name": "mail", "tools": [{"name": "look"}], "resolved": "2.0.0"}]
    (root / LOCKFILE).write_bytes(complete(root, records))
    pair["docs"]["args"] = ["-y", "@acme/docs"]
    (root / ".mcp.json").write_text(json.dumps({"mcpServers": pair}))
    run(capfd, "--fix", "--yes")
    servers = json.loads((root / ".mcp.json").read_text())["mcpServers"]
    assert [servers[name]["args"][1] for name in servers] == ["@acme/docs", "@acme/mail@2.0.0"]


def test_a_secret_is_shown_nowhere_in_the_lines_around_it(root, capfd) -> None:
    """A value without a form of its own is known by its name alone, and stands again in comments, where nothing names it."""
    plain = random(32, 7, "0123456789abcdef")
    (root / LOCKFILE).unlink()
    (root / ".mcp.json").write_text(
        f'{{"mcpServers": {{"a": {{"command": "x", "env": {{"A_TOKEN": "{plain}"}}}} /* was {plain}{plain} */ }}}} // {plain}'
    )
    _, out, _ = run(capfd, "--fix", "--min-severity", "critical")
    assert '"A_TOKEN": "${A_TOKEN}"}} /* was *** */ }} // ***' in out
    assert plain not in out


def test_hostile_names_stay_text(root, capfd) -> None:
    (root / LOCKFILE).unlink()
    name = "a\n::error::x\x1b[31m\u202e##[y]"
    folder = root / "b\x1b[2J"
    folder.mkdir()
    (folder / ".mcp.json").write_text(
        json.dumps({"mcpServers": {name: {"command": "node", "env": {"A_TOKEN": SECRET}}}}, indent=1, ensure_ascii=False)
    )
    _, out, _ = run(capfd, "--fix")
    assert "A_TOKEN" in out
    assert not [line for line in out.splitlines() if line.lstrip().startswith("::") or "##[" in line]
    assert not {"\x1b", "\u202e"} & set(out)


def test_a_lockfile_of_another_name_moves_along(root, capfd) -> None:
    (root / "locks").mkdir()
    (root / LOCKFILE).rename(root / "locks/mcp.json")
    code, _, err = run(capfd, "--fix", "--yes", "--lock", "locks/mcp.json")
    assert (code, err) == (0, "")
    assert (root / ".mcp.json").read_text() == FIXED
    assert '"@acme/issues@1.4.2"' in (root / "locks/mcp.json").read_text()


def test_a_lockfile_elsewhere_is_never_written(root, tmp_path_factory, capfd) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "mcp.json"
    (root / LOCKFILE).rename(elsewhere)
    before = elsewhere.read_bytes()
    run(capfd, "--fix", "--yes", "--lock", str(elsewhere))
    assert ((root / ".mcp.json").read_text(), elsewhere.read_bytes()) == (CONFIG % SECRET, before)


def test_one_client_is_mended_and_the_record_stays_for_the_other(root, capfd) -> None:
    (root / ".cursor").mkdir()
    (root / ".cursor/mcp.json").write_text(CONFIG % SECRET)
    run(capfd, "--fix", "--yes", "--client", "cursor")
    assert (root / ".mcp.json").read_text() == CONFIG % SECRET
    assert "${env:ISSUES_TOKEN}" in (root / ".cursor/mcp.json").read_text()
    assert [server["pinned"] for server in report(root)["servers"]] == [True, True]  # type: ignore[attr-defined]
