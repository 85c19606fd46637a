"""Tools and servers that a repository approves in advance, so that they run without asking. Part of family trust."""

from __future__ import annotations

import functools
import json
import os
import re

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Context, Entry, Json, Place, Pointer, Setting

NAME_LIMIT = 80
ALL = "*"


@functools.cache
def _data() -> dict[str, frozenset[str]]:
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "trust.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    return {name: frozenset(items) for name, items in {**data, **data["honours"]}.items() if isinstance(items, list)}


def table(part: str) -> frozenset[str]:
    """One list of the shipped table."""
    return _data()[part]


class Approval(NamedTuple):
    """One thing that runs without asking. server: a name, or `*` for all; tool: a name, `*` for all of the server. key: where it is said.

    entry: the server's own entry, when it says so itself; at: where below it.
    """

    place: Place
    server: str
    tool: str
    key: str
    entry: Entry | None = None
    at: Pointer = ()


_AGENT = '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}, "allowedTools": ["%s"]}\n'
AUTO_APPROVE_ALL = RuleInfo(
    id="auto-approve-all",
    family="trust",
    severity="high",
    title="All tools of a server, or of all servers, run without asking",
    why="Whatever the server offers, tools it gains later included, runs unattended for everyone who opens the repository: "
    "a changed or poisoned server acts with nobody in between.",
    looks_at="Approvals in advance, in the files of the clients that honour them: `alwaysAllow`, `autoApprove`, `trust`, `permissions.allow`, "
    "`chat.tools.autoApprove`, `default_tools_approval_mode`, `allowedTools`, `always_allow_tool_actions` of Zed, `permission` of OpenCode, "
    "`amp.permissions`, `allowed_tools` of Crush, `toolPermissions` of Augment. Keys that the client ignores are left out.",
    fix="Name the tools that may run without asking.",
    references=("CWE-276", "SAFE-T1403", "ASI02", "ASI09", "CVE-2025-53773"),
    example_bad=(
        ".roo/mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "alwaysAllow": ["*"]}}}\n',
    ),
    example_good=(
        ".roo/mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "alwaysAllow": ["search_docs"]}}}\n',
    ),
    precision="very-high",
)
AUTO_APPROVE_WRITING_TOOL = RuleInfo(
    id="auto-approve-writing-tool",
    family="trust",
    severity="medium",
    title="A tool that changes, runs or sends something runs without asking",
    why="The model decides alone when the tool is called and with what, and text it has read, from anywhere, can make it decide. "
    "Naming the tool was deliberate and is visible, so this does not block.",
    looks_at="Named tools in approvals in advance whose name begins with, or has as its verb, delete, drop, execute, run, commit, push, send, "
    "deploy or write. Query languages that only read are left out.",
    fix="Take the tool off the list.",
    references=("CWE-276", "SAFE-T1403", "OWASP MCP02"),
    example_bad=(
        ".kiro/settings/mcp.json",
        '{"mcpServers": {"repo": {"command": "uvx", "args": ["mcp-server-git==2026.1.14"], "autoApprove": ["git_status", "git_commit"]}}}\n',
    ),
    example_good=(
        ".kiro/settings/mcp.json",
        '{"mcpServers": {"repo": {"command": "uvx", "args": ["mcp-server-git==2026.1.14"], "autoApprove": ["git_status"]}}}\n',
    ),
)
AUTO_APPROVE_SERVER = RuleInfo(
    id="auto-approve-server",
    family="trust",
    severity="low",
    title="One server's tools all run without asking",
    why="Tools that the server gains later are approved as well. Most repositories that approve anything do it this way.",
    looks_at="`mcp__server` without a tool in Claude Code's `permissions.allow`, `@server` in `allowedTools` of Amazon Q and Kiro agents, "
    "`chat.mcp.toolApproval` of VS Code.",
    fix="Name the tools.",
    references=("CWE-276",),
    example_bad=(".kiro/agents/docs.json", _AGENT % "@docs"),
    example_good=(".kiro/agents/docs.json", _AGENT % "@docs/search_docs"),
)
APPROVAL_FOR_ABSENT_SERVER = RuleInfo(
    id="approval-for-absent-server",
    family="trust",
    severity="medium",
    title="A server is approved that no config declares",
    why="The approval waits for whatever takes the name: one later line in any config starts a program, or lets its tools run, and nobody is asked.",
    looks_at="Names in `enabledMcpjsonServers`, `permissions.allow`, `mcp.allowed`, `chat.mcp.toolApproval` and `allowedTools` that no config "
    "of the repository declares, switched off or not. Left out are patterns, servers of plugins and those that Claude Code brings, and names "
    "that the policy lists (`allow: servers`) because people have them on their own machines. It runs on whole repositories only.",
    fix="Remove the approval, or list the name under allow.servers in the policy when people bring the server themselves.",
    references=("CWE-829",),
    example_bad=(".claude/settings.json", '{"enabledMcpjsonServers": ["docs"]}\n'),
    example_good=(".kiro/agents/docs.json", _AGENT % "@docs/search_docs"),
)


def auto_approve_all(context: Context) -> Iterator[Hit]:
    """Approvals of everything: all tools of a server by the entry itself, or of all servers by a setting."""
    for approval in approvals(context):
        if approval.tool == ALL and (approval.server == ALL or approval.key not in _SERVER_KEYS):
            whose = "of every server" if approval.server == ALL else f'of server "{visible(approval.server, NAME_LIMIT)}"'
            yield _hit(approval, f"All tools {whose} run without asking ({approval.key}).", approval.key)


def auto_approve_server(context: Context) -> Iterator[Hit]:
    """Approvals of all tools of one server, in a setting that could name the tools."""
    for approval in approvals(context):
        if approval.tool == ALL and approval.server != ALL and approval.key in _SERVER_KEYS:
            message = f'All tools of server "{visible(approval.server, NAME_LIMIT)}" run without asking ({approval.key}).'
            yield _hit(approval, message, approval.server)


def auto_approve_writing_tool(context: Context) -> Iterator[Hit]:
    """Approvals of named tools that by their name change, run or send something."""
    for approval in approvals(context):
        if approval.tool != ALL and _writes(approval.tool):
            tool, server = visible(approval.tool, NAME_LIMIT), visible(approval.server, NAME_LIMIT)
            yield _hit(approval, f'Tool "{tool}" of server "{server}" runs without asking ({approval.key}).', approval.tool)


def approval_for_absent_server(context: Context) -> Iterator[Hit]:
    """Names that settings approve and no entry has; each once a setting. Nothing where some config was not read: it may declare them."""
    if not context.whole or any(problem.kind == "config-unreadable" for problem in context.problems):
        return
    waiting: dict[tuple[str, str, str], list[Approval]] = {}
    for approval in by_name(context):
        if approval.entry is None and approval.server and ALL not in approval.server and approval.key != "permissions.allowed_tools":
            waiting.setdefault((approval.place.document.path, approval.key, approval.server), []).append(approval)
    declared = {plain(entry.name) for entry in context.entries if entry.kind == "server"} if waiting else frozenset()
    for (_, key, server), found in waiting.items():
        if plain(server) not in declared and not (key == "permissions.allow" and _brought(server)):
            message = f'Server "{visible(server, NAME_LIMIT)}" is approved ({key}), and no config of the repository declares it.'
            yield Hit(found[0].place, message, server, related=tuple(one.place for one in found[1:]), server=server)


def _brought(server: str) -> bool:
    """True for servers that come with Claude Code, an account or a plugin, and never from a config of the repository."""
    return server in table("brought") or server.startswith(tuple(table("brought_starts")))


def plain(name: str) -> str:
    """A name as clients write it into the names of its tools: what is neither letter nor digit becomes `_`."""
    return "".join(char if char.isalnum() or char == "-" else "_" for char in name.casefold())


def _hit(approval: Approval, message: str, value: str) -> Hit:
    """The hit, with the server whose entry it lies in."""
    if approval.entry is None:
        return Hit(approval.place, message, value)
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in approval.at)
    return Hit(approval.place, message, value, subject=pointer, server=approval.entry.name)


# Settings that approve one server's tools as a whole; elsewhere that is said in the entry and counts as all.
_SERVER_KEYS = frozenset(("permissions.allow", "permissions.allowed_tools", "amp.permissions", "allowedTools", "chat.mcp.toolApproval"))


def approvals(context: Context) -> Iterator[Approval]:
    """Every approval in advance that the client of its file honours."""
    for entry in context.entries:
        if not entry.sample and not entry.disabled and entry.kind == "server":
            yield from _of_entry(entry)
    for setting in context.settings:
        read = _SETTINGS.get(setting.name)
        if read and not setting.sample:
            yield from read(setting)


def by_name(context: Context) -> Iterator[Approval]:
    """Every approval in advance of a whole server, or of any of its tools, also those that only let the client start it."""
    yield from approvals(context)
    for setting in context.settings:
        if setting.sample:
            continue
        yield from (Approval(setting.place(at), ALL, ALL, setting.name) for at in everything(setting))
        for number, item in enumerate(_list(setting) if setting.name in _NAMES else ()):
            if isinstance(item, str) and item != ALL:
                yield Approval(setting.place((number,)), item, ALL, setting.name)


# Lists of the servers that a client may start.
_NAMES = frozenset(("enabledMcpjsonServers", "mcp.allowed"))


def everything(setting: Setting) -> Iterator[Pointer]:
    """Where a setting approves whatever servers are declared, now and later."""
    if setting.name == "enableAllProjectMcpServers" or setting.name.endswith(".enable_all_context_servers"):
        yield from [()] if setting.value is True else ()
    elif setting.name in _NAMES or setting.name == "mcp.allowedMcpServers":
        yield from ((number,) for number, item in enumerate(_list(setting)) if item == ALL)
    elif setting.name == "amp.mcpPermissions":
        for number, item in enumerate(_list(setting)):
            matches = item.get("matches") if isinstance(item, dict) and item.get("action") == "allow" else None
            if isinstance(matches, dict):
                yield from ((number, "matches", key) for key, pattern in matches.items() if pattern == ALL)


def _list(setting: Setting) -> list[Json]:
    return setting.value if isinstance(setting.value, list) else []


_ENTRY_KEYS = frozenset(("alwaysAllow", "autoApprove", "trust", "default_tools_approval_mode", "tools"))


def _of_entry(entry: Entry) -> Iterator[Approval]:
    value = entry.value
    if _ENTRY_KEYS.isdisjoint(value):
        return
    for key in ("alwaysAllow", "autoApprove"):
        listed = value.get(key)
        if listed and _honours(entry, key):
            if listed in (True, ALL):
                yield _approval(entry, (key,), ALL, key)
            for number, tool in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(tool, str):
                    yield _approval(entry, (key, number), tool.strip(), key)
    if value.get("trust") is True and _honours(entry, "trust"):
        yield _approval(entry, ("trust",), ALL, "trust")
    if "default_tools_approval_mode" in value or "tools" in value:
        yield from _of_codex(entry)


def _approval(entry: Entry, at: Pointer, tool: str, key: str) -> Approval:
    return Approval(entry.place(at), entry.name, tool, key, entry, at)


def _of_codex(entry: Entry) -> Iterator[Approval]:
    key = "default_tools_approval_mode"
    if not _honours(entry, key):
        return
    if entry.value.get(key) == "approve":
        yield _approval(entry, (key,), ALL, key)
    tools = entry.value.get("tools")
    for tool, mode in tools.items() if isinstance(tools, dict) else ():
        if isinstance(mode, dict) and mode.get("approval_mode") == "approve":
            yield _approval(entry, ("tools", tool, "approval_mode"), tool, "approval_mode")


def _honours(entry: Entry, key: str) -> bool:
    """True when the client that reads the file acts on the key there."""
    path = entry.document.path.lower()
    if entry.client not in table(key) or path.endswith("-extension.json"):
        return False
    # Kilo Code 7 reads OpenCode's format, which has no such key.
    return entry.client != "kilo" or ".kilocode/" in path


def _of_permissions(setting: Setting) -> Iterator[Approval]:
    """Claude Code: `mcp__server`, `mcp__server__tool`, with `*`; and `*` for everything."""
    for number, item in enumerate(_list(setting)):
        if isinstance(item, str):
            yield from _of_tool_name(setting, (number,), item)


def _of_amp(setting: Setting) -> Iterator[Approval]:
    """Amp: rules with the names of tools as Claude Code has them, allowed whatever their arguments."""
    for number, item in enumerate(_list(setting)):
        if isinstance(item, dict) and item.get("action") == "allow" and not item.get("matches") and isinstance(item.get("tool"), str):
            yield from _of_tool_name(setting, (number, "tool"), str(item["tool"]))


def _of_tool_name(setting: Setting, at: Pointer, item: str) -> Iterator[Approval]:
    if not item.startswith(("mcp__", ALL)):
        return
    server, _, tool = item[5:].partition("__")
    if set(item.removeprefix("mcp__")) <= {ALL, "_"}:
        yield Approval(setting.place(at), ALL, ALL, setting.name)
    elif item.startswith("mcp__"):
        yield Approval(setting.place(at), server, tool if tool.strip("*_") else ALL, setting.name)


def _of_crush(setting: Setting) -> Iterator[Approval]:
    """Crush: `mcp_server_tool`; where the server's name ends cannot be told for certain."""
    for number, item in enumerate(_list(setting)):
        if item == ALL:
            yield Approval(setting.place((number,)), ALL, ALL, setting.name)
        elif isinstance(item, str) and item.startswith("mcp_"):
            server, _, tool = item[4:].partition("_")
            yield Approval(setting.place((number,)), server, tool or ALL, setting.name)


def _of_opencode(setting: Setting) -> Iterator[Approval]:
    """OpenCode: `allow` for everything, or for the pattern `*`."""
    if setting.value == "allow":
        yield Approval(setting.place(), ALL, ALL, setting.name)
    elif isinstance(setting.value, dict) and setting.value.get(ALL) == "allow":
        yield Approval(setting.place((ALL,)), ALL, ALL, setting.name)


def _of_augment(setting: Setting) -> Iterator[Approval]:
    """Augment: rules of a tool's name and a type."""
    for number, item in enumerate(_list(setting)):
        kind = item.get("permission") if isinstance(item, dict) else None
        if isinstance(item, dict) and item.get("toolName") == ALL and isinstance(kind, dict) and kind.get("type") == "allow":
            yield Approval(setting.place((number, "toolName")), ALL, ALL, setting.name)


def _of_agent(setting: Setting) -> Iterator[Approval]:
    """Amazon Q and Kiro agents: `@server`, `@server/tool`, with `*`; and `*` or `@*` for everything."""
    if setting.client not in ("amazon-q", "kiro"):
        return
    for number, item in enumerate(_list(setting)):
        if not isinstance(item, str) or not item.startswith(("@", ALL)):
            continue
        server, _, tool = item.removeprefix("@").partition("/")
        if not server.strip(ALL) and not tool.strip(ALL):
            yield Approval(setting.place((number,)), ALL, ALL, setting.name)
        elif item.startswith("@"):
            yield Approval(setting.place((number,)), server, tool if tool.strip(ALL) else ALL, setting.name)


def _of_switch(setting: Setting) -> Iterator[Approval]:
    if setting.value is True:
        yield Approval(setting.place(), ALL, ALL, setting.name)


def _of_tool_approval(setting: Setting) -> Iterator[Approval]:
    """VS Code: servers, each with `allow`."""
    for server, answer in setting.value.items() if isinstance(setting.value, dict) else ():
        if answer in ("allow", True):
            yield Approval(setting.place((server,)), server, ALL, setting.name)


_SETTINGS = {
    "permissions.allow": _of_permissions,
    "allowedTools": _of_agent,
    "chat.tools.autoApprove": _of_switch,
    "chat.tools.global.autoApprove": _of_switch,
    "chat.mcp.toolApproval": _of_tool_approval,
    "agent.always_allow_tool_actions": _of_switch,
    "amp.permissions": _of_amp,
    "permissions.allowed_tools": _of_crush,
    "permission": _of_opencode,
    "toolPermissions": _of_augment,
}


def _writes(tool: str) -> bool:
    """True when the name begins with a verb that changes, runs or sends, or has it as its verb (`git_commit`)."""
    words = [word.lower() for word in _words().findall(tool)]
    if not words or table("query_languages") & set(words):
        return False
    if " ".join(words[:2]) in table("nouns"):
        words = ["", *words[2:]]
    return words[0] in table("writing") or (bool(table("writing") & set(words)) and not table("reading") & set(words))


@functools.cache
def _words() -> re.Pattern[str]:
    return re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


RULES: tuple[Rule, ...] = (
    Rule(AUTO_APPROVE_ALL, auto_approve_all, "context"),
    Rule(AUTO_APPROVE_WRITING_TOOL, auto_approve_writing_tool, "context"),
    Rule(AUTO_APPROVE_SERVER, auto_approve_server, "context"),
    Rule(APPROVAL_FOR_ABSENT_SERVER, approval_for_absent_server, "context"),
)
