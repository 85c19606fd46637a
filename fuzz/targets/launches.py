"""Command lines: what wrappers are put around comes out again, words are a POSIX shell's, every part stands where the launch says."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from fuzz.draw import Draw
from fuzz.target import Target, agree, vocabulary, wrong
from fuzz.targets.places import leaves, text_of
from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Launch, Place, Word
from mcp_audit_gate.sources import scripts, shell
from mcp_audit_gate.sources.launch import Fields, understand
from mcp_audit_gate.sources.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = "acme-server"
ARGUMENTS = (
    "a",
    "-v",
    "--port=1",
    "A=b",
    "x y",
    "it's",
    'say "x"',
    "a;b",
    "a|b",
    "a&&b",
    "#c",
    "*",
    "\\",
    "a\\b",
    "",
    " ",
    "é",
    "-c",
    "--",
    "env",
    "<x",
    "(a)",
    "\n",
)
# Wrappers that take a command line, and the variables that they set.
LINES: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    (("env", "A=b"), {"A": "b"}),
    (("/usr/bin/env", "-i"), {}),
    (("env", "-u", "HOME", "B=c d"), {"B": "c d"}),
    (("nice", "-n", "5"), {}),
    (("timeout", "-k", "5", "30"), {}),
    (("nohup",), {}),
    (("stdbuf", "-o", "L"), {}),
    (("sudo", "-u", "me"), {}),
    (("setsid",), {}),
    (("mise", "x", "node@20", "--"), {}),
    (("poetry", "run"), {}),
    (("dotenvx", "run", "-f", ".env", "--"), {}),
    (("exec",), {}),
)
# Wrappers that take a command string for a POSIX shell.
STRINGS: tuple[tuple[str, ...], ...] = (
    ("sh", "-c"),
    ("/bin/bash", "-lc"),
    ("bash", "-euo", "pipefail", "-c"),
    ("zsh", "-ic"),
    ("env", "-S"),
    ("su", "me", "-c"),
    ("C:\\msys\\sh.exe", "-c"),
)
BEFORE = ("", "exec ", "cd /srv && ", "export X=1; ", "C=d ", "set -e\n")


def check_unwrap(data: bytes) -> None:
    """A known command line in layers of wrappers: the launch is that line, with the wrappers' variables, in order."""
    draw = Draw(data)
    inner = [PROGRAM, *draw.many(lambda: draw.choice(ARGUMENTS), 4)]
    line, wanted, layers = inner, dict[str, str](), 0
    for _ in range(draw.number(5)):
        if draw.flag():
            words, sets = draw.choice(LINES)
            line = [*words, *line]
            wanted |= {name: value for name, value in sets.items() if name not in wanted}
        else:
            words, before = draw.choice(STRINGS), draw.choice(BEFORE)
            if words[-1] == "-S":
                before = ""
            line = [*words, before + shlex.join(line)]
            wanted |= {name: value for name, value in (("X", "1"), ("C", "d")) if f"{name}=" in before and name not in wanted}
        layers += line[0] != "exec"
    at = [("command",), *(("args", number) for number in range(len(line) - 1))]
    found = understand(Fields(tuple(Word(text, place) for text, place in zip(line, at)), transport="stdio"))
    launch = found[0]
    agree("the command line", [word.text for word in launch.line], inner)
    agree("the program", launch.program, PROGRAM)
    if launch.shell is not None or len(launch.wrappers) < layers:
        wrong("a wrapper was not taken off", line, launch.wrappers, launch.shell)
    for name, value in wanted.items():
        if value not in [variable.value for variable in launch.env if variable.name == name]:
            wrong("a variable", name, value, launch.env, line)
    check_words(found, set(at))


def check_words(found: tuple[Launch, ...], known: set[Any]) -> None:
    """Every word and part of a launch says a place that the entry has."""
    for launch in found:
        for word in words_of(launch):
            if word.at not in known:
                wrong("a word from nowhere", word, sorted(map(str, known)))


def words_of(launch: Launch) -> Iterator[Any]:
    """Every part of a launch that has a place."""
    for part in (
        launch.words,
        launch.line,
        launch.wrappers,
        launch.arguments,
        launch.urls,
        launch.packages,
        launch.options,
        launch.env,
        launch.headers,
    ):
        yield from part
    yield from (part for part in (launch.image, launch.script, launch.code, launch.shell, launch.cwd) if part is not None)
    for inner in launch.inside:
        yield from words_of(inner)


def check_line(data: bytes) -> None:
    """Any words: understood without fail, each part from a place of the entry, and the same again."""
    texts = data.decode("utf-8", "replace").split("\0")[:12]
    at = [("command",), *(("args", number) for number in range(len(texts) - 1))]
    fields = Fields(tuple(Word(text, place) for text, place in zip(texts, at) if text or place != ("command",)), transport="stdio")
    found = understand(fields)
    if not found:
        wrong("no launch at all", texts)
    agree("the words as written", [word.text for word in found[0].words], [word.text for word in fields.words])
    check_words(found, set(at))
    agree("the launch again", understand(fields), found)


def work_line(data: bytes) -> None:
    """Understands."""
    texts = data.decode("utf-8", "replace").split("\0")[:12]
    understand(Fields(tuple(Word(text, ("args", number)) for number, text in enumerate(texts)), transport="stdio"))


def check_shell(data: bytes) -> None:
    """Words and operators in order, within the text; words as shlex has them where it can say."""
    text = data.decode("utf-8", "replace")
    tokens = shell.split(text)
    last = 0
    for token in tokens:
        if not last <= token.start < token.end <= len(text) or (token.operator and text[token.start : token.end] != token.text):
            wrong("the place of a token", text, token)
        between = re.sub(r"\\\r?\n|#[^\n]*", "", text[last : token.start])
        if between.strip(" \t"):
            wrong("something between tokens", text, between)
        last = token.end
    rest = re.sub(r"\\\r?\n|#[^\n]*", "", text[last:])
    if rest.strip(" \t"):
        wrong("something behind the last token", text, rest)
    list(scripts.commands(scripts.read(text)))
    # Outside of these a shell does what shlex does not: it expands, separates commands, and joins lines.
    if re.search(r"[`$;&|<>()#\r\n]", text):
        return
    try:
        wanted = shlex.split(text)
    except ValueError:
        return  # a quote that does not close
    agree("the words", [token.text for token in tokens], wanted)


def work_shell(data: bytes) -> None:
    """Splits, and reads what is in it."""
    scripts.read.cache_clear()
    list(scripts.commands(scripts.read(data.decode("utf-8", "replace"))))


QUOTED = "|".join(rf"\s*{quote}(?:\\{quote}|[^{quote}])*{quote}" for quote in "'\"`")
DOTENV = re.compile(
    rf"(?:^|(?<=[\u2028\u2029]))\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)({QUOTED}|[^#\r\n]+)?\s*(?:\#.*)?(?:$|(?=[\u2028\u2029]))", re.M
)


def check_dotenv(data: bytes) -> None:
    """A file of variables: each is on its line, and its value is what stands behind the sign, quotes taken off."""
    text = text_of(data)
    try:
        (document,) = parse(".env", data, "dotenv")
    except Unreadable:
        return
    assert text is not None
    # lib/main.js of dotenv 17 for Node.js, in Python's words; names of other characters are no variables of a shell.
    wanted: dict[str, str] = {}
    for found in DOTENV.finditer(text.replace("\r\n", "\n").replace("\r", "\n")):
        value = (found[2] or "").strip()
        if re.fullmatch(r"[A-Za-z_]\w*", found[1], re.A):
            wanted[found[1]] = re.sub(r"^(['\"`])(.*)\1$", r"\2", value, flags=re.S)
    missing = set(wanted) - set(document.value)  # type: ignore[arg-type]
    if missing:
        wrong("variables that are not seen", missing, document.value)
    for name, value in document.value.items():  # type: ignore[union-attr]
        start, end = document.span(Place(document, (name,), key=True))
        agree("the place of a name", document.text[start:end], name)
        start, end = document.span(Place(document, (name,)))
        if value:
            agree("the place of a value", document.text[start:end].strip("\"'`"), str(value).strip("\"'`"))
        if name in wanted and not set("#:'\"`\u2028\u2029") & set(text):  # an odd line break ends a value here, so that what follows is seen
            agree("the value of a variable", value, wanted[name])


def check_crushrc(data: bytes) -> None:
    """`mcp add` lines: every value is a word of the text, where the place says."""
    text = text_of(data)
    try:
        (document,) = parse("crushrc", data, "crushrc")
    except Unreadable:
        return
    assert text is not None
    for at, leaf in leaves(document.value):
        start, end = document.span(Place(document, at))
        shown = document.text[start:end]
        closed = not shown.count("'") % 2 and not shown.count('"') % 2
        if closed and isinstance(leaf, str) and not re.search(r"[`$\\\r\n]|[<>]\(", shown) and (shown or leaf):
            agree("the word at the place of a value", shlex.split(shown), [leaf])


def reads(syntax: str) -> Callable[[bytes], object]:
    """Reads a file of that syntax."""

    def run(data: bytes) -> None:
        try:
            parse("x", data, syntax)
        except Unreadable:
            return

    return run


SHELL = vocabulary(
    "' \" \\ $( ${ } ) ( ` ; && || | & > >> 2>&1 < <( # $x ${x:-y} a b echo sh -c then do done if fi { }", "\\\n", "\n", "\r", "\t", "'a b'", "$(("
)
LINE = vocabulary(
    "npx uvx docker run node python -y -c -m --from env A=b sh bash cmd /c powershell -Command -e sudo npm exec -- mcp-remote http://x.test/mcp "
    "deno x@1.0.0 ghcr.io/a/b:1 ${X} ${X:-y} uv tool timeout 5 supergateway --stdio", "\0", "\0-c\0", "\0--\0", " ",
)  # fmt: skip
TARGETS = {
    "unwrap": Target(check_unwrap),
    "line": Target(check_line, work_line, (*LINE, *SHELL)),
    "shell": Target(check_shell, work_shell, SHELL),
    "dotenv": Target(
        check_dotenv, reads("dotenv"), vocabulary("A=b export = # ' \" \\", "\n", "\r", "\r\n", "export A='b'\n", "\u2028", "\x85", "\f")
    ),
    "crushrc": Target(check_crushrc, reads("crushrc"), (*SHELL, "mcp add ", "--command ", "--args ", "--env ", "--url ", "--header ")),
}
