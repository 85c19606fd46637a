"""Literal secrets into references: what each client writes for "the value of this variable", where it reads one, and what to call it."""

from __future__ import annotations

import re

from mcp_audit_gate.fix import codex
from mcp_audit_gate.fix.edits import Part
from mcp_audit_gate.metadata.credentials import judge, judge_all, mask, masked_name, reference_form
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules.forwarded import stranger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.fix.edits import Reshaped
    from mcp_audit_gate.metadata.credentials import Credential
    from mcp_audit_gate.metadata.strings import Text
    from mcp_audit_gate.model import Entry, Json, Launch, Place

# `${input:id}` asks for a value that has to be declared elsewhere in the file; VS Code takes the environment, too. Visual Studio is not known to.
_FORMS = {"vscode": "${env:NAME}", "vscode-settings": "${env:NAME}", "visual-studio": ""}
_ENV, _HEADERS = ("env", "environment"), ("headers", "requestOptions")
_EVERYWHERE = (*_ENV, *_HEADERS, "args", "command", "url", "serverUrl", "httpUrl")
# Clients that fill in references in some members of an entry only (client-formats, section 3), or of which no more is known.
_MEMBERS = dict.fromkeys(("kiro", "copilot-agent", "crush"), (*_ENV, *_HEADERS))
_REFERENCES = lazy(r"\$\{?\{?\s{0,9}(?:env:|secrets\.|vars\.)?([A-Za-z_]\w*)|\{env:([A-Za-z_]\w*)")
_DEFAULTED = lazy(r"\$\{([A-Za-z_]\w*)(:?-)([^{}]*)\}")
_ASSIGNED = lazy(r"(?:^|[\s\"'])([A-Z][A-Z0-9_]{2,60})=$")
_FLAG = lazy(r"(?:^|[\s\"'])--?([A-Za-z][\w-]{1,40})[= ]$")
_PARAMETER = lazy(r"[?&;#]([A-Za-z][\w.-]{0,40})=$")
_HEADER = lazy(r"(?:^|[\s\"'])([A-Za-z][A-Za-z-]{1,40}):\s{0,3}(?:Bearer |Basic |Token )?$")
_USER = lazy(r"://[^\s/@:]{0,100}:$")
_NOT_A_NAME = lazy(r"[^A-Za-z0-9]+")


class Secret(NamedTuple):
    """A string of an entry that holds a literal secret, and the changes that take it out. names: the variables it then needs.

    shape: changes that take out all secrets of the entry together.
    """

    entry: Entry
    place: Place
    parts: tuple[Part, ...]
    names: tuple[str, ...]
    shape: Reshaped | None = None


class Names:
    """Which variable stands for which value in one run: one value has one name, one name has one value. Case tells none apart on Windows."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._values: dict[str, str] = {}
        self._used: dict[str, set[str]] = {}
        for entry in entries:
            for name in _referred(entry.value):
                self._used.setdefault(name.upper(), set()).add(entry.name)

    def name(self, wanted: str, longer: str, value: str, server: str) -> str:
        """The wanted name, or the longer one where that stands for another value, perhaps for one that the environment has already."""
        for name in (wanted, longer, *(f"{longer}_{number}" for number in range(2, 100))):
            folded = name.upper()
            if self._values.get(folded, value) == value and self._used.get(folded, {server}) == {server}:
                self._values[folded] = value
                return name
        return ""


def secrets(entries: Iterable[Entry], names: Names) -> Iterator[Secret]:
    """Each string with a literal secret for which its client has a reference that is known to work there."""
    for entry in entries:
        if entry.client == "codex" and entry.kind == "server":
            yield from _named_only(entry, names)
        form = _form(entry)
        if not form:
            continue
        allowed = _MEMBERS.get(entry.client, _EVERYWHERE)
        for one, credentials in judge_all(entry.value):
            if one.at and one.at[0] in allowed and _is_text(entry.value, one) and not _is_code(entry.launches, one):
                found = _replaced(entry, one, credentials, form, names)
                if found is not None:
                    yield found


def _named_only(entry: Entry, names: Names) -> Iterator[Secret]:
    """The secrets of an entry of a client that has members for the names of variables."""
    found = []
    for one, credentials in judge_all(entry.value):
        if len(credentials) == 1 and _is_text(entry.value, one):
            (credential,) = credentials
            name = names.name(*_names(entry, one, credential), credential.value, entry.name)
            literal = codex.Literal(one.at, one.text, credential.start, credential.end, name)
            found += [literal] if name and codex.is_known(literal) else []
    shape = codex.reshaped(entry, found) if found else None
    if shape is not None:
        yield from (Secret(entry, entry.place(literal.at), (), (literal.name,), shape) for literal in found)


def _form(entry: Entry) -> str:
    """How the client writes a reference, "" when it is not known for certain."""
    if entry.kind != "server" or (entry.client == "claude-code" and entry.pointer[:1] == ("servers",)):
        return ""  # `servers` in a .mcp.json is for Visual Studio
    return _FORMS.get(entry.client, reference_form(entry.client))


def _is_text(value: Json, one: Text) -> bool:
    """True for a string; a number is read as text, too, and cannot hold a reference."""
    for step in one.at:
        value = value[step] if isinstance(value, (dict, list)) else None  # type: ignore[index]
    return isinstance(value, str)


def _is_code(launches: tuple[Launch, ...], one: Text) -> bool:
    """True for a string that a shell or an interpreter runs: what the client fills in there would become a part of the program."""
    return any(word is not None and word.at == one.at for launch in launches for word in (launch.shell, launch.code))


def _replaced(entry: Entry, one: Text, credentials: tuple[Credential, ...], form: str, names: Names) -> Secret | None:
    parts, used, text = [], [], one.text
    place = entry.place(one.at)
    for found in reversed(credentials):
        kept = next((item for item in _DEFAULTED.finditer(one.text) if item.start(3) <= found.start and found.end <= item.end(3)), None)
        if kept:
            start, end, name, new = kept.start(2), kept.end(3), kept[1], ""
        else:
            start, end = found.start, found.end
            name = names.name(*_names(entry, one, found), found.value, entry.name)
            new = form.replace("COPILOT_MCP_NAME", name if name.startswith("COPILOT_MCP_") else f"COPILOT_MCP_{name}").replace("NAME", name)
            name = name and new.strip("${} ").rpartition(":")[2].rpartition(".")[2]
        if not name or "in base64" in found.kind:
            return None
        parts.append(Part(place, one.text, start, end, new))
        used.append(name)
        text = text[:start] + new + text[end:]
    if judge(text, one.name) or mask(text, one.name) != text:
        return None
    return Secret(entry, place, tuple(parts), tuple(reversed(used)))


def _names(entry: Entry, one: Text, found: Credential) -> tuple[str, str]:
    """What to call the variable, and a longer name with the server's in it."""
    key = str(one.at[-1])
    before = one.text[: found.start]
    server = _upper(entry.name if masked_name(entry.name) == entry.name else "") or "MCP"
    assigned = _ASSIGNED.search(before)
    own = key if one.at[0] in _ENV else assigned[1] if assigned else ""
    if own and masked_name(own) == own and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", own):
        whole = found.start == (assigned.end() if assigned else 0) and found.end == len(one.text)
        wanted = own if whole else f"{own}_{_kind(found, before)}"
        return wanted, f"{server}_{wanted}"
    said = next((item[1] for pattern in (_FLAG, _PARAMETER, _HEADER) if (item := pattern.search(before))), "")
    said = said or (one.name or "" if one.at[0] in (*_HEADERS, "http_headers", "args") else "")
    word = _upper(said).removeprefix("X_") if masked_name(said) == said else ""
    word = word if word and not word.endswith("AUTHORIZATION") else _kind(found, before)
    wanted = word if word.startswith(f"{server}_") else f"{server}_{word}"
    longer = f"{server}_{_upper(str(one.at[0]))}_{word}"
    # A server may be called `github` to be handed the GITHUB_TOKEN that is in many an environment.
    is_strange = any(stranger(wanted, launch) for launch in entry.launches)
    return (f"MCP_{longer}", f"MCP_{longer}") if is_strange else (wanted, longer)


def _kind(found: Credential, before: str) -> str:
    return "PASSWORD" if "password" in found.kind or _USER.search(before) else "TOKEN"


def _upper(text: str) -> str:
    """The text as a part of a variable's name: `my-server` as MY_SERVER; a first digit gets a letter before it."""
    name = _NOT_A_NAME.sub("_", text).strip("_").upper()[:60]
    return f"MCP_{name}" if name[:1].isdigit() else name


def _referred(value: Json) -> Iterator[str]:
    """The names of all variables that an entry refers to."""
    if isinstance(value, str):
        if "$" in value or "{" in value:
            yield from (found[1] or found[2] for found in _REFERENCES.finditer(value))
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _referred(item)
