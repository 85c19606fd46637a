"""What a change does to its own judge: policy, waivers, exclusions, and files that vanish. A comparison in, hits out.

Nothing of what is judged here is applied: the policy in force is that of the trusted revision. What the change did is measured
from the commit where it began, so that a branch is not blamed for what others changed since. `change_rules` has the facts about these
rules, which every run knows; only one that compares loads this.
"""

from __future__ import annotations

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.lock.match import key
from mcp_audit_gate.lock.written import written_launch
from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Location, Place, Rule
from mcp_audit_gate.policy import change_rules, regressions
from mcp_audit_gate.policy.policy import same_name
from mcp_audit_gate.rules import ALL, raised
from mcp_audit_gate.rules.preapproved import Approved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Drift, Entry, Input
    from mcp_audit_gate.policy.compared import Comparison
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.policy.waivers import Use
    from mcp_audit_gate.reading import Tree
    from mcp_audit_gate.rules import Raised


def policy_weakened(comparison: Comparison) -> Iterator[Hit]:
    """One hit for each relaxation, when the change also alters what the policy governs."""
    if _touches(comparison):
        yield from _relaxed(comparison)


def policy_relaxed(comparison: Comparison) -> Iterator[Hit]:
    """One hit for each relaxation, when the change does nothing else that matters here."""
    if not _touches(comparison):
        yield from _relaxed(comparison)


def _relaxed(comparison: Comparison) -> Iterator[Hit]:
    from mcp_audit_gate.policy import weakened

    infos = tuple(rule.info for rule in _known())
    for item in weakened.relaxations(comparison.before.policy, comparison.after.policy, infos):
        yield Hit(item.place, f"{item.message[:1].upper()}{item.message[1:]}; it is not applied here.", item.value, subject="")


def _known() -> tuple[Rule, ...]:
    """Every rule."""
    from mcp_audit_gate.policy import rules

    return (*ALL, *rules.RULES, *change_rules.RULES)


def _touches(comparison: Comparison) -> bool:
    """True when the change adds, alters or removes a config, client settings or the lockfile, and leaves something to judge."""
    before, after = comparison.before, comparison.after
    paths = {item.path for side in (before, after) for item in side.reading.inputs}
    return bool(after.reading.inputs) and any(
        _bytes(before.files, path) != _bytes(after.files, path) for path in sorted({*paths, comparison.lock_path})
    )


def _bytes(files: Tree, path: str) -> bytes | None:
    """What a file holds, whatever its line ends; None when it cannot be read."""
    from mcp_audit_gate.lock.lockfile import MAX_BYTES

    try:
        return files.read(path, MAX_BYTES).replace(b"\r\n", b"\n")
    except Unreadable:
        return None


def waiver_untrusted(comparison: Comparison) -> Iterator[Hit]:
    """One hit for each waiver that the trusted revision does not have like that."""
    from mcp_audit_gate.policy import weakened
    from mcp_audit_gate.policy.waivers import identity_of

    known = (*comparison.trusted.policy.waivers, *comparison.before.policy.waivers)
    for waiver, shorter in weakened.untrusted(comparison.after.policy.waivers, known):
        member, what = "rule", "is new or wider"
        if shorter:
            member = "expires"
            what = f"lasts until {waiver.expires}, and in {visible(comparison.ref, 80)} until {shorter.expires}"
        message = f"The waiver for {waiver.rule} {what}, so it is not applied."
        yield Hit(Place(waiver.place.document, (*waiver.place.pointer, member)), message, identity_of(waiver), subject="")


def config_excluded(comparison: Comparison) -> Iterator[Hit]:
    """One hit for each excluded config that is new or changed."""
    for item in comparison.after.reading.inputs:
        if item.status == "excluded" and comparison.asked(item.path, item.client):
            now = _bytes(comparison.after.files, item.path)
            if now is None or now != _bytes(comparison.before.files, item.path):
                message = f"{visible(item.path, 200)} is new or changed, and the policy leaves it out (exclude), so nobody has judged it."
                yield Hit(Location(item.path), message, "" if now is None else _digest(now), subject="")


def _digest(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


def config_vanished(comparison: Comparison) -> Iterator[Hit]:
    """One hit for each file that is gone while what it declared or governed is still there."""
    here = {item.path for item in comparison.after.reading.inputs}
    for item in comparison.before.reading.inputs:
        here_too = item.path in here or not _exists(comparison.trusted.files, item.path)
        if item.status == "parsed" and not here_too and comparison.asked(item.path, item.client):
            left = _left_behind(comparison, item)
            if left:
                yield _gone(comparison, item.path, left)
    if here:
        yield from _judges_gone(comparison)


def _gone(comparison: Comparison, path: str, left: str) -> Hit:
    message = f"{visible(path, 200)} is in {visible(comparison.ref, 80)} and is gone here, and {left}."
    return Hit(Location(path), message, path, subject="")


def _left_behind(comparison: Comparison, item: Input) -> str:
    """What a config declared and is still there although nothing declares it any more; "" when nothing is."""
    after = comparison.after
    if _exists(after.files, item.path) and _bytes(after.files, item.path) is not None and not _parses(comparison, item):
        return "what stands in its place cannot be read as the config that it was"
    was = _bytes(comparison.before.files, item.path)
    if any(other.status == "excluded" and _bytes(after.files, other.path) == was for other in after.reading.inputs):
        return "the same servers lie where the policy leaves them out"
    declared = {_identity(entry) for entry in _entries(after.reading.context.entries)}
    launches = {_launch(entry)[1] for entry in _entries(after.reading.context.entries)}
    names = {same_name(entry.name) for entry in _entries(after.reading.context.entries)}
    approved = Approved(after.context)
    for entry in _entries(comparison.before.context.entries):
        if entry.document.path != item.path or _identity(entry) in declared or _launch(entry)[1] in launches:
            continue
        named = f'server "{visible(entry.name, 80)}"'
        if _launch(entry) in after.pins:
            return f"{named}, which it declared, is still in the lockfile"
        if same_name(entry.name) not in names and approved.named(entry.name):
            return f"{named}, which it declared, is still approved by name"
    return ""


def _parses(comparison: Comparison, item: Input) -> bool:
    """True when the file at the path of a config can still be read as one that declares nothing."""
    from mcp_audit_gate.sources.parse import parse

    listing = comparison.after.files.list((comparison.after.files.root,))
    row = next((found.row for found in listing.found if found.path == item.path), None)
    if row is None:
        return True
    try:
        parse(item.path, comparison.after.files.read(item.path), row.syntax)
    except Unreadable:
        return False
    return True


def _judges_gone(comparison: Comparison) -> Iterator[Hit]:
    """The lockfile and the policy, while there is something for them to judge."""
    before, after = comparison.before, comparison.after
    path = comparison.lock_path
    if before.lock and comparison.trusted.lock and after.lock is None and any(_entries(after.context.entries)):
        yield _gone(comparison, path, "servers are still configured")
    was_file, is_file = (not policy.name.startswith("preset:") for policy in (before.policy, after.policy))
    if was_file and not is_file and _exists(comparison.trusted.files, before.policy.name):
        yield _gone(comparison, before.policy.name, "there are configs for it to judge")


def _entries(entries: Iterable[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if entry.kind == "server" and not entry.sample)


def _identity(entry: Entry) -> tuple[str, tuple[str, ...]]:
    from mcp_audit_gate.policy.compared import whose

    return same_name(entry.name), whose(entry)


def _launch(entry: Entry) -> tuple[str, str]:
    """The name and the written launch, as a pin is matched with an entry."""
    return key(entry.name, written_launch(entry))


def _exists(files: Tree, path: str) -> bool:
    folder, _, name = path.rpartition("/")
    try:
        return name in files.names(folder)
    except Unreadable:
        return False


_CHECKS = {
    change_rules.POLICY_WEAKENED.id: policy_weakened,
    change_rules.POLICY_RELAXED.id: policy_relaxed,
    change_rules.WAIVER_UNTRUSTED.id: waiver_untrusted,
    change_rules.CONFIG_EXCLUDED.id: config_excluded,
    change_rules.CONFIG_VANISHED.id: config_vanished,
    change_rules.AUTH_WEAKENED.id: regressions.auth_weakened,
    change_rules.REGISTRY_FILE_CHANGED.id: regressions.registry_file_changed,
}


def hits(comparison: Comparison, told: Sequence[Drift]) -> Iterator[Raised]:
    """Every hit about what the change does. told: what the lockfile tells already."""
    from mcp_audit_gate.policy import compared

    exchanged = {drift.change.server for drift in told if drift.change.kind == "launch-changed"}
    for rule, hit in compared.servers(comparison):
        if hit.server not in exchanged or rule.info.id not in ("launch-changed", "preapproved-changed-server"):
            yield raised(rule, None, hit)
    for rule in change_rules.RULES:
        found = _CHECKS[rule.info.id](comparison) if rule.info.id in _CHECKS else regressions.version_downgraded(comparison, told)
        yield from (raised(rule, None, hit) for hit in found)


def has_pin(comparison: Comparison, item: Match) -> bool:
    """True when the trusted revision has the pin of an entry, surface and all."""
    lock = comparison.trusted.lock
    return any(pin.name == item.entry.name and (pin.launch_digest, pin.digest) == _digests(item) for pin in lock.pins) if lock else False


def _digests(item: Match) -> tuple[str, str] | None:
    return (item.pin.launch_digest, item.pin.digest) if item.pin else None


def told(comparison: Comparison, matches: Iterable[Match]) -> Iterator[str]:
    """What the verdict says beside the findings: what it was measured by, and which pins nobody but the change vouches for."""
    judge = comparison.trusted.policy.name
    is_given = judge.startswith(("../", "preset:")) and judge != "preset:default"  # which also stands in for a policy that is missing
    yield (
        f"policy and waivers are those of {visible(judge, 200)}, the lockfile is that of {comparison.ref}"
        if is_given
        else (f"policy, waivers and lockfile are those of {comparison.ref}")
    )
    claims = sorted({item.entry.name for item in matches if item.pin is not None and not has_pin(comparison, item)})
    if claims:
        more = f" and {len(claims) - 10} more" if len(claims) > 10 else ""
        names = ", ".join(f'"{visible(masked_name(name), 80)}"' for name in claims[:10]) + more
        yield f"pinned by this change alone, so what the pins say are unverified claims: {names}"


def kept(uses: Iterable[Use], comparison: Comparison) -> Iterator[Use]:
    """What waivers did, for those that the judged tree still has, at their place there."""
    from mcp_audit_gate.policy.waivers import identity_of

    here = {identity_of(waiver): waiver for waiver in comparison.after.policy.waivers}
    for use in uses:
        if use.identity in here:
            yield use._replace(waiver=here[use.identity])


def tightened(policy: Policy, names: Iterable[str]) -> Policy:
    """The policy without what `servers` loosens, for the servers of these names; what it tightens for them stays."""
    from mcp_audit_gate.model import RANK
    from mcp_audit_gate.policy.policy import Terms

    rank = {**RANK, "off": -1}
    levels = {rule.info.id: policy.severity(rule.info) for rule in _known()} if policy.servers else {}
    servers = dict(policy.servers)
    for name in {same_name(name) for name in names} & set(servers):
        terms = servers[name]
        kept = {rule: level for rule, level in terms.rules.items() if rule in levels and rank[level] >= rank[levels[rule]]}
        looser = terms.max_risk is not None and policy.max_risk is not None and terms.max_risk > policy.max_risk
        servers[name] = Terms(None if looser else terms.max_risk, kept)
    return policy._replace(servers=servers)
