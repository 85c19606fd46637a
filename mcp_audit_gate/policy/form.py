"""What a policy may say: a Document in, PolicyError with the place for the first thing that is not right.

schemas/policy.schema.json says the same to editors; tests hold the two together. What no schema can say (known rules, dates that
exist and are near, names that differ only in case) is checked here as well.
"""

from __future__ import annotations

import functools

from mcp_audit_gate import rules
from mcp_audit_gate.errors import PolicyError, suggestion
from mcp_audit_gate.metadata import CAPABILITIES, addresses
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import SEVERITIES, Place
from mcp_audit_gate.policy import change_rules
from mcp_audit_gate.policy.policy import FIXED, same_name
from mcp_audit_gate.policy.rules import RULES
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from typing import Any, NoReturn

    from mcp_audit_gate.sources.document import Document

VERSION = 1
MAX_DAYS = 365
LEVELS = tuple(reversed(SEVERITIES))
TRANSPORTS = ("stdio", "http", "sse", "ws")


class Spot(NamedTuple):
    """A value in the policy, where it stands, and the day of the run."""

    document: Document
    pointer: tuple[str | int, ...]
    value: Any
    today: date

    def below(self, key: str | int) -> Spot:
        """A member of the value."""
        return Spot(self.document, (*self.pointer, key), self.value[key], self.today)

    def wrong(self, what: str, hint: str = "", key: bool = False) -> NoReturn:
        """Ends with what is wrong at the value, or at its key."""
        place = self.document.locate(Place(self.document, self.pointer, (), key))
        raise PolicyError(f"{place.path}:{place.start_line}:{place.start_column}: {what}", hint)

    @property
    def name(self) -> str:
        """The nearest key, for messages."""
        return next((f"`{visible(str(step), 80)}`" for step in reversed(self.pointer) if isinstance(step, str)), "a policy")


if TYPE_CHECKING:
    Check = Callable[[Spot], None]


def check(document: Document, today: date) -> None:
    """Nothing for a policy of the right form. Raises PolicyError at the first fault."""
    _POLICY(Spot(document, (), document.value, today))


@functools.cache
def known_rules() -> tuple[str, ...]:
    """The ids of all rules that a policy may name."""
    return tuple(sorted({rule.info.id for rule in (*rules.ALL, *RULES, *change_rules.RULES)}))


def _members(table: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    def check(spot: Spot) -> None:
        if not isinstance(spot.value, dict):
            spot.wrong(f"{spot.name} must be a mapping, not {_kind(spot.value)}", f"write {', '.join(f'`{key}: …`' for key in table)}")
        for key in spot.value:
            if key not in table:
                hint = f"known here: {', '.join(table)}{suggestion(key, tuple(table))}"
                spot.below(key).wrong(f'unknown key "{visible(key, 80)}"', hint, key=True)
            table[key](spot.below(key))
        for key in required:
            if key not in spot.value:
                spot.wrong(f"`{key}` is missing here", f"add `{key}: …`")

    return check


def _each(check_item: Check) -> Check:
    def check(spot: Spot) -> None:
        if not isinstance(spot.value, list):
            spot.wrong(f"{spot.name} must be a list, not {_kind(spot.value)}", "write [one, two], or [] for none")
        for number in range(len(spot.value)):
            check_item(spot.below(number))

    return check


def _choice(words: tuple[str, ...], what: str) -> Check:
    def check(spot: Spot) -> None:
        if spot.value not in words or not isinstance(spot.value, str):
            near = suggestion(spot.value, words) if isinstance(spot.value, str) else ""
            spot.wrong(f"{what} is {_shown(spot.value)}", f"write one of {' '.join(words)}{near}")

    return check


def _version(spot: Spot) -> None:
    if spot.value != VERSION or isinstance(spot.value, bool):
        what = f"`version` is {_shown(spot.value)}, and this program reads version {VERSION}"
        spot.wrong(what, f"write `version: {VERSION}`, or install a newer mcp-audit")


def _text(spot: Spot) -> None:
    if not isinstance(spot.value, str):
        spot.wrong(f"{spot.name} must be text, not {_kind(spot.value)}", "write it in quotes" if isinstance(spot.value, (bool, int, float)) else "")
    if not spot.value.strip():
        spot.wrong(f"{spot.name} is empty")


def _subject(spot: Spot) -> None:
    if spot.value != "":
        _text(spot)


def _boolean(spot: Spot) -> None:
    if not isinstance(spot.value, bool):
        spot.wrong(f"{spot.name} must be true or false, not {_shown(spot.value)}", "write true or false, without quotes")


def _risk(spot: Spot) -> None:
    if isinstance(spot.value, bool) or not isinstance(spot.value, (int, float)) or not 0 <= spot.value <= 10:
        spot.wrong(f"{spot.name} must be a number from 0 to 10, not {_shown(spot.value)}", "write for example 7.5, without quotes")


def _host(spot: Spot) -> None:
    _text(spot)
    number = spot.value.count(":") > 1  # IPv6
    if not number and (set(spot.value) & set("/:@?#[]") or any(char.isspace() for char in spot.value)):
        spot.wrong(f"{_shown(spot.value)} is no host", "write the host alone, without scheme, port and path; * stands for any part")


def _registry(spot: Spot) -> None:
    _text(spot)
    if "://" in spot.value:
        address = addresses.read(spot.value)
        if address is None or not address.host or address.kind == addresses.REFERENCE:
            spot.wrong(f"{_shown(spot.value)} is no address with a host", "write for example https://npm.example.com")
    else:
        _host(spot)


def _package(spot: Spot) -> None:
    _text(spot)
    kind, colon, name = spot.value.partition(":")
    if not colon or kind not in ("npm", "pypi", "oci") or not name.strip():
        spot.wrong(f"{_shown(spot.value)} is no package", "write npm:NAME, pypi:NAME or oci:IMAGE; * stands for any part")


def _glob(spot: Spot) -> None:
    _text(spot)
    if "\\" in spot.value:
        spot.wrong(f"{_shown(spot.value)} would match nothing", "write / between folders")
    if spot.value.startswith("!"):
        spot.wrong(f"{_shown(spot.value)}: `exclude` has no exceptions", "list only what is left out")
    if ".." in spot.value.split("/"):
        spot.wrong(f"{_shown(spot.value)} leads out of the repository", "write paths from the root")


def _rule(spot: Spot) -> None:
    _text(spot)
    if spot.value in ("*", "all") or "*" in spot.value:
        spot.wrong("a waiver names one rule, without wildcard", "write a waiver for each rule, or set the rule's severity under `rules`")
    _known(spot, spot.value)
    if spot.value in FIXED:
        spot.wrong(f"`{spot.value}` cannot be waived", why_fixed(spot.value))


def _known(spot: Spot, rule: str, key: bool = False) -> None:
    if rule not in known_rules():
        near = suggestion(rule, known_rules())
        spot.wrong(f'there is no rule "{visible(rule, 80)}"', f"`mcp-audit rules` lists them{near}", key)


def why_fixed(rule: str) -> str:
    """Why a rule can neither be waived nor switched off."""
    if rule.startswith("waiver-"):
        return "it keeps the waivers themselves in view"
    if rule == "policy-weakened":
        return "a policy that excuses its own weakening would decide nothing"
    return "it says that something was not judged, and what was not judged must not pass"


def _severities(spot: Spot) -> None:
    if not isinstance(spot.value, dict):
        spot.wrong(f"`rules` must be a mapping, not {_kind(spot.value)}", "write {RULE: LEVEL}")
    for rule, level in spot.value.items():
        at = spot.below(rule)
        _known(at, rule, key=True)
        if level is False:  # what a reader of YAML 1.1 makes of a bare `off`
            level = "off"
        if level == "off" and rule in FIXED:
            at.wrong(f"`{rule}` cannot be switched off", why_fixed(rule))
        if level != "off":
            _LEVEL(at)


def _servers(spot: Spot) -> None:
    if not isinstance(spot.value, dict):
        spot.wrong(f"`servers` must be a mapping, not {_kind(spot.value)}", "write {NAME: {max-risk: 5}}")
    seen: dict[str, str] = {}
    for name in spot.value:
        first = seen.setdefault(same_name(name), name)
        if first != name:
            what = f'"{visible(name, 80)}" and "{visible(first, 80)}" are the same server'
            spot.below(name).wrong(what, "keep one; case makes no difference", key=True)
        _SERVER(spot.below(name))


def _exact(spot: Spot) -> None:
    _text(spot)
    if "*" in spot.value:
        spot.wrong("a waiver takes no wildcard: it would hide what is not there yet", "name one, or give the fingerprint")


def _fingerprint(spot: Spot) -> None:
    _text(spot)
    if len(spot.value) != 32 or not set(spot.value) <= set("0123456789abcdef"):
        spot.wrong(f"{_shown(spot.value)} is no fingerprint", "copy the 32 digits from the JSON report, or from `mcp-audit scan -v`")


def _expires(spot: Spot) -> None:
    day = read_date(spot.value)
    if day is None:
        spot.wrong(f"`expires` is {_shown(spot.value)}, which is no date", "write YYYY-MM-DD")
    if day.toordinal() > spot.today.toordinal() + MAX_DAYS:
        latest = day.fromordinal(spot.today.toordinal() + MAX_DAYS)
        spot.wrong(f"`expires` is more than {MAX_DAYS} days ahead", f"write {latest} or a day before it")


def read_date(value: object) -> date | None:
    """The date that a text of the form YYYY-MM-DD names; None for anything else."""
    if not isinstance(value, str) or len(value) != 10 or not value.isascii():
        return None
    from datetime import date

    # Later Pythons read other forms of ISO 8601 as well.
    if value[4] + value[7] != "--" or not (value[:4] + value[5:7] + value[8:]).isdigit():
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _waiver(spot: Spot) -> None:
    _WAIVER(spot)
    if not {"fingerprint", "path", "server", "subject"} & set(spot.value):
        spot.wrong("the waiver would cover every finding of the rule", "say which: `fingerprint`, or `path`, `server`, `subject`")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, (int, float)):
        return "a number"
    kinds: dict[type, str] = {str: "text", list: "a list", dict: "a mapping"}
    return kinds.get(type(value), "empty")


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{visible(value, 80)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:40] if isinstance(value, (int, float)) else _kind(value)


_LEVEL = _choice((*LEVELS, "off"), "the level of a rule")
_SERVER = _members({"max-risk": _risk, "rules": _severities})
_WAIVER = _members(
    {
        "rule": _rule,
        "fingerprint": _fingerprint,
        "path": _exact,
        "server": _exact,
        "subject": _subject,
        "reason": _text,
        "owner": _text,
        "expires": _expires,
    },
    ("rule", "reason", "expires"),
)
_POLICY = _members(
    {
        "version": _version,
        "extends": _text,
        "fail-on": _choice((*LEVELS, "never"), "`fail-on`"),
        "max-risk": _risk,
        "require": _members({"lock": _boolean, "exact-versions": _boolean}),
        "deny": _members(
            {
                "capabilities": _each(_choice(CAPABILITIES, "a capability")),
                "transports": _each(_choice(TRANSPORTS, "a transport")),
                "hosts": _each(_host),
            }
        ),
        "allow": _members({"servers": _each(_text), "packages": _each(_package), "hosts": _each(_host), "registries": _each(_registry)}),
        "rules": _severities,
        "servers": _servers,
        "exclude": _each(_glob),
        "waivers": _each(_waiver),
    },
    ("version",),
)
