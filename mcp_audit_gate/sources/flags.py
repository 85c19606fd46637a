"""The flags, variables and texts of a launch, wherever they stand: Launch in, words with their places out."""

from __future__ import annotations

from mcp_audit_gate.model import Option, Variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Launch, Pointer

_DENY = ("block", "deny", "exclude", "forbid", "disallow", "no_proxy", "no-proxy", "noproxy")


def denies(name: str) -> bool:
    """True for the name of a variable or flag whose value lists what must not be reached."""
    lower = name.lower()
    return any(word in lower for word in _DENY)


def texts(launch: Launch) -> Iterator[tuple[Pointer, str]]:
    """Arguments, variables and headers with their places, deny-lists left out."""
    before = ""
    for word in launch.words[1:] or launch.words:
        text = word.text
        if not (before[:1] == "-" and denies(before)) and not ("=" in text and denies(text.partition("=")[0])):
            yield word.at, text
        before = text
    for variable in (*launch.env, *launch.headers):
        if variable.value and not variable.quoted and not denies(variable.name):
            yield variable.at, variable.value


def variables(launch: Launch) -> Iterator[Variable]:
    """Variables of the process, and those handed to a container."""
    yield from launch.env
    if launch.runner == "docker run":
        for option in launch.options:
            if option.value and option.name in ("-e", "--env"):
                name, equals, value = option.value.partition("=")
                yield Variable(name, value if equals else None, option.value_at, True)


def flags(launch: Launch) -> Iterator[Option]:
    """Flags of the runner and of the server; the value is what stands after `=`, else the next word, which need not be one."""
    yield from launch.options
    for number, word in enumerate(launch.arguments):
        if word.text[:1] == "-":
            name, equals, value = word.text.partition("=")
            following = launch.arguments[number + 1] if number + 1 < len(launch.arguments) else None
            if equals or following is None:
                yield Option(name, value if equals else None, word.at, word.at)
            else:
                yield Option(name, following.text, word.at, following.at)


def blob(launch: Launch) -> str:
    """Everything in the command line and the variables in lower case, a line each: for a cheap look before a close one."""
    lines = [word.text for word in launch.words]
    for variable in launch.env:
        lines += (variable.name, variable.value or "")
    return ("\n" + "\n".join(lines) + "\n").lower()
