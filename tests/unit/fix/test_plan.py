"""A fix does what it says and nothing else: the file is what it was but for the edits, other findings stay, and a second run finds nothing to do."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_audit_gate import gate
from mcp_audit_gate.fix import show
from mcp_audit_gate.fix.plan import Plan, plan
from mcp_audit_gate.fix.save import save
from mcp_audit_gate.lock.lockfile import observed, write
from mcp_audit_gate.model import Context, Finding, Report, Surface
from mcp_audit_gate.sources.discover import WorkingTree
from mcp_audit_gate.sources.tomls import read

from .written import FILES, Layout, Server, Swap, servers

LOCK = "mcp-audit.lock.json"
RUN = gate.Settings(date(2026, 11, 22))


@contextmanager
def folder() -> Iterator[Path]:
    """An empty repository, outside pytest's own folder because hypothesis runs a test many times."""
    root = Path(tempfile.mkdtemp())
    (root / ".git").mkdir()
    try:
        yield root.resolve()
    finally:
        shutil.rmtree(root)


def judged(root: Path) -> tuple[Report, Context]:
    return gate.judged(WorkingTree(str(root)), (str(root),), RUN)


def planned(root: Path) -> Plan:
    return plan(WorkingTree(str(root)), (str(root),), RUN, *judged(root))


def lock(root: Path, resolved: dict[tuple[str, str], str | None]) -> None:
    """A lockfile with every server of the tree, each with a tool of its own."""
    _, context = judged(root)
    pins = {}
    for item in context.matches:
        path, name = item.entry.document.path, item.entry.name
        surface = Surface(tools=({"name": f"look_{name}_{len(path)}", "description": "Looks.", "inputSchema": {"type": "object"}},))
        pin = observed(name, item.launch, surface, resolved.get((path, name)))
        pins[pin.name, pin.launch_digest] = pin
    (root / LOCK).write_bytes(write(pins.values()))


def same(finding: Finding) -> tuple[object, ...]:
    """A finding but for its place and for the words that are quoted in its message."""
    return finding.rule, finding.severity, finding.fingerprint, finding.server, finding.subject, finding.status, finding.location.path


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), which=st.lists(st.integers(0, len(FILES) - 1), min_size=1, max_size=3, unique=True), pinned=st.booleans())
def test_only_what_was_to_change_changes(seed: int, which: list[int], pinned: bool) -> None:
    chance = random.Random(seed)
    made = []
    for number in which:
        path, container, syntax, form = FILES[number]
        made.append((path, Layout(seed + number, container, syntax), servers(chance, form, number)))
    with folder() as root:
        for path, layout, found in made:
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(layout.text(found, after=False))
        if pinned:
            lock(root, {(path, server.name): server.resolved for path, _, found in made for server in found})
        before, _ = judged(root)
        assert not before.not_assessed
        done = planned(root)
        shown = "\n".join(show.lines(done, 100, colour=False))
        save(done, str(root))
        after, _ = judged(root)
        for path, layout, found in made:
            wanted = [server if pinned else unversioned(server) for server in found]
            assert (root / path).read_bytes() == layout.text(wanted, after=True), path
            secrets = {part.before for server in found for value in strings(server) for part in value if is_secret(part)}
            assert not [secret for secret in secrets if secret in shown]
        mended = {same(finding) for finding in before.findings if finding.fingerprint in done.report.fixes}
        was, now = Counter(map(same, before.findings)), Counter(map(same, after.findings))
        assert was - now == Counter(mended)
        assert not now - was
        assert after.not_assessed == before.not_assessed
        assert len({finding.fingerprint for finding in before.findings} & set(done.report.fixes)) == len(done.report.fixes)
        again = planned(root)
        assert (again.files, again.moves, again.report.fixes) == ((), (), {})


def strings(server: Server) -> list[list[str | Swap]]:
    return [*server.args, *(value for _, value in (*server.env, *server.headers)), *([server.url] if server.url else [])]


def is_secret(part: str | Swap) -> bool:
    return isinstance(part, Swap) and len(part.before) > 30


def unversioned(server: Server) -> Server:
    """The server where nothing knows a version: its launch stays as it is."""
    kept = [[part if isinstance(part, str) or is_secret(part) else part._replace(after=part.before) for part in string] for string in server.args]
    return server._replace(args=kept)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_codex_reads_what_was_a_literal_from_variables_by_their_names(seed: int) -> None:
    found = servers(random.Random(seed), "", 1)
    text = Layout(seed, "mcp_servers", "codex").text(found, after=False)
    with folder() as root:
        file = root / ".codex/config.toml"
        file.parent.mkdir()
        file.write_bytes(text)
        before, _ = judged(root)
        done = planned(root)
        save(done, str(root))
        after, _ = judged(root)
        kept = file.read_bytes()
        assert not planned(root).files
    was, now = Counter(map(same, before.findings)), Counter(map(same, after.findings))
    assert was - now == Counter(same(finding) for finding in before.findings if finding.fingerprint in done.report.fixes)
    assert not now - was
    old, new = (read(data.decode("utf-8-sig"), 64) for data in (text, kept))
    assert isinstance(old, dict)
    for server in found:
        mend(old["mcp_servers"][server.name], server)  # type: ignore[index,call-overload]
    assert new == old
    assert kept.count(b"# a note: 'x'") == text.count(b"# a note: 'x'")
    left = [line for line in text.split(b"\n") if b"gh" + b"p_" not in line]
    rest = iter(kept.split(b"\n"))
    assert all(line in rest for line in left), "lines without a secret stay, in their order"


def mend(value: dict[str, object], server: Server) -> None:
    """The server as Codex is to read it."""
    env, headers = value.get("env", {}), value.get("http_headers", {})
    assert isinstance(env, dict)
    assert isinstance(headers, dict)
    for name in [name for name, text in server.env if any(map(is_secret, text))]:
        del env[name]
        value["env_vars"] = [name]
    for name in [name for name, text in server.headers if any(map(is_secret, text))]:
        if name == "Authorization":
            value["bearer_token_env_var"] = f"{server.name.upper()}_TOKEN"
        elif name == "X-Key":
            value["env_http_headers"] = {name: f"{server.name.upper()}_KEY"}
        else:
            continue  # a scheme that Codex has no member for
        del headers[name]
