"""Configs for the tests of fixes: servers with things to mend, written in three syntaxes in as many layouts as a seed gives.

The same seed gives the same layout, so the text that a fix should leave is the same config written with other values.
"""

from __future__ import annotations

import json
import random
from typing import NamedTuple

from fakes import token


class Swap(NamedTuple):
    """A part of a string that a fix takes away, and what it puts there."""

    before: str
    after: str


String = list["str | Swap"]


class Server(NamedTuple):
    """A server: command line, variables, address and headers; resolved: the version that the lockfile has."""

    name: str
    args: list[String]
    env: list[tuple[str, String]]
    url: String | None
    headers: list[tuple[str, String]]
    resolved: str | None


# path, container, syntax, how a reference is written.
FILES = (
    (".mcp.json", "mcpServers", "json", "${NAME}"),
    (".cursor/mcp.json", "mcpServers", "json", "${env:NAME}"),
    (".vscode/mcp.json", "servers", "json", "${env:NAME}"),
    ("librechat.yaml", "mcpServers", "yaml", "${NAME}"),
    (".grok/config.toml", "mcp_servers", "toml", ""),
)
ODD = ("", "plain", "ümlaut € 😀", 'a "quoted" word', "back\\slash", "x/y", "# no comment", "// nor this", "tab\tand\nline", "'", "a: b", "{", "%")


def secret(number: int, form: str, name: str) -> Swap:
    """A secret, and the reference to the variable of that name; where the client has none, the secret stays."""
    text = token("github", number)
    return Swap(text, form.replace("NAME", name) if form else text)


def servers(chance: random.Random, form: str, file: int) -> list[Server]:
    """Some servers, each with at most one thing to mend of each kind, and with things that are to stay. file: a number of its own."""
    taken = 50 * file
    found = []
    for number in range(chance.randint(1, 4)):
        name = f"s{number}f{file}"
        own = chance.choice(("", "", "none"))
        env: list[tuple[str, String]] = [(f"E{index}_{name}", [chance.choice(ODD)]) for index in range(chance.randint(0, 3))]
        if chance.random() < 0.6:
            key = f"TOKEN_{name}"
            env.insert(chance.randint(0, len(env)), (key, [secret(taken + 7 * number, form, key)]))
        if chance.random() < 0.6:
            args, resolved = _line(chance, own)
            if chance.random() < 0.4:
                args += [["--" + name + "-api-key"], [secret(taken + 7 * number + 1, form, f"{name.upper()}_API_KEY")]]
            args += [[chance.choice(("./docs", "--verbose", "ümlaut", 'say "hi"'))] for _ in range(chance.randint(0, 2))]
            found.append(Server(name, args, env, None, [], resolved))
        else:
            headers: list[tuple[str, String]] = [("X-Odd", [chance.choice(ODD[1:4])])]
            url: String = ["https://mcp.example.com/v1"]
            if chance.random() < 0.5:
                key, before, variable = chance.choice(
                    (("Authorization", "Bearer ", "TOKEN"), (f"X-{name}-Token", "Bearer ", "TOKEN"), ("X-Key", "", "KEY"))
                )
                headers.append((key, [before, secret(taken + 7 * number + 2, form, f"{name.upper()}_{variable}")]))
            if chance.random() < 0.4:
                url = ["https://deploy:", secret(taken + 7 * number + 3, form, f"{name.upper()}_PASSWORD"), "@mcp.example.com/v1"]
            found.append(Server(name, [], env, url, headers, None))
    return found


def _line(chance: random.Random, own: str) -> tuple[list[String], str | None]:
    """A command line that floats, what the lockfile knows, and what is then written."""
    resolved = None if own else chance.choice(("1.4.2", "2.0.0-rc.1"))
    kind = chance.randint(0, 4)
    if kind == 0:
        return [["npx"], ["-y"], ["@acme/docs-mcp", Swap("", f"@{resolved}" if resolved else "")]], resolved
    if kind == 1:
        return [["npx"], ["--yes"], ["--package=acme-tool", Swap("@latest", f"@{resolved or 'latest'}")], ["acme-tool"]], resolved
    resolved = resolved and "2.0.1"
    if kind == 2:
        return [["uvx"], ["acme-build", Swap("", f"@{resolved}" if resolved else "")]], resolved
    if kind == 3:
        return [["uvx"], ["--from"], ["acme-build[all]", Swap(">=1,<3", f"=={resolved}" if resolved else ">=1,<3")], ["acme"]], resolved
    digest = resolved and "sha256:" + "0f" * 32
    return [["docker"], ["run"], ["-i"], ["acme/box", Swap("", f"@{digest}" if digest else "")]], digest


class Layout:
    """Writes servers as a file, with the values before or after."""

    def __init__(self, seed: int, container: str, syntax: str) -> None:
        self._seed = seed
        self._container = container
        self._syntax = syntax

    def text(self, found: list[Server], after: bool) -> bytes:
        """The bytes of the file."""
        self._chance = random.Random(self._seed)
        self._after = after
        text = {"json": self._json, "yaml": self._yaml, "toml": self._toml, "codex": self._toml}[self._syntax](found)
        line_end = self._chance.choice(("\n", "\r\n"))
        mark = self._chance.choice((b"", b"\xef\xbb\xbf"))
        return mark + text.replace("\n", line_end).encode()

    def _parts(self, string: String) -> list[str]:
        return [part if isinstance(part, str) else part.after if self._after else part.before for part in string]

    # ---------------------------------------------------------------------------------------------------------------- JSON

    def _json(self, found: list[Server]) -> str:
        members = [(server.name, self._json_server(server)) for server in found]
        inner = self._object(members)
        extra = [("other", self._string(["kept"]))] if self._chance.random() < 0.5 else []
        return self._blank() + self._object([*extra, (self._container, inner)]) + self._blank()

    def _json_server(self, server: Server) -> str:
        members: list[tuple[str, str]] = []
        if server.args:
            members += [("command", self._string(server.args[0])), ("args", self._list([self._string(item) for item in server.args[1:]]))]
        if server.url:
            members += [("type", self._string(["http"])), ("url", self._string(server.url))]
        for key, pairs in (("env", server.env), ("headers", server.headers)):
            if pairs:
                written = [(name, self._string(value)) for name, value in pairs]
                if key == "env" and self._chance.random() < 0.15:
                    written.append(written[-1])  # a repeated key with an equal value
                members.append((key, self._object(written)))
        return self._object(members)

    def _object(self, members: list[tuple[str, str]]) -> str:
        written = [f"{self._blank()}{self._string([key])}{self._blank()}:{self._blank()}{value}{self._blank()}" for key, value in members]
        return "{" + ",".join(written) + self._last() + "}"

    def _list(self, items: list[str]) -> str:
        return "[" + ",".join(f"{self._blank()}{item}{self._blank()}" for item in items) + (self._last() if items else "") + "]"

    def _last(self) -> str:
        return self._chance.choice(("", "", ",")) + self._chance.choice(("", " ", "\n"))

    def _blank(self) -> str:
        return self._chance.choice(("", " ", "\n  ", "\t", ' /* a "comment" */ ', '// one, "two": {\n'))

    def _string(self, string: String) -> str:
        """A JSON string; characters that stay may be written as escapes."""
        pieces = []
        for part, text in zip(string, self._parts(string), strict=True):
            escaped = self._chance.random() < 0.3
            seed = self._chance.random()
            if isinstance(part, Swap):
                pieces.append(json.dumps(text)[1:-1])
            else:
                letters = random.Random(seed)
                pieces += [_escaped(char) if escaped and letters.random() < 0.4 else json.dumps(char, ensure_ascii=False)[1:-1] for char in text]
        return f'"{"".join(pieces)}"'

    # ---------------------------------------------------------------------------------------------------------------- YAML

    def _yaml(self, found: list[Server]) -> str:
        lines = ["# servers", f"{self._container}:"]
        for server in found:
            lines.append(f"  {server.name}:{self._note()}")
            if server.args:
                lines.append(f"    command: {self._scalar(server.args[0])}")
                if server.args[1:]:
                    lines += ["    args:", *(f"      - {self._scalar(item)}{self._note()}" for item in server.args[1:])]
            if server.url:
                lines += ["    type: http", f"    url: {self._scalar(server.url)}"]
            for key, pairs in (("env", server.env), ("headers", server.headers)):
                if pairs:
                    lines += [f"    {key}:", *(f"      {name}:  {self._scalar(value)}{self._note()}" for name, value in pairs)]
        return "\n".join(lines) + self._chance.choice(("", "\n", "\n\n"))

    def _note(self) -> str:
        return self._chance.choice(("", "", "  # a note: 'x'"))

    def _scalar(self, string: String) -> str:
        text = "".join(self._parts(string))
        kind = self._chance.randint(0, 2)
        before = "".join(part if isinstance(part, str) else part.before for part in string)
        if kind == 0 and before[:1].isalnum() and not set(before) & set("#:'\"{%\\\n\t,[]>") and before.isascii():
            return text
        if kind == 1 and "\n" not in before and "\t" not in before:
            return "'" + text.replace("'", "''") + "'"
        return json.dumps(text, ensure_ascii=False)

    # ---------------------------------------------------------------------------------------------------------------- TOML

    def _toml(self, found: list[Server]) -> str:
        lines = ["# servers", 'title = "kept"', ""]
        for server in found:
            lines.append(f"[{self._container}.{server.name}]{self._note()}")
            first = len(lines)
            if server.args:
                lines.append(f"command = {self._quoted(server.args[0])}")
                between = self._chance.choice((", ", ",", ",\n  "))
                lines.append(f"args = [{between.join(map(self._quoted, server.args[1:]))}]{self._note()}")
            if server.url:
                lines.append(f"url={self._quoted(server.url)}")
            headers = "http_headers" if self._syntax == "codex" else "headers"
            for key, pairs in (("env", server.env), (headers, server.headers)):
                if pairs and self._chance.random() < 0.4:
                    inner = ", ".join(f"{name} = {self._quoted(value)}" for name, value in pairs)
                    lines.insert(first, f"{key} = {{ {inner} }}{self._note()}")
                elif pairs:
                    lines += [
                        f"[{self._container}.{server.name}.{key}]",
                        *(f"{name} =  {self._quoted(value)}{self._note()}" for name, value in pairs),
                    ]
            lines.append("")
        return "\n".join(lines)

    def _quoted(self, string: String) -> str:
        before = "".join(part if isinstance(part, str) else part.before for part in string)
        text = "".join(self._parts(string))
        if self._chance.random() < 0.5 and not set(before) & set("'\n\t"):
            return f"'{text}'"
        return json.dumps(text, ensure_ascii=False)


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > 0x7E else f"\\u{ord(char):04x}"
