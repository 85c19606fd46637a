from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time

import pytest

from mcp_audit_gate.errors import LockError, UsageError
from mcp_audit_gate.lock import update
from mcp_audit_gate.lock.lockfile import observed, read, write
from mcp_audit_gate.lock.match import key
from mcp_audit_gate.lock.update import alone, replaced, rewrite
from mcp_audit_gate.model import Surface

LOCK = "mcp-audit.lock.json"
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX: forks and kills")


def pin(name, *args, tools=("ping",)):
    definitions = tuple({"name": tool, "description": "Line one.\nLine two." * 20, "inputSchema": {"type": "object"}} for tool in tools)
    return observed(name, {"transport": "stdio", "command": "node", "args": list(args)}, Surface(tools=definitions))


def keys(*pins):
    return [key(one.name, one.launch) for one in pins]


def named(pins):
    return [(one.name, one.launch["args"]) for one in pins]


def test_a_new_pin_takes_the_place_of_the_one_of_the_same_launch():
    old, new = pin("a", "x"), pin("a", "x", tools=("pong",))
    assert replaced([old, pin("b")], [new], keys(old)) == (new, pin("b"))


def test_a_record_whose_launch_nobody_has_any_more_goes_with_its_name():
    old, new, other = pin("a", "x@1"), pin("a", "x@2"), pin("b", "y")
    assert named(replaced([old, other], [new], keys(new))) == [("b", ["y"]), ("a", ["x@2"])]
    assert named(replaced([old, other], [new], keys(new, old))) == [("a", ["x@1"]), ("b", ["y"]), ("a", ["x@2"])]


def test_pins_of_other_names_stay_until_they_are_pruned():
    kept, dropped = pin("a"), pin("b")
    assert replaced([kept, dropped], [], keys(kept)) == (kept, dropped)
    assert replaced([kept, dropped], [], keys(kept), prune=True) == (kept,)


def test_what_does_not_change_is_not_written(tmp_path):
    file = tmp_path / LOCK
    assert rewrite(str(file), lambda pins: (pin("a"),))
    before = file.stat().st_mtime_ns
    assert not rewrite(str(file), lambda pins: pins)
    assert file.stat().st_mtime_ns == before
    assert [item.name for item in tmp_path.iterdir()] == [LOCK]


@posix
def test_the_mode_of_the_file_stays(tmp_path):
    file = tmp_path / LOCK
    rewrite(str(file), lambda pins: (pin("a"),))
    file.chmod(0o640)
    rewrite(str(file), lambda pins: (pin("b"),))
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_link_to_the_lockfile_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / LOCK).symlink_to(tmp_path / "real" / LOCK)
    rewrite(str(tmp_path / LOCK), lambda pins: (pin("a"),))
    assert (tmp_path / LOCK).is_symlink()
    assert json.loads((tmp_path / "real" / LOCK).read_text())["servers"][0]["name"] == "a"


def test_what_is_no_lockfile_is_not_overwritten(tmp_path):
    file = tmp_path / LOCK
    file.write_text("<<<<<<< HEAD\n")
    with pytest.raises(LockError):
        rewrite(str(file), lambda pins: (pin("a"),))
    assert file.read_text() == "<<<<<<< HEAD\n"


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / f"{LOCK}.1234.tmp").write_text("half")
    rewrite(str(tmp_path / LOCK), lambda pins: (pin("a"),))
    assert [item.name for item in tmp_path.iterdir()] == [LOCK]


def test_when_it_cannot_be_written_the_old_file_stays_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / LOCK
    rewrite(str(file), lambda pins: (pin("a"),))
    before = file.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        rewrite(str(file), lambda pins: (pin("b"),))
    assert file.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == [LOCK]


def test_many_at_once_lose_nothing(tmp_path):
    file = str(tmp_path / LOCK)
    names = [f"s{number}" for number in range(24)]
    start = threading.Barrier(len(names))

    def one(name):
        start.wait()
        rewrite(file, lambda pins: replaced(pins, [pin(name)], ()))

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.name for one in read(LOCK, (tmp_path / LOCK).read_bytes()).pins] == sorted(names)


@posix
def test_killed_two_hundred_times_the_file_is_the_old_or_the_new_one(tmp_path):
    file = tmp_path / LOCK
    states = [tuple(pin(f"s{number}", tools=(tool,)) for number in range(6)) for tool in ("ping", "pong")]
    valid = [write(state) for state in states]
    file.write_bytes(valid[0])
    chance = random.Random(4)
    changed = 0
    for _ in range(200):
        before = file.read_bytes()
        child = os.fork()
        if child == 0:
            try:
                while True:
                    for state in states:
                        rewrite(str(file), lambda pins, state=state: state)
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        after = file.read_bytes()
        assert after in valid
        changed += after != before
    assert changed > 20, "the runs were killed before they wrote anything"
    rewrite(str(file), lambda pins: states[1])
    assert file.read_bytes() == valid[1]
    assert [item.name for item in tmp_path.iterdir()] == [LOCK]


if sys.platform == "win32":  # the marker file that stands for a lock on the folder
    import mcp_audit_gate.lock.update as update

    def test_a_held_lock_is_waited_for_and_then_told(tmp_path, monkeypatch):
        monkeypatch.setattr(update, "WAIT_S", 0.2)
        (tmp_path / f".{LOCK}.writing").touch()
        with pytest.raises(Exception, match="another mcp-audit pin"):
            rewrite(str(tmp_path / LOCK), lambda pins: (pin("a"),))
else:

    def test_a_held_lock_is_waited_for_and_then_told(tmp_path, monkeypatch):
        import fcntl

        import mcp_audit_gate.lock.update as update

        monkeypatch.setattr(update, "WAIT_S", 0.2)
        held = os.open(tmp_path, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Exception, match="another mcp-audit pin"):
            rewrite(str(tmp_path / LOCK), lambda pins: (pin("a"),))
        os.close(held)


def test_where_folders_cannot_be_locked_a_file_beside_keeps_others_out(tmp_path, monkeypatch):
    file, marker = tmp_path / LOCK, tmp_path / f".{LOCK}.writing"
    monkeypatch.setattr(update.os, "name", "nt")
    told = []
    with alone(str(file)):
        assert marker.exists()
        with pytest.raises(UsageError, match=r"another mcp-audit pin has held .* for 0 s; end it, or try again"), alone(str(file), 0.0):
            raise AssertionError("both hold it")
        assert marker.exists(), "what another holds stays"
    assert not marker.exists()
    marker.write_text("")
    with alone(str(file), 10.0, lambda: (told.append("waits"), marker.unlink())):
        assert told == ["waits"]
    with pytest.raises(ZeroDivisionError), alone(str(file)):
        raise ZeroDivisionError
    assert not marker.exists()
