"""Where clients keep this user's own configs, for each system: the second table of clients, beside `clients`.

Paths as read from the clients' documentation and sources in November 2026.
"""

from __future__ import annotations

import os

from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.clients import AGENT_SETTINGS, CLAUDE_SETTINGS, CODEX_SETTINGS, FLAT, GEMINI_SETTINGS, MAPS, ROWS, SERVERS, Row
from mcp_audit_gate.sources.match import fits, fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CLINE = "User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"
_ROO = "User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"

# `~` is the home folder, `<config>` and `<appdata>` as in `Folders`; `$NAME` a folder that a variable names, when it is set.
# A part with `*` is any such name of a folder or file.
HOMES = (
    Row("claude-desktop", "Claude Desktop", ("<appdata>/Claude/claude_desktop_config.json", "<config>/claude/claude_desktop_config.json")),
    Row("claude-code", "Claude Code", ("$CLAUDE_CONFIG_DIR/.claude.json", "~/.claude.json"), shapes=(*SERVERS, "/projects/*/mcpServers/*")),
    Row("claude-settings", "Claude Code settings", ("~/.claude/settings.json",), also=("claude-code",), settings=CLAUDE_SETTINGS),
    Row("claude-agent", "Claude Code subagent", ("~/.claude/agents/*.md",), "markdown", also=("claude-code",), settings=("/permissionMode",)),
    Row("cursor", "Cursor", ("~/.cursor/mcp.json",), shapes=FLAT),
    Row("vscode", "VS Code", ("<appdata>/Code/User/mcp.json", "<appdata>/Code - Insiders/User/mcp.json"), settings=("/inputs",)),
    Row("amazon-q", "Amazon Q Developer", ("~/.aws/amazonq/mcp.json",), off=("disabled",), settings=AGENT_SETTINGS),
    Row("amazon-q", "Amazon Q Developer agent", ("~/.aws/amazonq/cli-agents/*.json",), off=("disabled",), settings=AGENT_SETTINGS),
    Row("amp", "Amp", ("<config>/amp/settings.json",), shapes=("/amp.mcpServers/*", "/mcpServers/*")),
    Row("antigravity", "Antigravity", ("~/.gemini/config/mcp_config.json", "~/.gemini/antigravity/mcp_config.json")),
    Row("augment", "Augment", ("~/.augment/settings.json",), settings=("/toolPermissions",)),
    Row(
        "cline",
        "Cline",
        (
            "$CLINE_MCP_SETTINGS_PATH",
            f"<appdata>/Code/{_CLINE}",
            f"<appdata>/Cursor/{_CLINE}",
            "~/.cline/mcp.json",
            "~/.cline/data/settings/cline_mcp_settings.json",
        ),
        off=("disabled",),
    ),
    Row("codearts", "Huawei CodeArts Agent CLI", ("~/.codeartsdoer/codearts_cli.jsonc",), shapes=(*SERVERS, "/mcp/*"), off=("disabled",)),
    Row("codex", "Codex", ("$CODEX_HOME/config.toml", "~/.codex/config.toml"), "toml", off=("enabled",), settings=CODEX_SETTINGS),
    Row(
        "continue",
        "Continue",
        ("~/.continue/config.yaml", "~/.continue/mcpServers/*.yaml", "~/.continue/mcpServers/*.yml"),
        "yaml",
        shapes=(*SERVERS, "/"),
    ),
    Row("continue", "Continue", ("~/.continue/mcpServers/*.json",), shapes=(*SERVERS, "/projects/*/mcpServers/*", "/")),
    Row("copilot-cli", "Copilot CLI", ("$COPILOT_HOME/mcp-config.json", "~/.copilot/mcp-config.json"), shapes=FLAT),
    Row("crush", "Crush", ("<config>/crush/crush.json",), shapes=("/mcp/*", *MAPS), off=("disabled",), expands=True),
    Row("deepagents", "deepagents", ("~/.deepagents/.mcp.json",)),
    Row("devin", "Devin", ("<config>/devin/mcp_config.json", "<appdata>/devin/mcp_config.json")),
    Row("factory", "Factory Droid", ("~/.factory/mcp.json",), off=("disabled",)),
    Row("gemini-cli", "Gemini CLI", ("~/.gemini/settings.json",), shapes=(*SERVERS, "/mcp/serverCommand"), settings=GEMINI_SETTINGS),
    Row("gemini-cli", "Gemini CLI extension", ("~/.gemini/extensions/*/gemini-extension.json",)),
    Row("goose", "Goose", ("<config>/goose/config.yaml", "<appdata>/Block/goose/config/config.yaml"), "yaml", ("/extensions/*",), off=("enabled",)),
    Row("grok", "Grok CLI", ("~/.grok/config.toml",), "toml", off=("enabled",)),
    Row("hermes", "Hermes", ("~/.hermes/config.yaml",), "yaml", shapes=MAPS),
    Row("jetbrains-ai", "JetBrains AI Assistant", ("~/.ai/mcp/mcp.json",)),
    Row("junie", "JetBrains Junie", ("~/.junie/mcp/mcp.json",)),
    Row("kilo", "Kilo Code", ("~/.kilocode/cli/global/settings/mcp_settings.json",), off=("disabled",)),
    Row("kilo", "Kilo Code", ("<config>/kilo/kilo.jsonc", "<config>/kilo/kilo.json"), shapes=("/mcp/*", "/mcp/servers/*", *MAPS), off=("enabled",)),
    Row("kimi", "Kimi Code", ("~/.kimi-code/mcp.json",), off=("enabled",)),
    Row("kiro", "Kiro", ("~/.kiro/settings/mcp.json",), off=("disabled",)),
    Row("lm-studio", "LM Studio", ("~/.lmstudio/mcp.json", "~/.cache/lm-studio/mcp.json")),
    Row("mcporter", "MCPorter", ("~/.mcporter/mcporter.json",)),
    Row("muse", "Muse", ("<config>/muse/settings.json",)),
    Row(
        "opencode",
        "OpenCode",
        ("<config>/opencode/opencode.json", "<config>/opencode/opencode.jsonc"),
        shapes=("/mcp/*", "/mcp/servers/*", *MAPS),
        off=("enabled",),
    ),
    Row("opencode", "OpenCode", ("~/.agents/mcp.json",), shapes=FLAT, also=("zcode",)),
    Row("qwen", "Qwen Code", ("~/.qwen/settings.json",), shapes=(*SERVERS, "/mcp/serverCommand"), settings=GEMINI_SETTINGS),
    Row("roo", "Roo Code", (f"<appdata>/Code/{_ROO}",), off=("disabled",)),
    Row("rovo", "Rovo Dev", ("~/.rovodev/mcp.json",)),
    Row("rovo", "Rovo Dev", ("~/.rovodev/config.yml", "~/.rovodev/config.yaml"), "yaml", settings=("/mcp/allowedMcpServers",)),
    Row("sema4", "Sema4", ("~/.sema4ai/sema4ai-studio/mcp_servers.json",)),
    Row("tabnine", "Tabnine", ("~/.tabnine/agent/settings.json",)),
    Row("takt", "Takt", ("~/.takt/config.yaml",), "yaml", shapes=(), settings=("/workflow_mcp_servers",)),
    Row("visual-studio", "Visual Studio", ("~/.mcp.json",), shapes=FLAT, also=("claude-code",), settings=("/inputs",)),
    Row("warp", "Warp", ("~/.warp/.mcp.json",)),
    Row("windsurf", "Windsurf", ("~/.codeium/windsurf/mcp_config.json",), off=("disabled",)),
    Row("zcode", "ZCode", ("~/.zcode/cli/config.json",), shapes=("/mcp/servers/*", *MAPS)),
    Row("zed", "Zed", ("<config>/zed/settings.json", "<appdata>/Zed/settings.json"), "json or empty", off=("enabled",)),
)


def client_ids() -> tuple[str, ...]:
    """Every name that --client takes, sorted: clients of committed files, and those that have files in the home folder alone."""
    return tuple(sorted({name for row in (*ROWS, *HOMES) for name in (row.client, *row.also)}))


class Folders(NamedTuple):
    """Where this user's files lie. config: of programs that follow XDG; appdata: of those that follow the system; state: ours."""

    home: str
    config: str
    appdata: str
    state: str


def folders(environ: Mapping[str, str], platform: str) -> Folders:
    """The folders of a user, from the variables and sys.platform."""

    def given(name: str, *default: str) -> str:
        value = environ.get(name, "")
        return value if os.path.isabs(value) else os.path.join(home, *default)

    home = os.path.abspath(environ.get("USERPROFILE" if platform == "win32" else "HOME") or os.path.expanduser("~"))
    if platform == "win32":
        return Folders(
            home,
            os.path.join(home, ".config"),
            given("APPDATA", "AppData", "Roaming"),
            os.path.join(given("LOCALAPPDATA", "AppData", "Local"), _OURS),
        )
    config = given("XDG_CONFIG_HOME", ".config")
    if platform == "darwin":
        support = os.path.join(home, "Library", "Application Support")
        return Folders(home, config, support, os.path.join(given("XDG_STATE_HOME", "Library", "Application Support"), _OURS))
    return Folders(home, config, config, os.path.join(given("XDG_STATE_HOME", ".local", "state"), _OURS))


_OURS = "mcp-audit-gate"


def located(row: Row, where: Folders, environ: Mapping[str, str]) -> Iterator[str]:
    """The full path of each of a row's files, there or not (with `*`: those that are there); one named by a variable that is not set is left out."""
    for path in row.paths:
        head, *rest = path.split("/")
        named = environ.get(head[1:], "") if head.startswith("$") else ""
        folder = {"~": where.home, "<config>": where.config, "<appdata>": where.appdata}.get(head, named)
        if os.path.isabs(folder):
            yield from _named(folder, rest)


def _named(folder: str, parts: list[str]) -> Iterator[str]:
    """The paths below a folder that the parts name."""
    at = next((number for number, part in enumerate(parts) if "*" in part), None)
    if at is None:
        yield os.path.join(folder, *parts)
        return
    folder = os.path.join(folder, *parts[:at])
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if fits(fold(name), parts[at]) and os.path.lexists(os.path.join(folder, name, *parts[at + 1 :])):
            yield from _named(os.path.join(folder, name), parts[at + 1 :])
