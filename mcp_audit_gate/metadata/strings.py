"""The strings below a value of a config, with the name each stands under."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from mcp_audit_gate.model import Json, Location, Locator, Place, Pointer

    class Spanned(Locator, Protocol):
        """A parsed file that knows the offsets of its values."""

        value: Json

        def span(self, place: Place) -> tuple[int, int]:
            """First offset and end of a key or value."""

        def stretch(self, start: int, end: int) -> Location:
            """Lines and columns of a part of the text."""


class Text(NamedTuple):
    """A string below a value: where it stands, which of equal keys at each step, the name it stands under, what it reads."""

    at: Pointer
    nth: tuple[int, ...]
    name: str | None
    text: str


def strings(value: Json, name: str | None = None) -> list[Text]:
    """Every string below a value, and every number as text.

    The name is the key, in a list the flag before it (`--token X`), and for a `value` or `default` the `name` or `id` beside it.
    Each value of a repeated key is there (sources.jsonc.Repeated).
    """
    found: list[Text] = []
    _collect(value, (), (), name, found)
    return found


def _collect(value: Json, at: Pointer, nth: tuple[int, ...], name: str | None, found: list[Text]) -> None:
    if isinstance(value, str):
        found.append(Text(at, nth, name, value))
    elif isinstance(value, dict):
        pairs = getattr(value, "pairs", None)
        seen: dict[str, int] = {}
        for key, inner in pairs or value.items():
            if pairs:
                seen[key] = seen.get(key, -1) + 1
            under = _title(value, key) if key in ("value", "default") else key
            _collect(inner, (*at, key), (*nth, seen.get(key, 0)), under, found)
    elif isinstance(value, list):
        for number, (inner, flag) in enumerate(zip(value, value_names(value, name))):
            _collect(inner, (*at, number), (*nth, 0), flag, found)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found.append(Text(at, nth, name, str(value)))


def _title(value: dict[str, Json], key: str) -> str:
    """The name that stands beside a `value` or `default`."""
    if value.get("password") is True or value.get("isSecret") is True:
        return "password"
    return next((str(value[name]) for name in ("name", "key", "id") if isinstance(value.get(name), str)), None) or key


def value_names(words: list[Json], name: str | None = None) -> list[str | None]:
    """For each word of a list of arguments the name it stands under: the flag before it, else `name`.

    `--headers NAME VALUE` (mcp-proxy) gives the value the header's name.
    """
    names: list[str | None] = []
    flag = ""
    for word in words:
        text = word if isinstance(word, str) else ""
        takes = bool(flag) and not text.startswith("--")
        names.append(flag if takes else name)
        if flag in ("--headers", "--header", "-H") and text and not any(mark in text for mark in ":= $"):
            flag = text
        else:
            flag = text if text.startswith("-") and "=" not in text and " " not in text else ""
    return names
