"""What leaves its server's group is caught on Linux, and nothing else is touched."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mcp_audit_gate.live.orphans import Orphans, children

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes that leave their group can be caught on Linux only")

# Two forks and a session of its own; the grandchild tells its number and sleeps.
LEAVE = (
    "import os, sys, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    "        print(os.getpid(), flush=True); os.close(1); time.sleep(60)\n"
    "    os._exit(0)\n"
    "os.wait()\n"
)


def leave() -> int:
    done = subprocess.run([sys.executable, "-c", LEAVE], stdout=subprocess.PIPE, check=True, timeout=20)
    return int(done.stdout)


def test_a_process_that_left_is_ended() -> None:
    with Orphans():
        left = leave()
        assert left in children()
    assert not os.path.exists(f"/proc/{left}")


def test_children_that_were_there_before_are_spared() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as before:
        with Orphans():
            left = leave()
        assert before.poll() is None
        before.kill()
    assert not os.path.exists(f"/proc/{left}")


def test_afterwards_orphans_are_not_ours() -> None:
    with Orphans():
        pass
    left = leave()
    assert left not in children()
    os.kill(left, 9)
