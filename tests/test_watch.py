"""watch: the verdict follows the files, whatever happens to them, and nothing is started with --skip-connect."""

from __future__ import annotations

import itertools
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fakes import token
from locks import LOCK, complete
from repos import PINNED, Repository, leaking, servers

pytest.importorskip("watchfiles", reason="watching needs the extra `watch`")

from watchfiles import Change

from mcp_audit_gate.cli import main
from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.live import watch

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")


class Watching:
    """A watch in a process of its own, its lines as they come."""

    def __init__(self, root: Path, *words: str) -> None:
        command = [sys.executable, "-m", "mcp_audit_gate", "watch", "--now", "2026-11-22", *words]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONIOENCODING": "utf-8"}
        self.process = subprocess.Popen(
            command, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream) -> None:
        for line in stream:
            self.lines.put(line.rstrip("\n"))

    def until(self, *parts: str) -> list[str]:
        """The lines up to the first that holds all of these words."""
        found = []
        while True:
            try:
                found.append(self.lines.get(timeout=30))
            except queue.Empty:
                raise AssertionError(f"no line with {parts} after {self.seen + found}") from None
            if all(part in found[-1] for part in parts):
                self.seen += found
                return found

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture
def watching(tmp_path):
    """Begins a watch in tmp_path; ended with the test."""
    (tmp_path / ".git").mkdir()
    begun: list[Watching] = []

    def begin(*words: str, folder: Path = tmp_path) -> Watching:
        begun.append(Watching(folder, *(words or ("--skip-connect",))))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.terminate()  # it ends as it does for users; only one that does not is killed
        try:
            one.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            one.process.kill()
            one.process.wait()
        one.process.stdout.close()
        one.process.stderr.close()


def test_the_verdict_follows_the_configs(tmp_path, watching):
    config = tmp_path / ".mcp.json"
    config.write_text(servers(files=PINNED))
    run = watching()
    assert not any("literal-secret" in line for line in run.until("watching"))
    config.write_text(servers(files=leaking()))
    shown = run.until("since the last run")
    assert any(line.startswith("  new: error[literal-secret] .mcp.json:") for line in shown)
    assert "passed, now failed" in shown[-1]
    (tmp_path / "sub" / ".cursor").mkdir(parents=True)
    (tmp_path / "sub" / ".cursor" / "mcp.json").write_text(servers(files=leaking()))
    assert any("new: error[literal-secret] sub/.cursor/mcp.json" in line for line in run.until("since the last run", "failed"))
    (tmp_path / "sub").rename(tmp_path / "node_modules")
    assert any("gone: error[literal-secret] sub/.cursor/mcp.json" in line for line in run.until("since the last run", "failed"))
    config.unlink()
    assert "failed, now empty" in run.until("since the last run")[-1]
    assert not any(token("github") in line for line in run.seen)


def test_the_verdict_follows_the_script_that_a_pinned_server_runs(tmp_path, watching):
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {"files": {"command": "node", "args": ["./files.js"]}}}))
    (tmp_path / "files.js").write_text("serve()\n")
    (tmp_path / LOCK).write_bytes(complete(tmp_path, {"name": "files"}))
    run = watching()
    run.until("watching")
    (tmp_path / "files.js").write_text("serve(1)\n")
    assert any("new: warning[repo-script-changed]" in line for line in run.until("since the last run", "passed"))


def test_what_is_broken_for_a_while_is_judged_again_when_it_is_well(tmp_path, watching):
    config, policy = tmp_path / ".mcp.json", tmp_path / "mcp-audit.yaml"
    config.write_text(servers(files=PINNED))
    run = watching()
    run.until("watching")
    config.write_text('{"mcpServers": {')
    assert "passed, now incomplete" in run.until("since the last run")[-1]
    config.write_text(servers(files=PINNED))
    assert "incomplete, now passed" in run.until("since the last run")[-1]
    policy.write_text("version: 7\n")
    run.until("not judged: mcp-audit.yaml:1:")
    policy.write_text("version: 1\ndeny: {servers: []}\n")
    run.until("not judged")
    policy.write_text("version: 1\nallow: {servers: [other]}\n")
    assert "passed, now failed" in run.until("since the last run")[-1]
    (tmp_path / "mcp-audit.lock.json").write_text("{")
    run.until("not judged: mcp-audit.lock.json")
    (tmp_path / "mcp-audit.lock.json").unlink()
    assert "still failed" in run.until("the last run")[-1]


def test_another_folder_in_the_place_of_the_watched_one_is_judged(tmp_path, watching):
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    (root / ".mcp.json").write_text(servers(files=PINNED))
    run = watching("--skip-connect", folder=root)
    run.until("watching")
    root.rename(tmp_path / "old")
    run.until("not judged")
    (tmp_path / "new" / ".git").mkdir(parents=True)
    (tmp_path / "new" / ".mcp.json").write_text(servers(files=leaking()))
    (tmp_path / "new").rename(root)
    assert "passed, now failed" in run.until("since the last run", "failed")[-1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes as POSIX has them")
def test_nothing_in_a_configs_place_stops_it(tmp_path, watching):
    config = tmp_path / ".mcp.json"
    config.write_text(servers(files=PINNED))
    run = watching()
    run.until("watching")
    for make in (lambda: os.mkfifo(config), lambda: config.symlink_to(config.name), lambda: config.symlink_to("/dev/zero")):
        config.unlink()
        make()
        run.until("since the last run", "incomplete")
    config.unlink()
    config.write_text(servers(files=leaking()))
    assert "incomplete, now failed" in run.until("since the last run", "failed")[-1]


def test_a_storm_of_changes_is_few_scans_and_ends_with_the_last_state(tmp_path, watching):
    config = tmp_path / ".mcp.json"
    config.write_text(servers(files=PINNED))
    run = watching()
    run.until("watching")
    for number in range(1000):
        config.write_text(servers(files=leaking() if number % 2 else PINNED, more={**PINNED, "env": {"N": str(number)}}))
    (tmp_path / "mcp-audit.yaml").write_text("version: 1\nallow: {servers: [nobody]}\n")
    while not any("new: error[server-not-allowed]" in line for line in run.until("the last run")):
        pass
    assert sum(line.startswith("---") for line in run.seen) < 100


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("where", ["repository", "worktree"])
def test_the_state_of_git_is_watched_where_it_decides(tmp_path, watching, where):
    made = Repository(tmp_path / "repository", {".mcp.json": servers(files=PINNED)})
    if where == "worktree":
        made.git("worktree", "add", "-q", str(tmp_path / "worktree"), "-b", "topic")
    here = Repository(tmp_path / where)
    run = watching("--skip-connect", "--staged", folder=here.root)
    run.until("watching")
    here.write({".mcp.json": servers(files=leaking())})
    run.until("the last run")
    here.git("add", "-A")
    assert "passed, now failed" in run.until("since the last run", "failed")[-1]
    assert run.end() == 0


def test_the_configs_of_home_are_watched_with_user(tmp_path, watching, monkeypatch):
    home, project = tmp_path / "home", tmp_path / "project"
    (home / ".cursor").mkdir(parents=True)
    (project / ".git").mkdir(parents=True)
    (home / ".cursor" / "mcp.json").write_text(servers(files=PINNED))
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    run = watching("--skip-connect", "--user", folder=project)
    assert any(".cursor/mcp.json" in line for line in run.until("watching"))
    (home / ".cursor" / "mcp.json").write_text(servers(files=leaking()))
    assert "passed, now failed" in run.until("since the last run", "failed")[-1]


def test_without_notifications_the_folders_are_polled(monkeypatch):
    asked = []

    def changes(*folders, force_polling, **more):
        asked.append((folders, force_polling))
        if not force_polling:
            raise OSError(28, "inotify watch limit reached")
        yield {(Change.added, "/a/new"), (Change.modified, "/a/old")}

    monkeypatch.setattr("watchfiles.watch", changes)
    assert sorted(next(watch._bursts(("/a",)))) == [(False, "/a/old"), (True, "/a/new")]
    assert asked == [(("/a",), None), (("/a",), True)]


def test_folders_that_cannot_even_be_polled_end_it(monkeypatch):
    def changes(*folders, **more):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("watchfiles.watch", changes)
    with pytest.raises(OSError, match="Input/output"):
        next(watch._bursts(("/a",)))


def test_a_folder_that_is_exchanged_while_the_last_one_is_judged_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "_bursts", lambda folders: itertools.repeat((), 9))
    root, kept = tmp_path / "project", itertools.count()

    def exchange() -> None:
        root.rename(tmp_path / f"old {next(kept)}")
        root.mkdir()

    root.mkdir()
    seen = watch.Watched((str(root),))
    told = watch._changes(seen, watch._Seen(seen))
    assert next(told) == frozenset()
    for _ in range(3):
        exchange()
        assert next(told) == {str(root)}


def test_a_folder_that_comes_back_is_told_when_its_files_are_watched_again(tmp_path, monkeypatch):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(watch, "_bursts", lambda folders: begun.append(folders) or itertools.repeat((), 9))
    root = tmp_path / "project"
    root.mkdir()
    seen = watch.Watched((str(root),))
    told = watch._changes(seen, watch._Seen(seen))
    next(told)
    root.rename(tmp_path / "old")
    assert (next(told), begun[1:]) == ({str(root)}, [()])
    root.mkdir()
    assert (next(told), begun[2:]) == ({str(root)}, [(str(root),)])


def test_a_folder_that_is_gone_before_it_is_watched_is_left_to_the_caller(monkeypatch):
    def changes(*folders, **more):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("watchfiles.watch", changes)
    assert list(watch._bursts(("/a",))) == [()]


def test_other_files_start_no_scan(tmp_path, watching):
    (tmp_path / ".mcp.json").write_text(servers(files=PINNED))
    (tmp_path / "node_modules").mkdir()
    run = watching("--skip-connect", "-o", "text", "-o", "json=mcp.json")
    run.until("watching")
    (tmp_path / "node_modules" / ".mcp.json").write_text(servers(files=leaking()))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "mcp-audit.yaml").write_text("version: 1\n")
    assert [line for line in run.until("the last run") if line.startswith("---")] == ["--- mcp-audit.yaml changed"]


def test_a_report_on_standard_output_stays_alone(tmp_path, watching):
    (tmp_path / ".mcp.json").write_text(servers(files=PINNED))
    run = watching("--skip-connect", "-o", "json")
    run.until("watching")
    (tmp_path / ".mcp.json").write_text(servers(files=leaking()))
    run.until("since the last run")
    run.end()
    rest = run.seen + [run.lines.get() for _ in range(run.lines.qsize())]
    text = "\n".join(line for line in rest if line[:1] in ("{", "}", " ") and not line.startswith("  new:"))
    first, end = json.JSONDecoder().raw_decode(text)
    second, _ = json.JSONDecoder().raw_decode(text[end:].lstrip())
    assert [report["verdict"]["result"] for report in (first, second)] == ["passed", "failed"]


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told(tmp_path, watching, number):
    (tmp_path / ".mcp.json").write_text(servers(files=leaking()))
    run = watching()
    run.until("watching")
    assert run.end(number) == 0
    assert not any("Traceback" in line for line in run.seen)


@POSIX
def test_it_ends_while_it_asks_a_server_and_so_does_the_server(tmp_path, watching):
    pytest.importorskip("mcp", reason="connecting needs the extra `connect`")
    mark = tmp_path / "started"
    hanging = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(300)"
    (tmp_path / ".mcp.json").write_text(servers(slow={"command": sys.executable, "args": ["-c", hanging]}))
    run = watching("--allow-launch", "slow")
    until = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert run.end() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_nothing_is_started(tmp_path, watching):
    mark = tmp_path / "started"
    (tmp_path / ".mcp.json").write_text(servers(bad={"command": sys.executable, "args": ["-c", f"open({str(mark)!r}, 'w')"]}))
    run = watching()
    run.until("watching")
    (tmp_path / ".mcp.json").write_text(servers(bad={"command": sys.executable, "args": ["-c", f"open({str(mark)!r}, 'w').close()"]}))
    run.until("the last run")
    assert not mark.exists()


@pytest.mark.parametrize(("words", "said"), [(["gone"], "no such file"), (["-o", "pdf"], "no format"), (["--client", "x"], "no client")])
def test_wrong_use_ends_it(words, said, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watch, "_end_on_sigterm", lambda: None)
    assert main(["watch", "--skip-connect", *words]) == 2
    assert said in capfd.readouterr().err


@pytest.mark.parametrize("text", ["gitdir: a\0b", "gitdir: " + "a/" * 3000, "\xff"])
def test_a_git_file_that_names_no_folder_ends_it(text, tmp_path, monkeypatch, capfd):
    (tmp_path / ".git").write_text(text, "latin-1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watch, "_end_on_sigterm", lambda: None)
    assert main(["watch", "--skip-connect", "--staged"]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"mcp-audit-gate\[watch\]"):
        watch.need_extra()
