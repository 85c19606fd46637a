"""What the commands that connect need from the command line and the environment: the extra, consent, options, a person to ask."""

from __future__ import annotations

import os
import sys

from mcp_audit_gate import streams
from mcp_audit_gate.change import altered
from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.live.attach import Connection
from mcp_audit_gate.live.consent import Consent
from mcp_audit_gate.live.observation import Options
from mcp_audit_gate.live.pin import Request, Talk, run
from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from datetime import date
    from typing import TextIO

    from mcp_audit_gate.change import Trusted
    from mcp_audit_gate.gate import Connect
    from mcp_audit_gate.live.attach import Server
    from mcp_audit_gate.live.connect import Progress
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.report.differences import Differences
    from mcp_audit_gate.sources.discover import WorkingTree

SECONDS, SERVERS = 30.0, 16  # what a served scan grants each server, and how many at once; the defaults of scan


def need_extra(command: str) -> None:
    """Raises UsageError, before anything is done, when the client library is not installed."""
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        if command == "serve":
            raise UsageError("serve speaks MCP, which needs the extra `connect`", "pip install 'mcp-audit-gate[connect]'")
        hint = "pip install 'mcp-audit-gate[connect]'" + (", or judge files only with --skip-connect" if command == "scan" else "")
        raise UsageError(f"{command} connects to servers, which needs the extra `connect`", hint)


def connection(chosen: argparse.Namespace, root: str, pinning: bool = False, rev: Trusted | None = None) -> Connection:
    """How this run may connect. In CI the lockfile of the working tree allows no start; that of a trusted revision does, and no name does."""
    if rev is not None:
        consent = Consent(True, digests=frozenset(chosen.allow_launch), altered=altered(rev))
    else:
        consent = Consent(not os.environ.get("CI"), tuple(chosen.allow_launch), everything=pinning and chosen.yes, pinning=pinning)
    options = Options(dict(os.environ), chosen.timeout, chosen.jobs, tuple(chosen.pass_env))
    return Connection(consent, options, root, _progress if sys.stderr.isatty() and not chosen.quiet else None, rev is not None)


def _progress(servers: Sequence[Server]) -> Progress:
    """One line on the terminal that says what the servers that are not done are doing."""
    steps = dict.fromkeys(range(len(servers)), "start")

    def told(number: int, step: str) -> None:
        steps[number] = step
        busy = [
            f"{visible(masked_name(servers[one].item.entry.name), 20)} ({doing})" for one, doing in steps.items() if doing not in ("done", "failed")
        ]
        line = f"{len(servers) - len(busy)}/{len(servers)} {', '.join(busy)}"
        sys.stderr.write(f"\r\x1b[K{line[:78]}" if busy else "\r\x1b[K")
        sys.stderr.flush()

    return told


def serve(allow_connect: bool, today: Callable[[], date], explain: Callable[[str], str], compare: Callable[[str, str], Differences]) -> None:
    """Runs `mcp-audit serve` in the current folder until the input ends."""
    from mcp_audit_gate.live import serve
    from mcp_audit_gate.live.desk import Desk

    if sys.stdin.isatty():
        sys.stderr.write("mcp-audit: an MCP server, waiting for a client on standard input; see mcp-audit serve --help for how to install it\n")

    def connect(root: str) -> Connect:
        return Connection(Consent(not os.environ.get("CI")), Options(dict(os.environ), SECONDS, SERVERS, ()), root).compared

    home = os.path.realpath(os.path.expanduser("~"))
    serve.run(Desk(os.path.realpath("."), home, today, explain, compare, connect if allow_connect else None))


def install(chosen: argparse.Namespace) -> None:
    """Runs `mcp-audit serve --install` or `--uninstall`."""
    from mcp_audit_gate.live import install
    from mcp_audit_gate.sources.homes import folders

    names = dict.fromkeys(name.strip() for item in chosen.client for name in item.split(",") if name.strip())
    entry = install.command(chosen.allow_connect)
    request = install.Request(tuple(names), entry, folders(os.environ, sys.platform), os.environ, chosen.uninstall, chosen.dry_run)
    install.run(request, _say)


def pin(chosen: argparse.Namespace, tree: WorkingTree, policy: Policy, clients: frozenset[str], lock: str, file: str = "") -> int:
    """Runs `mcp-audit pin`; returns its exit code. file: the lockfile's path on disk, when it does not lie below the root."""
    request = Request(
        tree,
        tuple(chosen.paths) or (".",),
        policy,
        clients,
        lock,
        file or os.path.join(tree.root, lock),
        connection(chosen, tree.root, pinning=True),
        chosen.check,
        chosen.prune,
    )
    talkative = sys.stdin.isatty() and sys.stderr.isatty()
    return run(request, Talk(_say, _ask if talkative else None))


def teller(stream: TextIO) -> Callable[[str], None]:
    """A function that writes one line for a person, whatever is in it, to standard output or error."""
    from mcp_audit_gate.report.escape import line, terminal

    def say(text: str) -> None:
        told = f"{line(terminal(text))}\n"
        if stream is sys.stderr:
            streams.tell(told)
        else:
            streams.write(told.encode())

    return say


def _say(text: str) -> None:
    teller(sys.stdout)(text)


def _ask(question: str) -> bool:
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
