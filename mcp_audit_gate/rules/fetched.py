"""What the rules of family packages share: the lists of data/packages.json, and how messages show a package or an image."""

from __future__ import annotations

import functools
import itertools
import os

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Image, Package
from mcp_audit_gate.rules.wording import field as field  # For policy.rules, which takes it from here.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Launch


@functools.cache
def table() -> dict[str, frozenset[str]]:
    """The lists of data/packages.json; a table of flags by runner becomes one list a runner, `registry_flags npx`."""
    import json

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "packages.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    lists = {name: frozenset(value) for name, value in data.items() if isinstance(value, list)}
    return lists | {f"{name} {key}": frozenset(value) for name, inner in data.items() if isinstance(inner, dict) for key, value in inner.items()}


def packages(launch: Launch) -> tuple[Package, ...]:
    """What a launch fetches. For policy.identity; others read `launch.packages`."""
    return launch.packages


def shown(launch: Launch, what: Package | Image) -> str:
    """The package or image as messages show it: never an address, and nothing that may be a credential."""
    return named(what, hides(launch, what))


def named(what: Package | Image, hidden: bool) -> str:
    """The same for those who know already whether the name may be a credential."""
    text = _name(what)
    return "code" if not text or hidden else f'"{visible(text, 80)}"'


def _name(what: Package | Image) -> str:
    """What a package or image goes by: as written, or its name when that is an address."""
    if isinstance(what, Package) and (what.source or "://" in what.text):
        name = what.name.partition("?")[0].partition("#")[0]
        return "" if "://" in name else name
    return what.text


def hides(launch: Launch, what: Package | Image) -> bool:
    """True when the name holds a credential, by its form or because a flag before it says so (`npx --token … pkg`)."""
    from mcp_audit_gate.metadata.credentials import is_secret_name, judge

    before = next((flag.text for flag, word in itertools.pairwise(launch.line) if word.text == what.text), "")
    return bool(judge(_name(what))) or (before.startswith("-") and is_secret_name(before))
