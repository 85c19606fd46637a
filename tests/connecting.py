"""What the tests of connecting share: targets that run the raw server, and one run of `observe` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "servers"
RAW, OFFICIAL = str(HERE / "raw.py"), str(HERE / "official.py")
MISSING = "the extra `connect` is not installed"

Target = dict[str, Any]


def raw(behaviour: str, mark: str = "", **more: Any) -> Target:
    """A target that starts the raw server."""
    return {"name": behaviour, "transport": "stdio", "command": sys.executable, "args": [RAW, behaviour, mark], **more}


class Run:
    """The outcome of one run: observations by name, in `seen`."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        self.printed = done.stderr
        self.steps: list[tuple[int, str]] = [tuple(step) for step in found["steps"]]
        self.seconds: float = found["seconds"]
        self.megabytes: float = found["megabytes"]
        self.seen: dict[str, dict[str, Any]] = {one["name"]: one for one in found["seen"]}
        assert len(self.seen) == len(found["seen"]), "two targets of one name"

    def surface(self, name: str) -> dict[str, Any]:
        """The surface of a server that was assessed."""
        one = self.seen[name]
        assert one["failures"] == [], one["failures"]
        found: dict[str, Any] = one["surface"]
        return found

    def names(self, name: str) -> list[str]:
        """The names of its tools."""
        return [tool["name"] for tool in self.surface(name)["tools"]]

    def failure(self, name: str) -> str:
        """Step, reason and hint of a server that was not assessed, on one line."""
        one = self.seen[name]
        assert one["surface"] is None, f"{name} was assessed"
        return "; ".join(one["failures"][0][part] for part in ("step", "reason", "hint"))

    def notes(self, name: str) -> list[str]:
        """The kinds of what else was seen of a server."""
        return [note["kind"] for note in self.seen[name]["notes"]]


def observed(targets: list[Target], timeout_s: float = 10.0, environ: dict[str, str] | None = None, **options: Any) -> Run:
    """Observes targets."""
    given = {"targets": targets, "options": {"timeout_s": timeout_s, "environ": environ or {"PATH": os.environ["PATH"]}, **options}}
    command = [sys.executable, "-W", "default", str(HERE / "observing.py")]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, encoding="utf-8", timeout=90, check=False)
    return Run(done)


def alive(mark: str) -> list[str]:
    """The command lines of processes that carry a mark (Linux; elsewhere as ps shows them)."""
    lines = subprocess.run(
        ["ps", "-A", "-ww", "-o", "stat=,args="], capture_output=True, encoding="utf-8", errors="replace", check=True
    ).stdout.splitlines()
    return [line for line in lines if mark in line and not line.startswith("Z")]


class Address:
    """The raw server on loopback, while entered."""

    def __init__(self, behaviour: str, log: Path | None = None) -> None:
        env = {**os.environ, **({"RAW_LOG": str(log)} if log else {})}
        self._process = subprocess.Popen([sys.executable, RAW, "--http", behaviour], stdout=subprocess.PIPE, env=env)
        self._log = log
        self.port = 0

    def __enter__(self) -> Address:
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdout
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def target(self, name: str, kind: str = "http", **more: Any) -> Target:
        """A target at its address."""
        return {"name": name, "transport": kind, "url": f"http://127.0.0.1:{self.port}/{'sse' if kind == 'sse' else 'mcp'}", **more}

    def requests(self) -> list[tuple[str, str, dict[str, str]]]:
        """Method, path and headers (names in lower case) of what came in."""
        if self._log is None or not self._log.exists():
            return []
        found = [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]
        return [(method, path, {name.lower(): value for name, value in headers.items()}) for method, path, headers in found]
