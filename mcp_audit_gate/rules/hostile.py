"""Shapes that only attacks have: a script, or program text, in; the names of the shapes seen, with the word at fault, out."""

from __future__ import annotations

import functools
import re
from itertools import pairwise

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.rules import flows
from mcp_audit_gate.rules.starts import lists, temporary, words
from mcp_audit_gate.sources import scripts, wrappers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.sources.scripts import Command, Part, Script

REVERSE_SHELL = "a reverse shell"
EXFILTRATION = "credentials or the environment sent away"
CONCEALMENT = "a program hidden by encoding"
DESTRUCTION = "files or disks wiped"

Shape = tuple[str, int]


def shapes(script: Script, text: str, contained: bool = False, depth: int | None = None) -> Iterator[Shape]:
    """The shapes in a script, each with the number of the word at fault.

    contained: paths are those of a container. depth: how many folders below the root the script starts; None where nobody knows.
    """
    every = tuple(scripts.commands(script))
    yield from ((REVERSE_SHELL, at) for at in _reverse_shell(script, every, text))
    yield from ((EXFILTRATION, at) for at in _exfiltration(script, every))
    yield from ((CONCEALMENT, at) for at in _concealment(script, every, text))
    yield from ((DESTRUCTION, at) for at in _destruction(every, text, contained, depth))


def code_shapes(text: str) -> Iterator[Shape]:
    """The shapes in the text of a program of any language."""
    low = text.lower()
    data = lists()["decoded and run"]
    if "/dev/tcp/" in low or ("socket" in low and ("dup2" in low or "pty.spawn" in low)):
        yield REVERSE_SHELL, 0
    if _has_escapes(text) or (_decodes(low) and _runs().search(text)):
        yield CONCEALMENT, 0
    if any(word in low for word in data["dumps"]) and any(word in low for word in (*data["fetches"], "socket", "http", "dns")):
        yield EXFILTRATION, 0
    for inner in embedded(text):
        yield from ((name, 0) for name, _ in shapes(scripts.read(inner), inner))


def fetches_code(text: str) -> bool:
    """True for program text that runs what it fetches, by its own means or through a shell."""
    low = text.lower()
    data = lists()["decoded and run"]
    if "http" in low and (any(word in low for word in data["imports"]) or (any(word in low for word in data["fetches"]) and _runs().search(text))):
        return True
    return any(flows.executes(scripts.read(inner), flows.downloads) for inner in embedded(text))


def _decodes(low: str) -> bool:
    data = lists()["decoded and run"]
    return any(word in low for word in data["decodes"]) or ("buffer.from(" in low and any(word in low for word in data["buffers"]))


@functools.cache
def _runs() -> re.Pattern[str]:
    return re.compile(lists()["decoded and run"]["runs"], re.I)


def embedded(text: str) -> tuple[str, ...]:
    """What stands between quotes in program text that starts other programs, where it looks like a command line."""
    low = text.lower()
    if not any(word in low for word in lists()["decoded and run"]["spawns"]):
        return ()
    pieces = re.split(r"[\"'`]", text[: 2 * scripts.LIMIT].replace('\\"', " ").replace("\\'", " "))
    return tuple(piece for piece in pieces if " " in piece.strip())[:16]


def _has_escapes(text: str) -> bool:
    """True for eight escaped bytes in a row, in the part that anybody would read."""
    return ("\\" in text or "ch" in text.lower()) and _escaped().search(text[: 8 * scripts.LIMIT]) is not None


@functools.cache
def _escaped() -> re.Pattern[str]:
    """Eight escaped bytes in a row: \\x41, \\101, \\u0041, chr(65), [char]65, character codes."""
    return re.compile(
        r"(?:\\x[0-9a-fA-F]{2}){8}|(?:\\[0-3][0-7]{2}){8}|(?:\\u00[0-9a-fA-F]{2}){8}|(?:chr\(\d{1,3}\) ?[.+,] ?){7}"
        r"|(?:\[char\] ?\(?(?:0x)?[0-9a-fA-F]{1,3}\)? ?[+,] ?){7}|fromCharCode\((?: ?\d{1,3} ?,){7}",
        re.I,
    )


_CATS = words("connectors")
_NETWORK_ENDS = ("tcp", "udp", "openssl", "ssl", "sctp", "vsock", "socks", "proxy")
_PROBES = frozenset(("", "echo", "printf", ":", "true", "test", "exec", "read"))
_PIPES = frozenset((*_CATS, "telnet", "socat", "openssl"))


def _reverse_shell(script: Script, every: tuple[Command, ...], text: str) -> Iterator[int]:
    for command in every:
        for part in _sockets(command):
            if not _probe(command, part) and not _dumps(command):
                yield part.at
        if command.name in _CATS:
            yield from _cat(command)
        elif command.name == "socat" and len(command.arguments) > 1:
            ends = [part.text.lower() for part in command.arguments]
            if any(end.startswith(_NETWORK_ENDS) for end in ends):
                yield from (part.at for part in command.arguments if part.text.lower().startswith(("exec:", "system:", "shell:")))
    names = {command.name for command in every}
    if names & {"mkfifo", "mknod"} and names & _PIPES:
        yield 0
    for pipeline in scripts.pipelines(script):
        yield from _between(pipeline)
    low = text.lower()
    if "net.sockets.tcpclient" in low and ("iex" in low or "getstream" in low or "invoke-expression" in low):
        yield 0


def _between(pipeline: tuple[Command, ...]) -> Iterator[int]:
    """An interpreter whose input and output are both a network program."""
    first = next((number for number, command in enumerate(pipeline) if command.name in _PIPES), len(pipeline))
    shells = [number for number, command in enumerate(pipeline) if number > first and flows.takes_program(command)]
    if shells and any(command.name in _PIPES for command in pipeline[shells[0] :]):
        yield 0


def _sockets(command: Command) -> Iterator[Part]:
    """Words that bash opens as a network connection."""
    for _, target in command.redirects:
        if target.text.startswith(("/dev/tcp/", "/dev/udp/")):
            yield target


def _probe(command: Command, target: Part) -> bool:
    """True for a wait until a port of this machine or network answers (`echo > /dev/tcp/db/5432`)."""
    host = target.text.split("/")[3:4]
    plain = command.name in _PROBES and not any(part.runs for part in command.parts)
    return plain and addresses.host_kind(host[0] if host else "") != addresses.PUBLIC


def _cat(command: Command) -> Iterator[int]:
    """The flag by which netcat starts a program."""
    for part, following in zip(command.arguments, (*command.arguments[1:], None)):
        text = part.text
        executes = text.startswith(("--exec", "--sh-exec", "--lua-exec")) or re.fullmatch(r"-[a-zA-Z]*e[a-zA-Z]*", text)
        shell = command.name == "ncat" or (following is not None and _is_shell(following.text))
        if executes or (shell and re.fullmatch(r"-[a-zA-Z]*c", text)):
            yield part.at


def _is_shell(text: str) -> bool:
    name = wrappers.program_name(text.split(" ")[0]) if text.strip() else ""
    return name in wrappers.SHELLS or name in wrappers.POWERSHELLS or name == "cmd"


_IDENTITY_FLAGS = (
    "-i",
    "--key",
    "--cert",
    "-E",
    "--config",
    "-K",
    "-F",
    "--netrc-file",
    "--cacert",
    "-b",
    "--cookie",
    "-C",
    "--kubeconfig",
    "--env-file",
)
_UPLOAD_FLAGS = ("-T", "--upload-file", "--post-file", "--body-file", "-InFile", "-infile")
_HEADER_FLAGS = ("-H", "--header", "-u", "--user", "--oauth2-bearer", "-Headers", "-headers")


def _exfiltration(script: Script, every: tuple[Command, ...]) -> Iterator[int]:
    for pipeline in scripts.pipelines(script):
        carried = False
        for command in pipeline:
            if carried and command.name in words("network programs"):
                yield 0
            carried = carried or _dumps(command)
            if carried and any(_sockets(command)):
                yield 0
    for command in every:
        network = command.name in words("network programs")
        if network or command.name in words("resolvers"):
            yield from _sent(command)
        if network and any("<" in operator and credential(target.text) for operator, target in command.redirects):
            yield 0
        if command.name in words("copiers"):
            yield from (part.at for part in _read_files(command) if any(":" in other.text for other in command.arguments))


def credential(text: str) -> bool:
    """True for the path of a file that holds keys, tokens or the environment."""
    parts = [part for part in re.split(r"[\\/]", text.strip("\"'").lower()) if part]
    if not parts or parts[-1] in words("credential files", "harmless"):
        return False
    if parts[-1] in ("passwd", "shadow", "environ", "credentials", "hosts.yml") and len(parts) < 2:
        return False
    return parts[-1] in words("credential files") or not words("credential files", "folders").isdisjoint(parts)


def _read_files(command: Command) -> Iterator[Part]:
    """Arguments that are credential files and are not merely used to log in."""
    before = ""
    for part in command.arguments:
        if not part.text.startswith("-") and before not in _IDENTITY_FLAGS and credential(part.text):
            yield part
        before = part.text


def _dumps(command: Command) -> bool:
    """True for a command that prints the environment or a credential file."""
    texts = [part.text.lower() for part in command.arguments]
    if command.name == "env" or (command.name in ("set", "export", "printenv") and not [text for text in texts if text not in ("-p", "-0")]):
        return not [text for text in texts if not text.startswith("-")]
    if command.name == "printenv" or (
        command.name in ("declare", "typeset", "compgen") and any(text.startswith(("-p", "-x", "-e")) for text in texts)
    ):
        return True
    if command.name in ("gci", "get-childitem", "dir", "ls") and any(text.rstrip("\\/*") == "env:" for text in texts):
        return True
    if command.name in words("network programs"):
        return False
    return any(True for _ in _read_files(command)) or any("<" in operator and credential(target.text) for operator, target in command.redirects)


def _sent(command: Command) -> Iterator[int]:
    """Words of a network program that carry credentials: uploaded files, substituted output, output as part of a host name."""
    before = ""
    for part in command.arguments:
        path = part.text.partition("@")[2] if "@" in part.text and "://" not in part.text else ""
        flag, equals, value = part.text.partition("=")
        uploaded = part.text if before in _UPLOAD_FLAGS else value if equals and flag in _UPLOAD_FLAGS else path.partition(";")[0]
        inner = tuple(inner for run in part.runs for inner in scripts.commands(run))
        header = before in _HEADER_FLAGS
        sends_file = credential(uploaded) and command.name not in ("ssh", "scp", "sftp", "rsync")
        if sends_file or any(_dumps(each) and (not header or _grave(each)) for each in inner) or (inner and _in_host(command, part, inner)):
            yield part.at
        before = part.text


def _grave(command: Command) -> bool:
    """True for what no header is made of: the whole environment, an SSH key."""
    return not any(True for _ in _read_files(command)) or any(".ssh" in part.text for part in command.arguments)


def _in_host(command: Command, part: Part, inner: tuple[Command, ...]) -> bool:
    """True when who runs it, or a file, becomes a part of a public host name."""
    resolves = command.name in words("resolvers")
    named = any(each.name in words("identity programs") or (resolves and each.name == "hostname") for each in inner)
    if not named:
        return False
    text = part.text if "://" in part.text or not resolves else "dns://" + part.text
    start = text.find("://")
    host = re.split(r"[/?#]", re.sub(r"\$\([^()]*\)|`[^`]*`", "\0", text[start + 3 :] if start >= 0 else text))[0]
    return "\0" in host and host.rpartition("\0")[2].strip(".").count(".") > 0


def _concealment(script: Script, every: tuple[Command, ...], text: str) -> Iterator[int]:
    if _has_escapes(text):
        yield 0
    for command in every:
        if command.name in (*wrappers.POWERSHELLS, "-encodedcommand"):
            yield from (part.at for part in command.parts if encoded_flag(part.text))
    if flows.executes(script, flows.decodes):
        yield 0


def encoded_flag(text: str) -> bool:
    """True for PowerShell's -EncodedCommand in any of the spellings it takes."""
    low = text.lower().replace("/", "-", 1)
    return low == "-ec" or (len(low) > 1 and "-encodedcommand".startswith(low))


def _destruction(every: tuple[Command, ...], text: str, contained: bool, depth: int | None) -> Iterator[int]:
    below = None if any(command.name in _MOVERS for command in every) else depth
    for command in every:
        wiped = _WIPERS[command.name](command) if command.name in _WIPERS else _removed(command, below)
        yield from (part.at for part in wiped if not contained or part.raw.strip("\"'") in ("/", "/*"))
        if command.name.startswith("mkfs") and command.arguments and not contained:
            yield command.arguments[-1].at
        if any(">" in operator and _is_disk(target.text) for operator, target in command.redirects):
            yield 0
    if _fork_bomb(text):
        yield 0


def _fork_bomb(text: str) -> bool:
    """`f(){ f|f& };f` under any name."""
    if "(" not in text or "|" not in text:
        return False
    tight = re.sub(r"\s", "", text[: scripts.LIMIT])
    return any(tight.startswith(f"{found[1]}|{found[1]}&", found.end()) for found in re.finditer(r"([^\s(){};|&]{1,16})\(\)\{", tight))


def _is_disk(text: str) -> bool:
    return re.match(r"/dev/(?:[shv]d[a-z]|xvd[a-z]|nvme\d|mmcblk\d|r?disk\d|mapper/|md\d)|\\\\\.\\physicaldrive", text, re.I) is not None


def _dd(command: Command) -> Iterator[Part]:
    yield from (part for part in command.arguments if part.text.startswith("of=") and _is_disk(part.text[3:]))


def _shred(command: Command) -> Iterator[Part]:
    yield from (part for part in command.arguments if _is_disk(part.text))


def _removed(command: Command, depth: int | None) -> Iterator[Part]:
    """Paths that nothing should ever remove with all below them, and that the command does."""
    targets = _REMOVERS.get(command.name)
    if targets is not None:
        yield from (part for part in targets(command) if not part.text.startswith("-") and (_precious(part) or _outside(part, depth)))


def _rm(command: Command) -> Iterator[Part]:
    """What `rm -r` gets; PowerShell's rm too."""
    if any(part.text == "--recursive" or re.fullmatch(r"-[a-zA-Z]*[rR][a-zA-Z]*", part.text) for part in command.arguments):
        yield from command.arguments


def _remove_item(command: Command) -> Iterator[Part]:
    texts = [part.text.lower() for part in command.arguments]
    if any(len(text) > 1 and "-recurse".startswith(text) for text in texts) or "/s" in texts:
        yield from (part for part in command.arguments if part.text.lower() not in ("/s", "/q", "/f"))


def _format(command: Command) -> Iterator[Part]:
    yield from (part for part in command.arguments[:1] if re.fullmatch(r"[A-Za-z]:[\\/]?", part.raw.strip("\"'")))


def _find(command: Command) -> Iterator[Part]:
    texts = [part.text for part in command.arguments]
    deletes = "-delete" in texts or any(before in ("-exec", "-execdir") and after == "rm" for before, after in pairwise(texts))
    if deletes and not {"-name", "-iname", "-path", "-regex", "-mtime", "-empty"} & set(texts):
        yield from command.arguments[:1]


_WIPERS = {**dict.fromkeys(("shred", "wipefs"), _shred), "dd": _dd, "format": _format}
_REMOVERS = {**dict.fromkeys(("del", "erase", "rd", "rmdir", "remove-item", "ri"), _remove_item), "rm": _rm, "find": _find}
_MOVERS = frozenset(("cd", "chdir", "pushd", "set-location", "sl"))  # after one of these a relative path leads elsewhere


def _precious(part: Part) -> bool:
    """True for the root, a drive, a home, all of the working folder, or a path outside the repository that is no cache and no temporary folder."""
    path = part.raw.strip("\"'").replace('"', "").replace("\\", "/").replace("$env:USERPROFILE", "~").replace("$env:HOME", "~")
    path = re.sub(r"^(?:\$\{?HOME\}?|%USERPROFILE%|%HOMEPATH%|%HOMEDRIVE%%HOMEPATH%|\$HOME)(?=/|$)", "~", path, flags=re.I)
    path = re.sub(r"^(?:%SystemDrive%|%SystemRoot%|%windir%|\$env:SystemDrive|\$env:SystemRoot)(?=/|$)", "C:", path, flags=re.I)
    if re.fullmatch(r"/+\*?|~[a-z]*/?\*?|\*|\*\.\*|\.?/?\*|\.|\./|\.\.(?:/\.\.)*/?\*?|[A-Za-z]:(?:/?\*?(?:\.\*)?)", path, re.I):
        return True
    steps = [step for step in path.split("/") if step not in ("", ".", "*", "**")]
    if not steps or any(step.lower() in words("leftovers") for step in steps) or temporary(path):
        return False
    return path.startswith("~/") or re.match(r"[A-Za-z]:(?!//)", path) is not None or (path.startswith("/") and steps[0] in words("system folders"))


def _outside(part: Part, depth: int | None) -> bool:
    """True for a path of literal words that leads above the root, and there to no cache."""
    steps = [step for step in part.raw.strip("\"'").replace("\\", "/").split("/") if step not in ("", ".")]
    if depth is None or ".." not in steps[:1] or any(step.lower() in words("leftovers") for step in steps):
        return False
    return next((number for number, step in enumerate(steps) if step != ".."), len(steps)) > depth
