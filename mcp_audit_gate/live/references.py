"""References in a config's texts: `${TOKEN}` and its kin replaced by what the environment holds, by the syntax of the client."""

from __future__ import annotations

import os
import re

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Clients that also take `$VAR` for a reference, `{env:VAR}` for one, or run `$(command)`; see the reference of client formats, section 6.
BARE = frozenset(("copilot-agent", "crush", "gemini-cli", "qwen"))
BRACED = frozenset(("opencode", "kilo"))
RUNS = frozenset(("crush",))
_REFERENCE = lazy(
    r"\$\{\{\s{0,20}(?:secrets|vars|env|inputs)\.(?P<stored>[A-Za-z_]\w*)\s{0,20}\}\}"
    r"|\$\{(?:env:)?(?P<name>[A-Za-z_]\w*)(?:(?P<sign>:?[-=])(?P<default>[^{}]*))?\}"
    r"|\$\{(?P<other>[^{}]*)\}|(?<!\$)\{(?P<kind>env|file):(?P<braced>[^{}]*)\}|(?<![\w$])\$(?P<bare>[A-Za-z_]\w*)|(?P<command>\$\([^()]*\))"
)
# What a client asks a person for, and the beginning of the variable that holds the answer here.
_ASKED, ANSWER = lazy(r"(?:input:|user_config\.)(.{1,200})"), "MCP_AUDIT_INPUT_"
# Of these a value is no secret: they are in every started server's environment.
COMMON = frozenset(("HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "USER", "USERPROFILE", "APPDATA", "LOCALAPPDATA"))


class References:
    """Fills in the texts of one entry.

    missing: variables that are not set. unknown: references that only the client can fill in; wanted: variables that would do it, too.
    secrets: values of variables.
    """

    def __init__(self, client: str, environ: Mapping[str, str], root: str, config: str) -> None:
        """root: the folder of the repository. config: the file that holds the entry, relative to it."""
        folder = os.path.normpath(os.path.join(root, os.path.dirname(config)))
        if os.path.basename(folder) in (".claude-plugin", ".codex-plugin", ".cursor-plugin"):
            folder = os.path.dirname(folder)
        self._client = client
        self._environ = environ
        self._places = {
            **dict.fromkeys(("workspaceFolder", "workspaceRoot", "workspacePath", "CLAUDE_PROJECT_DIR"), root),
            **dict.fromkeys(("extensionPath", "__dirname", "CLAUDE_PLUGIN_ROOT", "fileDirname"), folder),
            "workspaceFolderBasename": os.path.basename(root),
            "userHome": environ.get("HOME", environ.get("USERPROFILE", "")),
            "pathSeparator": os.sep,
            "/": os.sep,
        }
        self.missing: set[str] = set()
        self.unknown: set[str] = set()
        self.wanted: set[str] = set()
        self.secrets: set[str] = set()

    def fill(self, text: str) -> str:
        """The text with its references filled in; what cannot be stays as it is and is remembered."""
        return _REFERENCE.sub(self._value, text) if any(mark in text for mark in "${") else text

    def variable(self, name: str, default: str | None = None, or_empty: bool = True) -> str | None:
        """The value of a variable. or_empty: the default also stands for an empty one."""
        value = self._environ.get(name)
        if value is None or (not value and or_empty and default is not None):
            if default is None:
                self.missing.add(name)
            return default
        if name not in COMMON and value not in self._places.values():
            self.secrets.add(value)
        return value

    def _value(self, found: re.Match[str]) -> str:
        whole = found.group()
        name = found["stored"] or found["name"]
        if name in self._places and name not in self._environ:
            return self._places[name]
        if name:
            value = self.variable(name, found["default"], or_empty=(found["sign"] or ":").startswith(":"))
            return whole if value is None else value
        if found["other"] is not None:
            return self._by_client(found["other"], whole)
        if found["bare"] and self._client in BARE:
            value = self.variable(found["bare"])
            return whole if value is None else value
        if found["kind"] and self._client in BRACED:
            value = self.variable(found["braced"]) if found["kind"] == "env" else None
            if found["kind"] == "file":
                self.unknown.add(whole)
            return whole if value is None else value
        if found["command"] and self._client in RUNS:
            self.unknown.add(whole)
        return whole

    def _by_client(self, name: str, whole: str) -> str:
        if name in self._places:
            return self._places[name]
        asked = _ASKED.fullmatch(name)
        answer = ANSWER + re.sub("[^A-Z0-9]", "_", asked[1].upper()) if asked else ""
        if asked and answer in self._environ:
            self.secrets.add(self._environ[answer])
            return self._environ[answer]
        self.unknown.add(whole)
        self.wanted |= {answer} if asked else set()
        return whole

    def problem(self) -> tuple[str, str] | None:
        """Why the texts cannot be used, and what to do; None when everything was filled in."""
        if self.missing:
            names = ", ".join(sorted(visible(name, 80) for name in self.missing))
            return (
                f"{names} {'is' if len(self.missing) == 1 else 'are'} not set in the environment",
                "set it for this run, or take the reference out of the entry",
            )
        if self.unknown:
            names = ", ".join(sorted(visible(whole, 80) for whole in self.unknown))
            hint = f"set {', '.join(sorted(self.wanted))} for this run, or " if self.wanted else ""
            return f"only its client can fill in {names}", f"{hint}write an environment variable instead, ${{NAME}}"
        return None
