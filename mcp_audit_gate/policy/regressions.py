"""What a change makes worse about servers that keep their name and stay what they were. A comparison in, hits out.

`change_rules` has the facts about these rules, which every run knows; only one that compares loads this.
"""

from __future__ import annotations

import re

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Location, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_audit_gate.model import Drift, Entry, Launch, Pin, Variable
    from mcp_audit_gate.policy.compared import Comparison
    from mcp_audit_gate.reading import Tree

    # Ecosystem and name.
    _Named = tuple[str, str]


def version_downgraded(comparison: Comparison, told: Iterable[Drift]) -> Iterator[Hit]:
    """Versions that went down, each where version-changed tells it: in a config, or in the lockfile, where there is one.

    told: what the lockfile says.
    """
    from mcp_audit_gate.policy import compared
    from mcp_audit_gate.rules import changes

    if comparison.after.lock is None:
        for hit, entry, was in compared.versions(comparison):
            words = _lower([_versions(one.launch) for one in was], _versions(entry.launch))
            if words:
                yield hit._replace(message=f"{_title(entry)}: {words}.")
        return
    for item in told:
        if item.change.kind == "version-changed" and item.old and item.new and item.new.document is not None:
            words = _lower([_of_pin(item.old)], _of_pin(item.new))
            for _, hit in changes.hits((item,)) if words else ():
                yield hit._replace(message=f'Server "{visible(item.change.server, 80)}": {words}.')


def _lower(before: Sequence[dict[_Named, str]], after: dict[_Named, str]) -> str:
    """What of it is lower than every version that it had, in words; "" when nothing is."""
    from mcp_audit_gate.rules.versions import is_early, key

    for (ecosystem, name), version in after.items():
        had = [versions[ecosystem, name] for versions in before if (ecosystem, name) in versions]
        now, then = key(ecosystem, version), [key(ecosystem, one) for one in had]
        if now is None or not had or None in then:
            continue
        shown = f"version {visible(version, 60)} of {visible(name, 80)}"
        if all(now < one for one in then if one is not None):
            return f"{shown} is lower than {visible(had[0], 60)} before"
        if is_early(ecosystem, version) and not any(is_early(ecosystem, one) for one in had) and version not in had:
            return f"{shown} is a pre-release, and {visible(had[0], 60)} before was none"
    return ""


# As the order of versions calls the ecosystems.
_ECOSYSTEMS = {"npm": "npm", "jsr": "npm", "nuget": "npm", "pypi": "PyPI", "go": "Go"}


def _versions(launch: Launch) -> dict[_Named, str]:
    """The versions of everything that a launch fetches, by ecosystem and name."""
    found = {(_ECOSYSTEMS[one.ecosystem], one.name): one.version for one in launch.packages if one.ecosystem in _ECOSYSTEMS and not one.source}
    if launch.image is not None and launch.image.tag:
        found["Docker", launch.image.name] = launch.image.tag
    return found


def _of_pin(pin: Pin) -> dict[_Named, str]:
    """The same of a pinned launch; what a floating one resolved to is the version of its package."""
    from mcp_audit_gate.lock import launches

    found = _versions(launches.understood(pin.launch))
    if pin.resolved and found:
        found[next(iter(found))] = pin.resolved
    return found


def auth_weakened(comparison: Comparison) -> Iterator[Hit]:
    """Credentials, encryption and checks that every entry of the name had, and this one has not."""
    from mcp_audit_gate.policy import compared

    here = {(entry.document.path, entry.name) for entry in comparison.after.context.entries}
    for entry, named in compared.kept(comparison):
        if any(one.value == entry.value for one in named):
            continue
        whose = compared.whose(entry)
        # One that stands in another file as before lost nothing: this one is new beside it.
        moved = (one for one in named if one.document.path == entry.document.path or (one.document.path, one.name) not in here)
        was = [one for one in moved if compared.whose(one) == whose]
        if was:
            ref = visible(comparison.ref, 80)
            yield from _credential_gone(entry, was, ref)
            yield from _encryption_gone(entry, was, ref)
            yield from _check_gone(entry, was, ref)


def _title(entry: Entry) -> str:
    from mcp_audit_gate.rules.wording import server

    return server(entry)


def _credential_gone(entry: Entry, was: Sequence[Entry], ref: str) -> Iterator[Hit]:
    """Nothing that authenticates is left. A header that came instead and may hold the credential counts as a new name for it."""
    before = [_credentials(one) for one in was]
    if not all(before) or _credentials(entry):
        return
    old = {header.name.lower() for one in was for header in _headers(one)}
    values = {header.value for one in was for header in _headers(one)}
    if any(header.name.lower() not in old and (header.value in values or _refers(header)) for header in _headers(entry)):
        return
    lost = before[0][0]
    message = f"{_title(entry)} has no {visible(lost, 60)} any more, which it has in {ref}, and nothing in its place."
    yield Hit(entry.place(key=True), message, lost.lower(), subject="", server=entry.name)


# Members of an entry that say how a client authenticates.
_MEMBERS = (
    *("oauth", "auth", "authentication", "oauthClient", "oauthClientId", "oauth_client_id", "oauthScopes", "authProviderType", "requiresOAuth"),
    *("bearer_token_env_var", "bearerTokenEnvVar", "env_http_headers", "headersHelper", "headers_helper", "apiKey", "obo"),
)


def _credentials(entry: Entry) -> list[str]:
    """What an entry authenticates with, by the names of its headers and members."""
    found = [header.name for header in _headers(entry) if (header.value is None or header.value.strip()) and _carries(header)]
    return [*found, *(member for member in _MEMBERS if entry.value.get(member) not in (None, False, "", "none", [], {}))]


def _carries(header: Variable) -> bool:
    from mcp_audit_gate.metadata.credentials import is_secret_name

    return is_secret_name(header.name) or (header.value or "").lower().startswith(("bearer ", "basic "))


def _headers(entry: Entry) -> Iterator[Variable]:
    """The headers of an entry, also those that a proxy is given (`--header "Authorization: …"`)."""
    from mcp_audit_gate.model import Variable

    for launch in entry.launches:
        yield from launch.headers
        for flag, value in zip(launch.words, launch.words[1:]):
            if launch.urls and flag.text in ("--header", "--headers", "-H"):
                name, _, text = value.text.partition(":")
                yield Variable(name, text, value.at)


def _refers(header: Variable) -> bool:
    """True when a reference stands in the value."""
    from mcp_audit_gate.metadata.credentials import without_references

    return header.value is not None and without_references(header.value) != header.value


def _encryption_gone(entry: Entry, was: Sequence[Entry], ref: str) -> Iterator[Hit]:
    """Addresses without encryption, where all that the entry had were encrypted."""
    from mcp_audit_gate.metadata import addresses

    before = [found for one in was for launch in one.launches for word in launch.urls if (found := addresses.read(word.text))]
    if not before or any(found.scheme not in ("https", "wss") for found in before):
        return
    for launch in entry.launches:
        for word in launch.urls:
            found = addresses.read(word.text)
            if found and found.scheme in ("http", "ws") and found.kind != addresses.LOOPBACK:
                message = f"{_title(entry)} is reached over {found.scheme}, without encryption, and in {ref} over {before[0].scheme}."
                yield Hit(entry.place(word.at), message, f"{found.scheme}://{found.host}", server=entry.name, subject=_pointer(word.at))


def _check_gone(entry: Entry, was: Sequence[Entry], ref: str) -> Iterator[Hit]:
    """Switches by which certificates are not checked, that no entry of the name had."""
    from mcp_audit_gate.rules import transport

    before = {hit.value for one in was for hit in transport.tls_verification_off(one)}
    for hit in transport.tls_verification_off(entry):
        if hit.value not in before:
            message = f"{hit.message.removesuffix('.')}, and not in {ref}."
            at = hit.place.pointer[len(entry.pointer) :] if isinstance(hit.place, Place) else ()
            yield hit._replace(message=message, server=entry.name, subject=_pointer(at))


def _pointer(at: Sequence[str | int]) -> str:
    from mcp_audit_gate.rules import json_pointer

    return json_pointer(at)


# The files that package managers read in a folder, and the ecosystem they are about.
_REGISTRIES = {".npmrc": "npm", ".yarnrc.yml": "npm", "pip.conf": "pypi", "uv.toml": "pypi"}


def registry_file_changed(comparison: Comparison) -> Iterator[Hit]:
    """One hit for each line that newly names a registry, beside a server that newly fetches from it."""
    before, after = comparison.before, comparison.after
    known = {(entry.document.path, entry.name, repr(entry.value)) for entry in before.context.entries}
    new = [entry for entry in after.context.entries if not entry.sample and (entry.document.path, entry.name, repr(entry.value)) not in known]
    kinds = {package.ecosystem for entry in new for launch in entry.launches for package in launch.packages}
    if not kinds & set(_REGISTRIES.values()):
        return
    folders = {"", *(item.path.rpartition("/")[0] for item in after.reading.inputs)}
    for folder in sorted(folders):
        for name in sorted(_names(after.files, folder) & set(_REGISTRIES)):
            if _REGISTRIES[name] in kinds:
                yield from _newly_named(before.files, after.files, f"{folder}/{name}" if folder else name)


def _names(files: Tree, folder: str) -> set[str]:
    try:
        return set(files.names(folder))
    except Unreadable:  # then the config in it could not be read, either
        return set()


def _newly_named(before: Tree, after: Tree, path: str) -> Iterator[Hit]:
    """One hit for each line that newly names a registry; one for a file that is there and cannot be read."""
    try:
        now = _named_registries(after, path)
    except Unreadable as error:
        message = (
            f"{visible(path, 80)} cannot be read ({error.reason}), so it may name any registry, in the same change as a server that fetches packages."
        )
        yield Hit(Location(path), message, error.reason, subject="")
        return
    try:
        was = {line for _, line in _named_registries(before, path)}
    except Unreadable:
        was = set()
    for number, line in now:
        if line not in was:
            yield Hit(Location(path, number, 1, number, len(line) + 1), _moved(path, line), line, True, subject="")


def _named_registries(files: Tree, path: str) -> list[tuple[int, str]]:
    """The lines of a file that name a registry or index, with their numbers. Raises Unreadable."""
    text = files.read(path).decode("utf-8", "replace")
    found = re.compile(r"[^#;=:]{0,100}(?:registry|registryserver|index|index-url|find-links|url)[\"' ]{0,3}[:=]", re.I)
    return [
        (number, line) for number, line in enumerate(text.splitlines(), 1) if "://" in line and found.match(line.replace(":registry", "registry", 1))
    ]


def _moved(path: str, line: str) -> str:
    from mcp_audit_gate.metadata import addresses

    hosts = ", ".join(found.host for found in addresses.in_text(line) if found.host)
    return f"{visible(path, 80)} newly names the registry {visible(hosts, 80)}, in the same change as a server that fetches packages."
