"""Real git repositories for tests, made with a clean configuration: nothing of the developer's own is read or run."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from fakes import token

from mcp_audit_gate.cli import main

VARIABLES = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_AUTHOR_DATE": "2026-11-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-11-01T00:00:00Z",
}
NOW = "2026-11-22"
PINNED = {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "./docs"]}


def servers(**entries: object) -> str:
    """A config with these servers."""
    return json.dumps({"mcpServers": entries}, indent=2) + "\n"


def leaking() -> dict[str, object]:
    """A server with a credential in its config, which blocks under every policy that blocks at high."""
    return {**PINNED, "env": {"GITHUB_TOKEN": token("github")}}


class Run:
    """What a scan said: the exit code, the JSON report (or None), standard output and error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.report = json.loads(out) if out.startswith("{") else None

    def found(self, rule: str, **wanted: str) -> list[dict[str, object]]:
        """The findings of a rule; path, server, status and severity narrow them."""
        assert self.report is not None, self.err
        return [
            item
            for item in self.report["findings"]
            if item["rule"] == rule and all((item["location"]["path"] if key == "path" else item[key]) == value for key, value in wanted.items())
        ]

    @property
    def rules(self) -> set[str]:
        """The ids of all rules that found something."""
        assert self.report is not None, self.err
        return {item["rule"] for item in self.report["findings"]}


class Repository:
    """A git repository in a folder, with a working tree."""

    def __init__(self, root: Path, files: dict[str, str] | None = None) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", ".")
        if files is not None:
            self.commit("first", files)

    def git(self, *words: str, **variables: str) -> str:
        """The output of a git command that must succeed."""
        environment = {**os.environ, **VARIABLES, **variables}
        done = subprocess.run(["git", *words], cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        """Puts files into the working tree."""
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")

    def commit(self, subject: str, files: dict[str, str] | None = None, gone: tuple[str, ...] = ()) -> str:
        """Commits what the working tree holds after these changes; the id of the commit."""
        for path in gone:
            (self.root / path).unlink()
        self.write(files or {})
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def scan(self, *words: str, folder: str = "", **variables: str) -> Run:
        """An offline scan with a JSON report, run in this process from a folder of the repository."""
        out, err = Path(tempfile.mkdtemp()) / "report.json", io.StringIO()
        before, here = dict(os.environ), os.getcwd()
        os.environ.update({**VARIABLES, **variables})
        os.chdir(self.root / folder)
        try:
            with contextlib.redirect_stderr(err):
                code = main(["scan", "--skip-connect", "-o", f"json={out}", "--now", NOW, *words])
        finally:
            gc.enable()
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)
        text = out.read_text(encoding="utf-8") if out.exists() else ""
        shutil.rmtree(out.parent)
        return Run(code, text, err.getvalue())

    def judge(self, base: str, *words: str, folder: str = "", **variables: str) -> Run:
        """A scan that trusts a revision."""
        return self.scan("--trusted-ref", base, *words, folder=folder, **variables)
