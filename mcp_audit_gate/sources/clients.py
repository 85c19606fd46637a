"""THE TABLE: which files clients read, in which syntax, where servers and approvals stand in them.

Discovery, the hook's file pattern and docs/clients.md are made from it. Formats as read from the clients' sources and
documentation in November 2026; docs/clients.md names them.
"""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

MAPS = ("/mcpServers/*", "/mcp_servers/*", "/mcp-servers/*", "/context_servers/*")
SERVERS = (*MAPS, "/servers/*")
FLAT = (*SERVERS, "/*")


class Row(NamedTuple):
    """One kind of file.

    client: its id in reports and for --client; also: other clients that read the same file. paths: globs of the last parts of
    a path, matched without regard to case; `**` is any number of folders. syntax: json (comments and trailing commas are
    read, too), json or empty (a file without any value is one without settings), toml, yaml, markdown, crushrc, dotenv.
    shapes: pointers to entries, `*` for each member of a map or item of a list; a last part that is a name is a single entry.
    off: keys by which every reader of the file switches an entry off.
    settings: pointers to approvals and client settings; the part before `//` is no part of the setting's name.
    free: the name alone says nothing; the file counts only when it holds a server or a setting.
    beside: the row holds only where this file lies beside (`../x`: one folder up).
    expands: its client runs `$(…)` in values when it loads the file. completed: an entry may get its address from another file.
    """

    client: str
    title: str
    paths: tuple[str, ...]
    syntax: str = "json"
    shapes: tuple[str, ...] = SERVERS
    also: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    free: bool = False
    beside: str = ""
    expands: bool = False
    completed: bool = False


CLAUDE_SETTINGS = (
    "/enableAllProjectMcpServers",
    "/enabledMcpjsonServers",
    "/disabledMcpjsonServers",
    "/permissions/allow",
    "/permissions/defaultMode",
    "/env",
    "/apiKeyHelper",
    "/awsAuthRefresh",
    "/awsCredentialExport",
    "/otelHeadersHelper",
    "/statusLine",
    "/hooks",
    "/sandbox",
)


def _spellings(pointer: str) -> tuple[str, ...]:
    """A dotted VS Code setting as it may stand in the file: VS Code takes `{"a": {"b.c": 1}}` for `{"a.b.c": 1}`."""
    found = [""]
    for part in pointer[1:].split("."):
        found = [f"{head}{between}{part}" if head else part for head in found for between in ((".", "/") if head else ("",))]
    return tuple("/" + one for one in found)


_VSCODE_SETTINGS = (
    "/chat.mcp.access",
    "/chat.mcp.autostart",
    "/chat.mcp.discovery.enabled",
    "/chat.mcp.serverSampling",
    "/chat.mcp.toolApproval",
    "/chat.tools.autoApprove",
    "/chat.tools.*autoApprove",
    "/claudeCode.allowDangerouslySkipPermissions",
    "/claudeCode.initialPermissionMode",
    "/claudeCode.environmentVariables",
    "/terminal.integrated.env.linux",
    "/terminal.integrated.env.osx",
    "/terminal.integrated.env.windows",
    "/apiBaseUrl",
)
VSCODE_SETTINGS = tuple(one for setting in _VSCODE_SETTINGS for one in _spellings(setting))
GEMINI_SETTINGS = (
    "/mcp/allowed",
    "/security/folderTrust/enabled",
    "/folderTrust",
    "/tools/autoAccept",
    "/tools/approvalMode",
    "/autoAccept",
    "/sandbox",
    "/hooks",
    "/telemetry/otlpEndpoint",
)
CODEX_SETTINGS = (
    "/approval_policy",
    "/sandbox_mode",
    "/default_permissions",
    "/model_providers/*/base_url",
    "/model_providers/*/env_key",
    "/model_providers/*/experimental_bearer_token",
    "/model_providers/*/http_headers",
    "/openai_base_url",
    "/chatgpt_base_url",
    "/otel/exporter",
    "/notify",
    "/profiles/*//approval_policy",
    "/profiles/*//sandbox_mode",
    "/profiles/*//default_permissions",
)
AGENT_SETTINGS = ("/allowedTools", "/toolAliases", "/hooks")
DOTENV_SETTINGS = (
    "/ANTHROPIC_BASE_URL",
    "/ANTHROPIC_API_URL",
    "/ANTHROPIC_BEDROCK_BASE_URL",
    "/ANTHROPIC_VERTEX_BASE_URL",
    "/ANTHROPIC_FOUNDRY_BASE_URL",
    "/OPENAI_BASE_URL",
    "/OPENAI_API_BASE",
    "/GOOGLE_GEMINI_BASE_URL",
    "/GOOGLE_VERTEX_BASE_URL",
    "/GEMINI_BASE_URL",
    "/COPILOT_PROVIDER_BASE_URL",
    "/OTEL_EXPORTER_OTLP_ENDPOINT",
    "/GEMINI_TELEMETRY_OTLP_ENDPOINT",
    "/CODEX_HOME",
    "/CLAUDE_CONFIG_DIR",
    "/COPILOT_HOME",
    "/XDG_CONFIG_HOME",
    "/GEMINI_CLI_HOME",
    "/GEMINI_HOME",
    "/QWEN_HOME",
    "/GEMINI_TRUST_WORKSPACE",
)

ROWS = (
    Row(
        "claude-code",
        "Claude Code",
        (".mcp.json",),
        shapes=FLAT,
        also=("copilot-cli", "vscode", "visual-studio", "claude-plugin", "codex-plugin", "goose", "deepagents"),
    ),
    Row(
        "claude-settings",
        "Claude Code settings",
        (".claude/settings.json", ".claude/settings.local.json"),
        also=("claude-code",),
        settings=CLAUDE_SETTINGS,
    ),
    Row(
        "claude-agent",
        "Claude Code subagent",
        (".claude/agents/**/*.md", ".claude/skills/**/*.md"),
        "markdown",
        also=("claude-code",),
        settings=("/permissionMode",),
    ),
    Row(
        "claude-agent",
        "Claude Code plugin's subagent",
        ("agents/*.md",),
        "markdown",
        also=("claude-code",),
        settings=("/permissionMode",),
        beside="../.claude-plugin/plugin.json",
    ),
    Row(
        "claude-plugin",
        "Claude Code plugin",
        (".claude-plugin/plugin.json", ".claude-plugin/marketplace.json"),
        shapes=(*SERVERS, "/plugins/*/mcpServers/*"),
    ),
    Row("claude-desktop", "Claude Desktop", ("claude_desktop_config*.json",)),
    Row("codex", "Codex", (".codex/config.toml",), "toml", off=("enabled",), settings=CODEX_SETTINGS),
    Row("codex-plugin", "Codex plugin", (".codex-plugin/plugin.json", ".codex-plugin/.mcp.json", ".app.json"), shapes=SERVERS),
    Row("cursor", "Cursor", (".cursor/mcp.json",), shapes=FLAT, also=("visual-studio",)),
    Row("cursor-plugin", "Cursor plugin", ("mcp.json",), shapes=FLAT, beside=".cursor-plugin/plugin.json"),
    Row("cursor-plugin", "Cursor plugin", (".cursor-plugin/plugin.json",)),
    Row("vscode", "VS Code", (".vscode/mcp.json",), also=("visual-studio",), settings=("/inputs",)),
    Row(
        "vscode-settings",
        "VS Code settings",
        (".vscode/settings.json",),
        "json or empty",
        shapes=("/mcp/servers/*", "/mcp.servers/*", "/mcp.servers.*", "/mcp/servers.*"),
        also=("vscode",),
        settings=("/mcp//inputs", *VSCODE_SETTINGS),
    ),
    Row(
        "vscode-settings",
        "VS Code workspace",
        ("*.code-workspace",),
        "json or empty",
        shapes=("/settings/mcp/servers/*", "/settings/mcp.servers/*", "/settings/mcp.servers.*", "/settings/mcp/servers.*"),
        also=("vscode",),
        settings=("/settings/mcp//inputs", *("/settings/" + name for name in VSCODE_SETTINGS)),
    ),
    Row("visual-studio", "Visual Studio", (".vs/mcp.json",), settings=("/inputs",)),
    Row("amazon-q", "Amazon Q Developer", (".amazonq/mcp.json", ".amazonq/default.json"), off=("disabled",), settings=AGENT_SETTINGS),
    Row("amazon-q", "Amazon Q Developer agent", (".amazonq/cli-agents/*.json", ".amazonq/agents/*.json"), off=("disabled",), settings=AGENT_SETTINGS),
    Row(
        "amp",
        "Amp",
        (".amp/settings.json", ".amp/settings.jsonc"),
        shapes=("/amp.mcpServers/*", "/mcpServers/*"),
        settings=("/amp.permissions", "/amp.mcpPermissions", "/amp.dangerouslyAllowAll"),
    ),
    Row("antigravity", "Antigravity", (".agents/mcp_config.json", ".gemini/antigravity/mcp_config.json")),
    Row("augment", "Augment", (".augment/settings.json", ".augment/settings.local.json"), settings=("/toolPermissions",)),
    Row(
        "continue", "Continue", (".continue/mcpServers/*.yaml", ".continue/mcpServers/*.yml", ".continue/config.yaml"), "yaml", shapes=(*SERVERS, "/")
    ),
    Row("continue", "Continue", (".continue/mcpServers/*.json",), shapes=(*SERVERS, "/projects/*/mcpServers/*", "/")),
    Row("copilot-cli", "Copilot CLI", (".github/mcp.json", ".github/mcp-config.json"), shapes=FLAT),
    Row("copilot-cli", "Copilot CLI settings", (".github/copilot/settings.json",), settings=("/allowedTools",)),
    Row("copilot-agent", "Copilot agent", (".github/agents/*.md",), "markdown"),
    Row("copilot-agent", "Copilot agent", ("*.agent.md",), "markdown", free=True),
    Row("copilot-agent", "Copilot cloud agent, by convention", (".github/copilot-mcp.json", ".github/copilot/mcp.json"), shapes=FLAT),
    Row(
        "crush",
        "Crush",
        (".crush.json", "crush.json"),
        shapes=("/mcp/*", *MAPS),
        off=("disabled",),
        settings=("/permissions/allowed_tools",),
        expands=True,
    ),
    Row("crush", "Crush", (".crushrc", "crushrc"), "crushrc", shapes=("/mcp/*",), off=("disabled",), expands=True),
    Row("deepagents", "deepagents", (".deepagents/.mcp.json",)),
    Row(
        "devcontainer",
        "Dev container",
        (".devcontainer/devcontainer.json", ".devcontainer.json", ".devcontainer/*/devcontainer.json"),
        "json or empty",
        shapes=(
            "/customizations/vscode/mcp/servers/*",
            "/customizations/vscode/settings/mcp/servers/*",
            "/customizations/vscode/settings/mcp.servers/*",
        ),
        settings=("/containerEnv", "/remoteEnv", *("/customizations/vscode/settings/" + name for name in VSCODE_SETTINGS)),
    ),
    Row("devin", "Devin", (".devin/mcp_config.json", ".devin/config.json")),
    Row("factory", "Factory Droid", (".factory/mcp.json", ".factory/settings.json"), off=("disabled",)),
    Row("firebender", "Firebender", ("firebender.json",)),
    Row("gemini-cli", "Gemini CLI", (".gemini/settings.json",), shapes=(*SERVERS, "/mcp/serverCommand"), settings=GEMINI_SETTINGS),
    Row("gemini-cli", "Gemini CLI subagent", (".gemini/agents/*.md",), "markdown"),
    Row("gemini-cli", "Gemini CLI extension", ("gemini-extension.json",)),
    Row(
        "goose",
        "Goose recipe",
        ("*recipe*.yaml", "*recipe*.yml", "recipes/**/*.yaml", "recipes/**/*.yml"),
        "yaml",
        shapes=("/extensions/*", "/sub_recipes/*/extensions/*"),
        off=("enabled",),
        free=True,
    ),
    Row("goose", "Goose plugin", (".agents/plugins/*/.mcp.json",), shapes=FLAT),
    Row("grok", "Grok CLI", (".grok/config.toml",), "toml", off=("enabled",)),
    Row("codearts", "Huawei CodeArts Agent", (".codeartsdoer/mcp/mcp_settings.json",), off=("disabled",)),
    Row("codearts", "Huawei CodeArts Agent CLI", (".codeartsdoer/codearts_cli.jsonc",), shapes=(*SERVERS, "/mcp/*"), off=("disabled",)),
    Row("jetbrains-ai", "JetBrains AI Assistant", (".ai/mcp/mcp.json",)),
    Row("junie", "JetBrains Junie", (".junie/mcp/mcp.json", ".junie/mcp.json")),
    Row("kilo", "Kilo Code", (".kilocode/mcp.json",), off=("disabled",)),
    Row("kilo", "Kilo Code", ("kilo.jsonc", "kilo.json", ".kilo/kilo.json"), shapes=("/mcp/*", "/mcp/servers/*", *MAPS), off=("enabled",)),
    Row("kimi", "Kimi Code", (".kimi-code/mcp.json",), off=("enabled",)),
    Row("kiro", "Kiro", (".kiro/settings/mcp.json",), shapes=(*SERVERS, "/powers/mcpServers/*"), off=("disabled",)),
    Row("kiro", "Kiro agent", (".kiro/agents/*.json",), off=("disabled",), settings=AGENT_SETTINGS),
    Row("kiro", "Kiro power", ("powers/*/mcp.json",), off=("disabled",)),
    Row("librechat", "LibreChat", ("librechat.yaml", "librechat.yml"), "yaml", shapes=("/mcpServers/*",)),
    Row("mcp-agent", "mcp-agent", ("mcp_agent.config.yaml", "mcp_agent.secrets.yaml"), "yaml", shapes=("/mcp/servers/*",), completed=True),
    Row("mcporter", "MCPorter", ("config/mcporter.json", "config/mcporter.jsonc")),
    Row("vibe", "Mistral Vibe", (".vibe/config.toml",), "toml"),
    Row(
        "opencode",
        "OpenCode",
        ("opencode.json", "opencode.jsonc"),
        shapes=("/mcp/*", "/mcp/servers/*", *MAPS),
        off=("enabled",),
        settings=("/permission", "/agent/*//permission", "/tools"),
    ),
    Row("opencode", "OpenCode", (".agents/mcp.json",), shapes=FLAT, also=("zcode",)),
    Row(
        "openhands",
        "OpenHands",
        ("config.toml",),
        "toml",
        shapes=("/mcp/stdio_servers/*", "/mcp/sse_servers/*", "/mcp/shttp_servers/*", *MAPS),
        settings=("/approval_policy", "/sandbox_mode", "/default_permissions"),
        free=True,
    ),
    Row("qwen", "Qwen Code", (".qwen/settings.json",), shapes=(*SERVERS, "/mcp/serverCommand"), settings=GEMINI_SETTINGS),
    Row("qwen", "Qwen Code extension", ("qwen-extension.json",)),
    Row("reasonix", "Reasonix", ("reasonix.toml",), "toml", shapes=("/plugins/*", *MAPS)),
    Row("roo", "Roo Code", (".roo/mcp.json",), off=("disabled",)),
    Row("rovo", "Rovo Dev", (".rovodev/mcp.json",)),
    Row("rovo", "Rovo Dev", (".rovodev/config.yml", ".rovodev/config.yaml"), "yaml", settings=("/mcp/allowedMcpServers", "/mcp/mcpConfigPath")),
    Row("ruler", "ruler", (".ruler/mcp.json",)),
    Row("ruler", "ruler", (".ruler/ruler.toml",), "toml", shapes=(*SERVERS, "/mcp/servers/*")),
    Row("rulesync", "rulesync", (".rulesync/mcp.jsonc", ".rulesync/mcp.json", ".rulesync/.mcp.json"), shapes=(*SERVERS, "/*/mcpServers/*")),
    Row("sourcecraft", "SourceCraft Code Assistant", (".codeassistant/mcp.json",)),
    Row("tabnine", "Tabnine", (".tabnine/agent/settings.json",)),
    Row(
        "takt",
        "Takt",
        (".takt/**/*.yaml", ".takt/**/*.yml"),
        "yaml",
        shapes=("/steps/*/mcp_servers/*", "/movements/*/mcp_servers/*", "/mcp_servers/*"),
        settings=("/workflow_mcp_servers",),
    ),
    Row("trae", "Trae", (".trae/mcp.json",)),
    Row("warp", "Warp", (".warp/.mcp.json",)),
    Row("windsurf", "Windsurf", (".windsurf/mcp_config.json", ".windsurf/mcp.json"), off=("disabled",)),
    Row("zcode", "ZCode", (".zcode/config.json", "zcode.json"), shapes=("/mcp/servers/*", *MAPS)),
    Row(
        "zed",
        "Zed",
        (".zed/settings.json",),
        "json or empty",
        off=("enabled",),
        settings=("/agent/profiles/*/enable_all_context_servers", "/agent/always_allow_tool_actions"),
    ),
    Row("cline", "Cline, a committed copy", ("cline_mcp_settings.json",), off=("disabled",)),
    Row(
        "mcpb",
        "MCPB bundle",
        ("manifest.json",),
        shapes=("/server/mcp_config", "/server/mcp_config/platform_overrides/*"),
        settings=("/user_config/*/default",),
        free=True,
    ),
    Row("mcp-registry", "MCP registry", ("server.json",), shapes=("/packages/*", "/remotes/*"), free=True),
    Row("docker-registry", "Docker MCP registry", ("servers/*/server.yaml",), "yaml", shapes=("/",), free=True),
    Row("fastmcp", "FastMCP", ("fastmcp.json", "*.fastmcp.json"), shapes=("/mcpServers/*",), settings=("/deployment/env", "/deployment/headers")),
    Row(
        "dotenv",
        "A .env file that clients load",
        (".env", ".gemini/.env", ".claude/.env", ".codex/.env"),
        "dotenv",
        shapes=(),
        settings=DOTENV_SETTINGS,
        free=True,
    ),
)

EVERY_SHAPE = (
    *SERVERS,
    "/mcp/servers/*",
    "/mcp/*",
    "/mcp.servers/*",
    "/amp.mcpServers/*",
    "/settings/mcp/servers/*",
    "/settings/mcp.servers/*",
    "/customizations/vscode/mcp/servers/*",
    "/customizations/vscode/settings/mcp/servers/*",
    "/*/mcpServers/*",
    "/projects/*/mcpServers/*",
    "/plugins/*/mcpServers/*",
    "/mcp/stdio_servers/*",
    "/mcp/sse_servers/*",
    "/mcp/shttp_servers/*",
    "/mcp/serverCommand",
    "/extensions/*",
    "/sub_recipes/*/extensions/*",
    "/steps/*/mcp_servers/*",
    "/movements/*/mcp_servers/*",
    "/plugins/*",
    "/packages/*",
    "/remotes/*",
    "/server/mcp_config",
    "/server/mcp_config/platform_overrides/*",
    "/",
    "/*",
)
APPROVALS = (
    "/enableAllProjectMcpServers",
    "/enabledMcpjsonServers",
    "/permissions/allow",
    "/permissions/defaultMode",
    *VSCODE_SETTINGS,
    "/mcp/allowed",
    "/approval_policy",
    "/sandbox_mode",
)
NAMED = Row("named", "A file named on the command line", (), "", shapes=EVERY_SHAPE, settings=APPROVALS, free=True)
POINTED = Row("pointed", "A file another config points to", (), "", shapes=FLAT)

POINTING = frozenset(("claude-plugin", "codex-plugin", "cursor-plugin", "rovo"))  # clients whose files may name other configs
MERGING = frozenset(("opencode", "kilo", "crush"))  # clients that put an entry together from several files
# Clients whose file names (`crush.json`) other programs use, too; what has a list at its root is none of theirs.
SHARING = frozenset(("crush", "firebender", "kilo", "zcode"))
SKIPPED_FOLDERS = frozenset((".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".nox"))
LOCKFILE = "mcp-audit.lock.json"
POLICY_FILES = (".github/mcp-audit.yaml", "mcp-audit.yaml")
