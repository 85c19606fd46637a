"""Lockfiles from excerpts: a case or an example names what matters of a record, and the rest is filled in.

An excerpt is a record of the lockfile, or a list of them, with members left out: `launch` is that of the server of that name in
the configs of the tree (a made-up one when there is none), lists of definitions may stand without digests, digests are worked out.
A member that is given stays as it is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcp_audit_gate.lock.canonical import digest
from mcp_audit_gate.lock.files import ran
from mcp_audit_gate.lock.lockfile import LISTS, observed, write
from mcp_audit_gate.lock.spelling import render, written
from mcp_audit_gate.lock.written import written_launch
from mcp_audit_gate.model import Surface
from mcp_audit_gate.policy import load
from mcp_audit_gate.sources.discover import WorkingTree

if TYPE_CHECKING:
    from pathlib import Path

LOCK = "mcp-audit.lock.json"
EXCERPT = "pins.json"
LAUNCH = {"transport": "stdio", "command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "package": "npm:@acme/docs-mcp@1.4.2"}


def complete(root: Path, excerpt: object) -> bytes:
    """The lockfile that an excerpt stands for, in a tree of configs."""
    records = excerpt if isinstance(excerpt, list) else [excerpt]
    launches = _launches(root)
    made = []
    for record in records:
        launch = record.get("launch") or launches.get(record["name"], LAUNCH)
        lists = {field: tuple(item.get("definition", item) for item in record.get(member, [])) for member, field, _ in LISTS}
        surface = Surface(
            record.get("instructions"),
            **lists,
            server_info=record.get("serverInfo", {"name": record["name"], "version": "1.0.0"}),
            protocol_version=record.get("protocolVersion", "2025-11-25"),
        )
        made.append(observed(record["name"], launch, surface, record.get("resolved")))
    value = json.loads(write(made))
    order = {(pin.name, pin.launch_digest): record for pin, record in zip(made, records)}
    for item in value["servers"]:
        given = order[item["name"], item["launchDigest"]]
        item.update({key: inner for key, inner in given.items() if key not in {member for member, _, _ in LISTS}})
        for member, _, _ in LISTS:
            forced = {digest(one["definition"]): one["digest"] for one in given.get(member, []) if "digest" in one and "definition" in one}
            for one in item[member]:
                one["digest"] = forced.get(one["digest"], one["digest"])
    return render({**value, "servers": [{**item, "instructions": written(item["instructions"])} for item in value["servers"]]}).encode()


def _launches(root: Path) -> dict[str, dict[str, object]]:
    from mcp_audit_gate.reading import read

    tree = WorkingTree(str(root))
    entries = read(tree, (str(root),), frozenset(), load.built_in()).context.entries
    found = {}
    for entry in entries:
        launch = written_launch(entry)
        files = ran(entry.launch, tree, config=entry.document.path).files
        found[entry.name] = {**launch, "files": files} if files else launch
    return found


def fill_in(root: Path) -> None:
    """Writes the lockfile of a tree that holds an excerpt in its place."""
    source = root / EXCERPT
    if source.exists():
        (root / LOCK).write_bytes(complete(root, json.loads(source.read_text("utf-8"))))
        source.unlink()
