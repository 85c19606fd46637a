"""Which commit a checkout is at, read from the plain files of `.git`: a folder in, Provenance or None out."""

from __future__ import annotations

import os
import re

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.discover import read_file

_LIMIT = 16 << 20


class Provenance(NamedTuple):
    """The repository's address without user and password, the full commit id, and the branch unless HEAD is detached."""

    repository: str
    revision: str
    branch: str | None


def provenance(root: str) -> Provenance | None:
    """What is known about the checkout, or None when it has no commit, no remote, or keeps them elsewhere (worktree, reftable)."""
    folder = os.path.join(root, ".git")
    remote = _remote(_read(folder, "config"))
    head = _read(folder, "HEAD").strip()
    branch = head[len("ref: refs/heads/") :] if head.startswith("ref: refs/heads/") else None
    revision = head if branch is None else _reference(folder, f"refs/heads/{branch}")
    if not remote or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", revision):
        return None
    return Provenance(remote, revision, branch)


def _read(folder: str, name: str) -> str:
    try:
        return read_file(os.path.join(folder, name), _LIMIT).decode("utf-8", "replace")
    except (Unreadable, ValueError):  # a pipe, too, which nobody may fill
        return ""


def _reference(folder: str, name: str) -> str:
    """The commit a reference stands for; loose references win over packed ones."""
    if ".." in name:
        return ""
    loose = _read(folder, name).strip()
    if loose:
        return loose
    packed = (line.split(" ", 1) for line in _read(folder, "packed-refs").splitlines() if " " in line)
    return next((commit for commit, ref in packed if ref == name), "")


def _remote(config: str) -> str:
    """The address of `origin`, else of the first remote."""
    found: dict[str, str] = {}
    section = ""
    for line in config.splitlines():
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section.startswith('[remote "') and re.match(r"url\s*=", text):
            found.setdefault(section[9:].rstrip('"]'), text.partition("=")[2].strip())
    return _public(found.get("origin") or next(iter(found.values()), ""))


def _public(url: str) -> str:
    """The address as an absolute URI without anything that could be a credential; "" for a path on this machine."""
    scp = re.fullmatch(r"(?:[^@/:]*@)?([A-Za-z0-9.-]{2,}):(?!//)([^?#\\]+)", url)
    if scp:
        url = f"ssh://{scp[1]}/{scp[2].lstrip('/')}"
    parts = re.fullmatch(r"(https?|ssh|git)://(?:[^/@]*@)?([A-Za-z0-9.-]+(?::\d+)?)(/[^?#]*)?(?:[?#].*)?", url)
    if not parts:
        return ""
    from urllib.parse import quote

    return f"{parts[1]}://{parts[2]}{quote(parts[3] or '', safe='/%~+')}"
