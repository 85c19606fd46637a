"""What goes along to a server that it has no use for. Entries in, hits out."""

from __future__ import annotations

from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.rules.wording import field, server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Entry, Pointer

ENVIRONMENT_FORWARDED = RuleInfo(
    id="environment-forwarded",
    family="secrets",
    severity="medium",
    title="A server gets the whole environment of whoever starts it",
    why="Every token in the shell, of clouds, registries and other servers, is there for this one to read, and nobody can tell from the file "
    "which go along.",
    looks_at="`inheritEnv` and its spellings, `*` in a list of variables to hand on, `--pass-environment` of mcp-proxy and `--env-host` of podman. "
    "Variables that are named one by one are left out.",
    fix="Name the variables that the server needs.",
    references=("CWE-526", "SAFE-T1503"),
    example_bad=(".mcp.json", '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "inheritEnv": true}}}\n'),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "env": {"DOCS_TOKEN": "${DOCS_TOKEN}"}}}}\n',
    ),
)
_ALL = frozenset(("inheritenv", "inheritenvironment", "inheritallenv", "passenv", "passenvironment", "forwardenv", "forwardenvironment"))
_LISTS = ("env", "envs", "environment", "env_vars", "envVars", "env_keys", "pass_env", "passEnv")
_FLAGS = frozenset(("--pass-environment", "--env-host", "--env-host=true"))


def environment_forwarded(entry: Entry) -> Iterator[Hit]:
    """Switches, wildcards and flags that hand on every variable."""
    for at in _wholes(entry):
        yield Hit(entry.place(at), f"{server(entry)} gets the whole environment ({field(at)}).", str(at[0]))


def _wholes(entry: Entry) -> Iterator[Pointer]:
    for key, value in entry.value.items():
        switched = (value is True or value in ("all", "*")) and key.replace("_", "").replace("-", "").lower() in _ALL
        if switched or (key in _LISTS and value == "*"):
            yield (key,)
        elif key in _LISTS and isinstance(value, list):
            yield from ((key, number) for number, item in enumerate(value) if item == "*")
        elif key in _LISTS and isinstance(value, dict) and "*" in value:
            yield (key, "*")
    for launch in entry.launches:
        yield from (word.at for word in launch.words if word.text in _FLAGS)


RULES: tuple[Rule, ...] = (Rule(ENVIRONMENT_FORWARDED, environment_forwarded, alike=True),)
