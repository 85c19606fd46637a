"""`serve --install` and `--uninstall`: the entry of this server in the user's own client configs, shown first, kept apart from the rest."""

from __future__ import annotations

import json
import os
import sys

from mcp_audit_gate.atomic import put
from mcp_audit_gate.errors import Unreadable, UsageError
from mcp_audit_gate.live.entries import added, entry_in, removed
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.homes import HOMES, located

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_audit_gate.model import Json
    from mcp_audit_gate.sources.homes import Folders

NAME = "mcp-audit"
SECTIONS = {"claude-desktop": "mcpServers", "claude-code": "mcpServers", "cursor": "mcpServers", "vscode": "servers"}
BACKUP = ".mcp-audit-backup"
_MOST = 16 * 1024 * 1024


class Change(NamedTuple):
    """What becomes of one file. before: None for a file that is not there; after: None for one that goes; both equal: nothing to do.

    line: the line that is shown; others of the file may hold secrets.
    """

    client: str
    file: str
    before: bytes | None
    after: bytes | None
    what: str
    line: str = ""


class Request(NamedTuple):
    """What is asked for. clients: empty for all that this user has. entry: the command and arguments of this server."""

    clients: tuple[str, ...]
    entry: dict[str, Json]
    where: Folders
    environ: Mapping[str, str]
    take_out: bool = False
    dry_run: bool = False


def command(allow_connect: bool) -> dict[str, Json]:
    """The entry that starts this program as it is installed here."""
    folder, name = os.path.split(os.path.abspath(sys.argv[0]))
    scripts = [os.path.join(folder, name)] if name.startswith(NAME) else []
    scripts += [os.path.join(os.path.dirname(sys.executable), NAME + end) for end in (".exe", "")]
    script = next((path for path in scripts if os.path.isfile(path)), NAME)
    args: list[Json] = ["serve", *(["--allow-connect"] if allow_connect else [])]
    return {"command": script, "args": args}


def run(request: Request, say: Callable[[str], None]) -> None:
    """Shows the changes and makes them, all or none. Raises UsageError for a file that cannot be edited safely."""
    changes = [_planned(request, client, file) for client, file in _files(request)]
    for change in changes:
        shown = f"{change.client}: {_short(change.file, request.where.home)}"
        if change.before == change.after:
            say(f"{shown}: {change.what}; nothing to do")
            continue
        say(f"{shown}: {'would ' if request.dry_run else ''}{change.what}")
        if change.line:
            say(f"  {change.line}")
        if not request.dry_run:
            try:
                _write(change)
            except OSError as error:
                where = _short(change.file, request.where.home)
                raise UsageError(f"{where} was not touched: {error.strerror}", "check that it, its folder and its backup can be written") from error
            if change.before is not None:
                say(f"  the file as it was: {_short(change.file + BACKUP, request.where.home)}")


def _files(request: Request) -> list[tuple[str, str]]:
    """Each client with its file: those asked for, or all of which there is a file or a folder."""
    for client in request.clients:
        if client not in SECTIONS:
            raise UsageError(f"serve cannot be installed for {client!r}", f"known are {', '.join(SECTIONS)}")
    found = []
    for client in request.clients or tuple(SECTIONS):
        row = next(row for row in HOMES if row.client == client)
        files = list(located(row, request.where, request.environ))
        there = next((file for file in files if os.path.lexists(file)), None)
        folder = next((file for file in files if os.path.isdir(os.path.dirname(file)) and os.path.dirname(file) != request.where.home), None)
        if there or folder or request.clients:
            found.append((client, there or folder or files[0]))
    if not found:
        raise UsageError("none of the clients that serve can be installed for was found", f"name one: --client {'|'.join(SECTIONS)}")
    return found


def _planned(request: Request, client: str, file: str) -> Change:
    try:
        before = _read(file)
        after, what = _edited(request, client, before)
        if before not in (None, after) and not os.stat(file).st_mode & 0o222:
            raise Unreadable("it is marked as read-only", "")
    except (Unreadable, UnicodeDecodeError, OSError) as error:
        why = error.reason if isinstance(error, (Unreadable, UnicodeDecodeError)) else os.strerror(error.errno or 0)
        raise UsageError(f"{_short(file, request.where.home)} was not touched: {why}", "correct it by hand and run this again") from error
    line = f'- "{NAME}"' if request.take_out else f'+ "{NAME}": {json.dumps(_entry(request, client))}'
    return Change(client, file, before, after, what, visible(line))


def _entry(request: Request, client: str) -> dict[str, Json]:
    return {"type": "stdio", **request.entry} if client == "vscode" else request.entry


def _edited(request: Request, client: str, before: bytes | None) -> tuple[bytes | None, str]:
    """The bytes after the change, and the change in words. Raises Unreadable."""
    section = SECTIONS[client]
    entry = _entry(request, client)
    if before is None:
        return (None, "not installed") if request.take_out else (_new(section, entry), f"write a new file with {NAME} in {section}")
    text = before.decode("utf-8")
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    known = entry_in(text, section, NAME)
    if known is not None and not _is_ours(known):
        raise Unreadable(f'another server is called "{NAME}" in it', "")
    if request.take_out:
        if known is None:
            return before, "not installed"
        if before == _new(section, known):
            return None, "remove the file, which holds nothing else"
        return (mark + removed(text, section, NAME)).encode(), f"take {NAME} out of {section}"
    if known is not None:
        entry = {**known, **entry}  # what its owner added to it stays
        if known == entry:
            return before, "installed already"
        text = removed(text, section, NAME)
    return (mark + added(text, section, NAME, entry)).encode(), f"put {NAME} into {section}"


def _new(section: str, entry: Json) -> bytes:
    return (json.dumps({section: {NAME: entry}}, indent=2) + "\n").encode()


def _is_ours(entry: Mapping[str, Json]) -> bool:
    """True for an entry that starts `mcp-audit serve`, wherever it was installed."""
    program, args = entry.get("command"), entry.get("args")
    name = str(program).replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    return name in (NAME, f"{NAME}-gate") and isinstance(args, list) and args[:1] == ["serve"]


def _short(file: str, home: str) -> str:
    return visible("~" + file[len(home) :].replace(os.sep, "/") if file.startswith(home + os.sep) else file)


def _read(file: str) -> bytes | None:
    """The bytes of a config, None when there is none. Raises Unreadable, OSError."""
    if not os.path.lexists(file):
        return None
    if not os.path.isfile(file):
        raise Unreadable("it is no regular file", "")
    with open(file, "rb") as source:
        data = source.read(_MOST + 1)
    if len(data) > _MOST:
        raise Unreadable("it is larger than 16 MiB", "")
    return data


def _write(change: Change) -> None:
    """Keeps the old bytes beside the file and puts the new ones in its place in one step; a link stays a link."""
    target = os.path.realpath(change.file)

    def check() -> None:
        if _read(change.file) != change.before:
            raise UsageError(f"{visible(change.file)} was not touched: it changed in this moment", "run this again")

    check()
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if change.before is not None:
        mode = os.stat(target).st_mode & 0o7777
        put(change.file + BACKUP, change.before, mode)
    else:
        mode = 0o600
    if change.after is None:
        os.unlink(target)
    else:
        put(target, change.after, mode, last=check)
