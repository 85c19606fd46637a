"""`scan --shard` and `merge`: what all parts tell together is what one run tells; what is no whole never passes."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shutil
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import token
from repos import NOW, VARIABLES
from repositories import Made, made

from mcp_audit_gate.cli import main
from mcp_audit_gate.lock.lockfile import observed, write
from mcp_audit_gate.model import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

# The whole of them: MCP_AUDIT_REPOSITORIES=1000 python -m pytest tests/test_shards.py -k whole
REPOSITORIES = int(os.environ.get("MCP_AUDIT_REPOSITORIES", "24"))
FORMATS = {"json": "json", "sarif": "sarif", "text": "txt", "html": "html", "markdown": "md", "junit": "xml", "github": "gh"}


class Ran:
    """What a command said: exit code, standard output and error."""

    def __init__(self, root: Path, *words: str, **variables: str) -> None:
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        before, here = dict(os.environ), os.getcwd()
        os.environ.update({**VARIABLES, **variables})
        os.chdir(root)
        try:
            with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
                self.code = main(words)
        finally:
            gc.enable()
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)
        out.flush()
        self.out, self.err = out.buffer.getvalue().decode(), err.getvalue()


def told(root: Path, folder: Path, name: str, *words: str) -> Ran:
    """A command that writes every format into a folder."""
    return Ran(root, *words, *(word for form, end in FORMATS.items() for word in ("-o", f"{form}={folder / name}.{end}")))


def parts(repository: Made, folder: Path, count: int, form: str = "json") -> list[str]:
    """The reports of all parts."""
    files = [str(folder / f"part-{number}.{form}") for number in range(1, count + 1)]
    for number, file in enumerate(files, 1):
        ran = Ran(repository.root, "scan", "--skip-connect", *repository.options, "--shard", f"{number}/{count}", "-o", f"{form}={file}")
        assert Path(file).exists(), ran.err
    return files


@pytest.mark.parametrize("seed", range(REPOSITORIES))
def test_the_parts_of_a_run_make_the_whole(seed: int, tmp_path: Path) -> None:
    repository = made(seed, tmp_path / "repository")
    one = told(repository.root, tmp_path, "one", "scan", "--skip-connect", *repository.options)
    if one.code == 2:
        again = Ran(repository.root, "scan", "--skip-connect", *repository.options, "--shard", "1/2")
        assert (again.code, again.err) == (2, one.err)
        return
    form = "sarif" if seed % 4 == 1 else "json"
    all_ = told(tmp_path, tmp_path, "all", "merge", *parts(repository, tmp_path, repository.parts, form))
    assert all_.code == one.code, all_.err
    for end in FORMATS.values():
        assert (tmp_path / f"all.{end}").read_bytes() == (tmp_path / f"one.{end}").read_bytes(), end


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, list[str]]:
    """A repository with findings in several files, and its three parts."""
    folder = tmp_path_factory.mktemp("run")
    root = folder / "repository"
    root.mkdir()
    config = {"mcpServers": {name: {"type": "http", "url": f"http://{name}.acme-tools.com/mcp"} for name in ("docs", "wiki", "mail", "chat")}}
    (root / ".mcp.json").write_text(json.dumps(config, indent=2))
    (root / ".cursor").mkdir()
    (root / ".cursor" / "mcp.json").write_text('{"mcpServers": {"docs": {"command": "npx", "args": ["@acme/docs-mcp"]}}}')
    repository = Made(root, ("--now", NOW), 3)
    return repository, parts(repository, folder, 3)


def merged(folder: Path, *files: object, words: tuple[str, ...] = ()) -> tuple[Ran, dict[str, Any]]:
    """What merge says of some reports, and its own report; an empty one when it wrote none."""
    out = folder / "merged.json"
    ran = Ran(folder, "merge", *map(str, files), "-o", f"json={out}", *words)
    return ran, json.loads(out.read_text("utf-8")) if out.exists() else {}


def changed(file: str, folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a report with something else in it."""
    report = json.loads(Path(file).read_text("utf-8"))
    change(report)
    copy = folder / "changed.json"
    copy.write_text(json.dumps(report), encoding="utf-8")
    return copy


def test_every_part_has_its_own_share(run: tuple[Made, list[str]]) -> None:
    reports = [json.loads(Path(file).read_text("utf-8")) for file in run[1]]
    assert [report["mode"]["shard"] for report in reports] == ["1/3", "2/3", "3/3"]
    names = [server["name"] for report in reports for server in report["servers"]]
    assert sorted(names) == ["chat", "docs", "docs", "mail", "wiki"]
    assert all(report["servers"] for report in reports)


def test_a_part_says_that_it_is_one(run: tuple[Made, list[str]]) -> None:
    assert "part 2/3 alone" in Ran(run[0].root, "scan", "--skip-connect", "--shard", "2/3").out


@pytest.mark.parametrize("given", [(0,), (0, 1), (1, 2), (0, 2)])
def test_without_all_parts_it_is_incomplete(run: tuple[Made, list[str]], given: tuple[int, ...], tmp_path: Path) -> None:
    ran, report = merged(tmp_path, *(run[1][number] for number in given))
    assert ran.code == report["verdict"]["exit_code"] == 4
    assert report["verdict"]["result"] == "incomplete"
    missing = [item["reason"] for item in report["not_assessed"] if item["what"] == "part"]
    assert missing == [f"part {number + 1} of 3 is missing" for number in range(3) if number not in given]
    assert report["findings"], "what the others found is still told"


def test_one_missing_part_of_a_clean_run_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / ".mcp.json").write_text('{"mcpServers": {"docs": {"type": "http", "url": "https://mcp.acme-tools.com/mcp"}}}')
    repository = Made(tmp_path / "r", (), 2)
    files = parts(repository, tmp_path, 2)
    assert merged(tmp_path, *files)[0].code == 0
    assert merged(tmp_path, files[0])[0].code == 4
    assert merged(tmp_path, files[1])[0].code == 4


def other_run(run: tuple[Made, list[str]], folder: Path, *words: str, files: dict[str, str] | None = None) -> str:
    """The third part of a run that is not quite the same."""
    root = folder / "copy"
    shutil.copytree(run[0].root, root)
    for path, text in (files or {}).items():
        (root / path).write_text(text)
    return parts(Made(root, (*run[0].options, *words), 3), folder, 3)[2]


OTHERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "files": ((), {".mcp.json": '{"mcpServers": {}}'}),
    "one byte": ((), {".cursor/mcp.json": '{"mcpServers": {"docs": {"command": "npx", "args": ["@acme/docs-mcp"]}}}\n'}),
    "policy": ((), {"mcp-audit.yaml": "version: 1\n"}),
    "preset": (("--policy", "advisory"), {}),
    "lockfile": ((), {"mcp-audit.lock.json": '{\n  "lockfileVersion": 1,\n  "servers": []\n}\n'}),
    "threshold": (("--fail-on", "never"), {}),
    "day": (("--now", "2026-11-23"), {}),
    "clients": (("--client", "cursor"), {}),
    "exit-zero": (("--exit-zero",), {}),
    "allow-empty": (("--allow-empty",), {}),
    "pin-check": (("--pin-check",), {}),
    "waivers": (("--ignore-waivers",), {}),
}


@pytest.mark.parametrize("what", OTHERS)
def test_parts_of_different_runs_are_refused(run: tuple[Made, list[str]], what: str, tmp_path: Path) -> None:
    words, files = OTHERS[what]
    ran, report = merged(tmp_path, *run[1][:2], other_run(run, tmp_path, *words, files=files))
    assert (ran.code, report) == (2, {})
    assert "are no parts of one run" in ran.err


def test_another_program_of_the_repository_is_another_run(tmp_path: Path) -> None:
    root = tmp_path / "r"
    root.mkdir()
    (root / "server.js").write_text("serve()")
    entries = {name: {"command": "node", "args": ["./server.js"]} for name in ("one", "two")}
    (root / ".mcp.json").write_text(json.dumps({"mcpServers": entries}))
    launch = {"transport": "stdio", "command": "node", "args": ["./server.js"], "files": {"server.js": f"sha256:{sha256(b'serve()').hexdigest()}"}}
    (root / "mcp-audit.lock.json").write_bytes(write([observed(name, launch, Surface(server_info={})) for name in entries]))
    repository = Made(root, ("--now", NOW), 2)
    files = parts(repository, tmp_path, 2)
    assert merged(tmp_path, *files)[0].code == 0
    shutil.copy(files[0], tmp_path / "first.json")
    (root / "server.js").write_text("steal()")
    files = parts(repository, tmp_path, 2)
    ran, _ = merged(tmp_path, tmp_path / "first.json", files[1])
    assert (ran.code, "the files that were read differ" in ran.err) == (2, True)


def test_another_number_of_parts_is_refused(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    other = parts(run[0], tmp_path, 4)[2]
    ran, _ = merged(tmp_path, *run[1][:2], other)
    assert (ran.code, "the numbers of parts differ" in ran.err) == (2, True)


def test_another_version_is_refused(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    other = changed(run[1][2], tmp_path, lambda report: report["tool"].update(version="0.0.1"))
    ran, _ = merged(tmp_path, *run[1][:2], other)
    assert (ran.code, "version 0.0.1 wrote it" in ran.err) == (2, True)


def test_another_revision_is_refused(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    known = {"repository": "https://github.com/acme/app", "revision": "0" * 40, "branch": None}
    other = changed(run[1][2], tmp_path, lambda report: report["shard"].update(provenance=known))
    ran, _ = merged(tmp_path, *run[1][:2], other)
    assert (ran.code, "the revisions differ" in ran.err) == (2, True)


def test_a_part_twice_is_refused(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    shutil.copy(run[1][1], again)
    for files in ((*run[1], again), (*run[1], run[1][1]), (run[1][0], run[1][1], again)):
        ran, report = merged(tmp_path, *files)
        assert (ran.code, report) == (2, {})
        assert "is there twice" in ran.err


def test_json_and_sarif_of_one_part_are_one(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    sarif = parts(run[0], tmp_path, 3, "sarif")
    assert merged(tmp_path, *run[1], *sarif)[0].code == 1
    assert merged(tmp_path, run[1][0], *sarif[1:])[0].code == 1
    other = changed(run[1][0], tmp_path, lambda report: report["verdict"]["reasons"].append("more"))
    assert merged(tmp_path, other, *sarif)[0].code == 2


def drop(report: dict[str, Any], name: str) -> None:
    """Takes the first item of a list out."""
    del report[name][0]


def quieter(report: dict[str, Any]) -> None:
    """Makes what blocks a mere remark, and the verdict agree."""
    count = sum(item["status"] == "blocking" for item in report["findings"])
    for item in report["findings"]:
        item["status"] = "reported"
    report["verdict"].update(result="passed", exit_code=0, blocking=0, reported=report["verdict"]["reported"] + count)


def emptied(report: dict[str, Any]) -> None:
    """Takes all findings out and lets the verdict agree, but for its reasons."""
    report["findings"] = []
    report["verdict"].update(blocking=0, reported=0)


def again(report: dict[str, Any]) -> None:
    """Tells a finding that does not count twice, and lets the verdict agree."""
    known = next(item for item in report["findings"] if item["status"] == "reported")
    report["findings"].append(known)
    report["verdict"]["reported"] += 1


FORGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "a finding less": lambda report: drop(report, "findings"),
    "a server less": lambda report: drop(report, "servers"),
    "no finding": emptied,
    "not blocking": quieter,
    "passed": lambda report: report["verdict"].update(result="passed", exit_code=0),
    "incomplete without a gap": lambda report: report["verdict"].update(result="incomplete", exit_code=4),
    "another part": lambda report: report["shard"].update(number=report["shard"]["number"] % 3 + 1),
    "no number": lambda report: report["shard"].update(number="3"),
    "true as number": lambda report: report["shard"].update(number=True),
    "too many parts": lambda report: (report["shard"].update(parts=10**9), report["mode"].update(shard=f"3/{10**9}")),
    "an unknown rule": lambda report: report["findings"][0].update(rule="made-up"),
    "an unknown severity": lambda report: report["findings"][0].update(severity="grave"),
    "an unknown status": lambda report: report["findings"][0].update(status="forgiven"),
    "an unknown threshold": lambda report: report["shard"]["run"].update(fail_on="often"),
    "more in it": lambda report: report.update(more=1),
    "less in it": lambda report: report.pop("not_assessed"),
    "a list as object": lambda report: report.update(servers={}),
    "a number as path": lambda report: report["findings"][0]["location"].update(path=7),
    "line zero": lambda report: report["findings"][0]["location"].update(start_line=0),
    "a fingerprint that is none": lambda report: report["findings"][0].update(fingerprint="x" * 32),
    "an endless file": lambda report: report["shard"]["sources"][".mcp.json"].update(count=10**12),
    "a line that is none": lambda report: report["shard"]["sources"][".mcp.json"]["lines"].update({"-1": "x"}),
    "a span backwards": lambda report: report["shard"]["sources"][".mcp.json"]["hidden"].update({"1": [[9, 1]]}),
    "a server too many": lambda report: report["shard"]["servers"].update(all=99),
    "a list as launch": lambda report: report["servers"][0].update(launch=[]),
    "a risk out of bounds": lambda report: report["servers"][0]["risk"].update(score=11),
    "a risk in words": lambda report: report["servers"][0]["risk"].update(score="low"),
    "text for true": lambda report: report["servers"][0].update(pinned="yes"),
    "a list of sources": lambda report: report["shard"].update(sources=[]),
    "another form of part": lambda report: report["shard"].update(version=99),
    "another form of report": lambda report: report.update(schema_version=99),
    "a finding twice": lambda report: again(report),
    "a place of the servers twice": lambda report: report["shard"]["servers"]["own"].__setitem__(0, report["shard"]["servers"]["own"][-1]),
    "no shard": lambda report: report.pop("shard"),
    "a list": lambda report: report.update(mode=[]),
}


@pytest.mark.parametrize("elsewhere", [".github/workflows/ci.yml", "../.bashrc"])
def test_a_fix_for_another_file_than_its_finding_is_in_is_refused(elsewhere: str, tmp_path: Path) -> None:
    root = tmp_path / "r"
    root.mkdir()
    (root / ".mcp.json").write_text(json.dumps({"mcpServers": {"one": {"command": "npx", "env": {"GITHUB_TOKEN": token("github")}}}}))
    (file,) = parts(Made(root, (), 1), tmp_path, 1)
    assert len(json.loads(Path(file).read_text("utf-8"))["shard"]["fixes"]) == 1

    def move(report: dict[str, Any]) -> None:
        for fix in report["shard"]["fixes"].values():
            fix["edits"][0]["location"]["path"] = elsewhere

    def unbind(report: dict[str, Any]) -> None:
        report["shard"]["fixes"] = {"0" * 32: next(iter(report["shard"]["fixes"].values()))}

    for change in (move, unbind):
        ran, _ = merged(tmp_path, changed(file, tmp_path, change))
        assert (ran.code, "a fix is for another file" in ran.err) == (2, True)


@pytest.mark.parametrize("how", FORGED)
def test_a_report_that_was_changed_never_passes(run: tuple[Made, list[str]], how: str, tmp_path: Path) -> None:
    blocking = next(number for number, file in enumerate(run[1]) if json.loads(Path(file).read_text("utf-8"))["verdict"]["blocking"])
    others = [file for number, file in enumerate(run[1]) if number != blocking]
    ran, report = merged(tmp_path, *others, changed(run[1][blocking], tmp_path, FORGED[how]))
    assert (ran.code, report) == (2, {}), how
    assert ran.err.startswith("mcp-audit: ")
    assert ran.err.count("\n") == 1


RAW: dict[str, bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "no JSON": b"hello",
    "not UTF-8": b'{"a": "\xff"}',
    "deep": b"[" * 100_000,
    "deep objects": b'{"runs":' * 5_000,
    "twice a key": b'{"schema_version": 1, "schema_version": 1}',
    "a comment": b"// x\n{}",
    "a long number": b'{"schema_version": ' + b"9" * 5_000 + b"}",
    "NaN": b'{"schema_version": NaN}',
    "SARIF of another": b'{"version": "2.1.0", "runs": [{"tool": {}}]}',
    "SARIF with nothing": b'{"version": "2.1.0", "runs": 7}',
    "a whole run": b"@whole@",
    "controls": b'{"\\u001b]0;x\\u0007##[error]": "\\u202e"}',
}


@pytest.mark.parametrize("what", RAW)
def test_what_is_no_report_of_a_part_is_refused(run: tuple[Made, list[str]], what: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.json"
    file.write_bytes(RAW[what])
    if what == "a whole run":
        Ran(run[0].root, "scan", "--skip-connect", *run[0].options, "-o", f"json={file}")
    ran, report = merged(tmp_path, *run[1][:2], file)
    assert (ran.code, report) == (2, {})
    assert "odd.json:1:" in ran.err
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_report_that_ends_too_early_is_refused(run: tuple[Made, list[str]], share: float, tmp_path: Path) -> None:
    file = tmp_path / "short.json"
    data = Path(run[1][2]).read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    ran, report = merged(tmp_path, *run[1][:2], file)
    assert (ran.code, report, "ends too early" in ran.err or "not valid JSON" in ran.err) == (2, {}, True)


def test_repeated_keys_in_a_report_are_refused(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    file = tmp_path / "twice.json"
    text = Path(run[1][2]).read_text("utf-8")
    file.write_text(text.replace('"exit_code"', '"exit_code": 0, "exit_code"'), encoding="utf-8")
    assert merged(tmp_path, *run[1][:2], file)[0].code == 2


def test_a_file_that_is_none_is_refused(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in ("gone.json", ".", "pipe"):
        ran, _ = merged(tmp_path, *run[1][:2], file)
        assert (ran.code, file in ran.err) == (2, True)


def test_a_report_that_is_too_large_is_refused(run: tuple[Made, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_audit_gate.merge.MAX_BYTES", 1000)
    ran, _ = merged(tmp_path, *run[1])
    assert (ran.code, "larger than" in ran.err) == (2, True)


def test_what_a_part_could_not_assess_stays_so(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    root = tmp_path / "broken"
    shutil.copytree(run[0].root, root)
    (root / ".cursor" / "mcp.json").write_text('{"mcpServers": ')
    ran, report = merged(tmp_path, *parts(Made(root, ("--fail-on", "never", "--exit-zero"), 3), tmp_path, 3))
    assert ran.code == 4
    assert [item["path"] for item in report["not_assessed"]] == [".cursor/mcp.json"]


def test_a_secret_in_a_report_is_not_repeated(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    secret = token("github", 7)

    def spread(report: dict[str, Any]) -> None:
        report["findings"][0].update(message=f"see {secret}", remediation=secret, subject=secret)
        report["servers"][0].update(name=secret, evidence=[secret], launch={"command": secret, "env": {secret: secret}})
        lines = report["shard"]["sources"][report["findings"][0]["location"]["path"]]["lines"]
        lines.update({number: f"{text} {secret} \x1b[31m ##[error]x" for number, text in lines.items()})
        report["shard"]["told"] = []

    number = next(number for number, file in enumerate(run[1]) if json.loads(Path(file).read_text("utf-8"))["findings"])
    files = [changed(file, tmp_path, spread) if at == number else file for at, file in enumerate(run[1])]
    ran = told(tmp_path, tmp_path, "all", "merge", *map(str, files))
    assert ran.code == 1
    for end in FORMATS.values():
        written = (tmp_path / f"all.{end}").read_text("utf-8")
        assert secret not in written
        assert secret[8:] not in written
        assert "\x1b" not in written
        assert "##[" not in written


def test_many_hidden_spans_of_a_long_line_cost_no_product_of_both(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    def spread(report: dict[str, Any]) -> None:
        source = next(iter(report["shard"]["sources"].values()))
        number = next(iter(source["lines"]))
        source["lines"][number] = "x" * 1_000_000
        source["hidden"] = {number: [[at, at + 3] for at in range(0, 100_000, 2)]}

    started = time.perf_counter()
    assert merged(tmp_path, changed(run[1][0], tmp_path, spread), *run[1][1:])[0].code == 1
    assert time.perf_counter() - started < 8


def test_shard_wants_a_part_of_a_number(tmp_path: Path) -> None:
    for text in ("0/3", "4/3", "1/0", "1", "1/2/3", "-1/3", "1/1001", "a/b", "\u0661/3", "1/99999999999"):
        ran = Ran(tmp_path, "scan", "--skip-connect", "--shard", text)
        assert (ran.code, "--shard" in ran.err) == (2, True), text


def test_shard_is_about_what_all_machines_have(tmp_path: Path) -> None:
    assert Ran(tmp_path, "scan", "--skip-connect", "--shard", "1/2", "--user").code == 2
    assert Ran(tmp_path, "watch", "--skip-connect", "--shard", "1/2").code == 2


def test_nothing_to_judge_is_empty_in_every_part(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    repository = Made(tmp_path / "r", (), 2)
    assert [Ran(repository.root, "scan", "--skip-connect", "--shard", f"{number}/2").code for number in (1, 2)] == [3, 3]
    assert merged(tmp_path, *parts(repository, tmp_path, 2))[0].code == 3
    assert merged(tmp_path, *parts(Made(repository.root, ("--allow-empty",), 2), tmp_path, 2))[0].code == 0


def test_a_merged_report_is_a_baseline(run: tuple[Made, list[str]], tmp_path: Path) -> None:
    ran, _ = merged(tmp_path, *run[1])
    assert ran.code == 1
    assert Ran(run[0].root, "scan", "--skip-connect", "--new-only", "--baseline", str(tmp_path / "merged.json")).code == 0
