"""What a policy lets through that another did not: two policies in, one relaxation for each thing, by meaning and not by text.

Where it cannot be told whether a glob covers another, it counts as not covered: a relaxation too many is read by a person, one
too few by nobody. Waivers are compared here as well, and reported by a rule of their own.
"""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import SEVERITIES, Location, Place
from mcp_audit_gate.policy import identity
from mcp_audit_gate.policy.policy import EXACT, same_name
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.match import fits, fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcp_audit_gate.model import Json, RuleInfo
    from mcp_audit_gate.policy.policy import Policy, Waiver

_RANK = {level: rank for rank, level in enumerate(("off", *SEVERITIES))}
# From the threshold that lets least through to the one that lets everything through.
_THRESHOLDS = (*SEVERITIES, "never")


class Relaxation(NamedTuple):
    """One thing that a policy lets through and its forerunner did not. value: what it is about, for the fingerprint."""

    place: Place | Location
    message: str
    value: str


def relaxations(before: Policy, after: Policy, infos: Iterable[RuleInfo]) -> Iterator[Relaxation]:
    """Everything in which a policy is weaker than the one before it, waivers left out."""
    yield from _thresholds(before, after)
    yield from _requirements(before, after)
    yield from _denied(before, after)
    yield from _allowed(before, after)
    known = tuple(infos)
    yield from _severities(before, after, known)
    yield from _servers(before, after, known)
    yield from _excluded(before, after)


def _thresholds(before: Policy, after: Policy) -> Iterator[Relaxation]:
    if _THRESHOLDS.index(after.fail_on) > _THRESHOLDS.index(before.fail_on):
        yield _relaxation(before, after, ("fail-on",), f"fail-on is {after.fail_on}, and was {before.fail_on}")
    if _limit(after.max_risk) > _limit(before.max_risk):
        yield _relaxation(before, after, ("max-risk",), f"max-risk is {_shown(after.max_risk)}, and was {_shown(before.max_risk)}")


def _limit(limit: float | None) -> float:
    return 11.0 if limit is None else limit


def _shown(limit: float | None) -> str:
    return "not set" if limit is None else f"{limit:g}"


def _requirements(before: Policy, after: Policy) -> Iterator[Relaxation]:
    for key, was, now in (("lock", before.lock, after.lock), ("exact-versions", before.exact_versions, after.exact_versions)):
        if was and not now:
            yield _relaxation(before, after, ("require", key), f"{key} is no longer required")


def _denied(before: Policy, after: Policy) -> Iterator[Relaxation]:
    for key, items in before.deny.items():
        spell = identity.ascii_host if key == "hosts" else str
        for item in _uncovered(items, after.deny.get(key, ()), spell):
            yield _relaxation(before, after, ("deny", key), f"{_quoted(item)} is no longer denied ({key})")


def _allowed(before: Policy, after: Policy) -> Iterator[Relaxation]:
    spelling: dict[str, Callable[[str], str]] = {
        "packages": identity.package_glob,
        "hosts": identity.ascii_host,
        "registries": identity.registry_host,
        "servers": same_name,
    }
    for key, spell in spelling.items():
        was, now = before.allow.get(key), after.allow.get(key)
        if key == "registries":  # registries alone are an exemption: without the list, each of them is a finding
            was = was or ()
        elif key == "servers" and was is None and {"packages", "hosts"} & set(before.allow):
            was = ()  # whoever is named passes without a package or host that the lists know
        if was is None:
            continue
        if now is None and key != "registries":
            if key in before.allow:
                yield _relaxation(before, after, ("allow", key), f"allow no longer limits {key}")
            continue
        for item in _uncovered(now or (), was, spell):
            yield _relaxation(before, after, ("allow", key), f"{_quoted(item)} is allowed ({key}), and was not")


def _uncovered(items: Iterable[str], globs: Iterable[str], spell: Callable[[str], str]) -> Iterator[str]:
    """The items that no glob covers. A glob covers another when it fits its text: each `*` of the one then lies within a `*` of the other."""
    spelled = tuple(map(spell, globs))
    return (item for item in items if not any(fits(spell(item), glob) for glob in spelled))


def _severities(before: Policy, after: Policy, infos: Iterable[RuleInfo]) -> Iterator[Relaxation]:
    for info in infos:
        was, now = before.severity(info), after.severity(info)
        told = info.id in EXACT and before.exact_versions and not after.exact_versions and info.id not in after.rules
        if _RANK[now] < _RANK[was] and not told and not _keeps_pace(before, after, info.id, was, now):
            yield _relaxation(before, after, ("rules", info.id), f"{info.id} is {now}, and was {was}")


def _keeps_pace(before: Policy, after: Policy, rule: str, was: str, now: str) -> bool:
    """True when a rule about changes of the policy goes down with a stricter threshold that it would else block at, as in the preset `strict`."""
    stricter = _THRESHOLDS.index(after.fail_on) < _THRESHOLDS.index(before.fail_on)
    blocked = before.fail_on in _RANK and _RANK[was] >= _RANK[before.fail_on]
    return rule in ("policy-relaxed", "waiver-untrusted") and stricter and not blocked and now != "off"


def _servers(before: Policy, after: Policy, infos: Iterable[RuleInfo]) -> Iterator[Relaxation]:
    """What is let through for one server and is not told of all servers already."""
    known = tuple(infos)
    for name in sorted({*before.servers, *after.servers}):
        was, now = before.limit(name), after.limit(name)
        same = (was, now) == (before.max_risk, after.max_risk)
        if _limit(now) > _limit(was) and not same:
            message = f"max-risk of server {_quoted(name)} is {_shown(now)}, and was {_shown(was)}"
            yield _relaxation(before, after, ("servers", name, "max-risk"), message)
        set_here = {*before.terms(name).rules, *after.terms(name).rules}
        for info in known if set_here else ():
            old, new = before.severity(info, name), after.severity(info, name)
            told = (old, new) == (before.severity(info), after.severity(info))
            if info.id in set_here and _RANK[new] < _RANK[old] and not told:
                yield _relaxation(before, after, ("servers", name, "rules", info.id), f"{info.id} is {new} for server {_quoted(name)}, and was {old}")


def _excluded(before: Policy, after: Policy) -> Iterator[Relaxation]:
    for glob in after.exclude:
        if not any(_within(glob, other) for other in before.exclude):
            yield _relaxation(before, after, ("exclude",), f"{_quoted(glob)} is excluded, and was not")


def _within(glob: str, other: str) -> bool:
    """True when what a glob of `exclude` covers lies, for certain, within what another covers."""
    mine, theirs = fold(glob.strip("/")), fold(other.strip("/"))
    folder = theirs.removesuffix("/**")
    return mine in (theirs, f"{theirs}/**") or theirs == "**" or ("*" not in folder and mine.startswith(f"{folder}/"))


def untrusted(waivers: Iterable[Waiver], trusted: Iterable[Waiver]) -> Iterator[tuple[Waiver, Waiver | None]]:
    """The waivers that are new, longer or wider than any trusted one, each with the trusted one for the same thing, if any."""
    known = tuple(trusted)
    for waiver in waivers:
        wide = [other for other in known if _as_wide(other, waiver)]
        if not any(other.expires >= waiver.expires for other in wide):
            yield waiver, max(wide, key=lambda other: other.expires, default=None)


def _as_wide(one: Waiver, other: Waiver) -> bool:
    """True when the one covers at least what the other covers, whatever their last days."""
    named = (one.fingerprint, one.path, one.subject), (other.fingerprint, other.path, other.subject)
    servers = tuple(None if item.server is None else same_name(item.server) for item in (one, other))
    return one.rule == other.rule and all(was in (None, now) for was, now in (*zip(*named), servers))


def _relaxation(before: Policy, after: Policy, steps: tuple[str, ...], message: str) -> Relaxation:
    return Relaxation(_place(before, after, steps), message, "\0".join((*steps, message)))


def _place(before: Policy, after: Policy, steps: tuple[str, ...]) -> Place | Location:
    """Where the weaker policy says it, or would have to: as near as its files come."""
    files = [layer.document for layer in reversed(after.layers) if layer.document and not layer.source.startswith("preset:")]
    for length in range(len(steps), 0, -1):
        for document in files:
            pointer = _spelled(document.value, steps[:length])
            if pointer:
                return Place(document, pointer)
    if files:
        return Place(files[0], ("version",), key=True)
    return Location(next((layer.source for layer in reversed(before.layers) if not layer.source.startswith("preset:")), "."))


def _spelled(value: Json, steps: tuple[str, ...]) -> tuple[str, ...]:
    """The steps as the file spells them; nothing when it does not go that far. Names of servers are compared as names."""
    pointer: list[str] = []
    for step in steps:
        if not isinstance(value, dict):
            return ()
        key = step if step in value else next((key for key in value if pointer == ["servers"] and same_name(key) == step), None)
        if key is None:
            return ()
        pointer.append(key)
        value = value[key]
    return tuple(pointer)


def _quoted(text: str) -> str:
    return f'"{visible(text, 80)}"'
