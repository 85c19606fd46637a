"""The launch of an entry as the lockfile and the JSON report write it: the config's own words, secrets replaced."""

from __future__ import annotations

from mcp_audit_gate.metadata.credentials import MASK, mask, masked_args, masked_name, masked_url, masked_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Entry, Json, Launch, Variable

_TYPES = {"npm": "npm", "pypi": "pypi"}


def written_launch(entry: Entry, names_only: bool = False) -> dict[str, Json]:
    """`transport command args cwd url headers env package`, empty members left out; secret values stand as `<secret>`.

    names_only: every value of a variable or header does.
    """
    launch = entry.launch
    words = masked_args([word.text for word in launch.words])
    url = next((word.text for word in launch.urls if word.at[:1] != ("args",)), None)
    if not words and launch.package and launch.package.ecosystem == "mcpb":
        url = launch.package.source
    members: dict[str, Json] = {
        "transport": launch.transport,
        "command": words[0] if words else None,
        "args": list(words[1:]),
        "cwd": mask(launch.cwd.text) if launch.cwd else None,
        "url": masked_url(url) if url else None,
        "headers": _named_headers(entry) | _values(launch.headers),
        "env": dict.fromkeys(_names(entry)) | _values(tuple(variable for variable in launch.env if not variable.quoted)),
        "package": package_id(launch) if _is_plain(launch, words) else None,
    }
    if names_only:
        members |= {name: _without_values(members[name]) for name in ("headers", "env")}
    return {key: value for key, value in members.items() if value}


def _without_values(named: Json) -> dict[str, Json]:
    return {name: None if value is None else MASK for name, value in named.items()} if isinstance(named, dict) else {}


def _names(entry: Entry) -> list[str]:
    """Variables that the entry hands on by their names alone (Codex, Goose)."""
    lists = (entry.value.get(key) for key in ("env_vars", "env_keys"))
    return [masked_name(name) for names in lists if isinstance(names, list) for name in names if isinstance(name, str)]


def _named_headers(entry: Entry) -> dict[str, Json]:
    """Headers whose values the entry gives by the names of variables (Codex, Kimi), as references."""
    named = entry.value.get("env_http_headers")
    pairs = named.items() if isinstance(named, dict) else ()
    found: dict[str, Json] = {masked_name(header): mask(f"${{{name}}}") for header, name in pairs if isinstance(name, str)}
    for key in ("bearer_token_env_var", "bearerTokenEnvVar"):
        if isinstance(entry.value.get(key), str):
            found["Authorization"] = mask(f"Bearer ${{{entry.value[key]}}}")
    return found


def _is_plain(launch: Launch, masked: list[str]) -> bool:
    """True when no word of the command line was taken for a secret, so that none can stand in the package's place."""
    named = launch.image or launch.package
    return named is not None and all(word.text == text for word, text in zip(launch.words, masked, strict=True) if word.at == named.at)


def _values(variables: tuple[Variable, ...]) -> dict[str, Json]:
    return {masked_name(variable.name): None if variable.value is None else masked_value(variable.name, variable.value) for variable in variables}


def package_id(launch: Launch) -> str | None:
    """`npm:NAME[@V]`, `pypi:NAME[@V]` (normalised) or `oci:IMAGE[:TAG][@DIGEST]`; None for anything else."""
    if launch.image:
        image = launch.image
        return f"oci:{image.name}" + (f":{image.tag}" if image.tag else "") + (f"@{image.digest}" if image.digest else "")
    package = launch.package
    if package is None or package.ecosystem not in _TYPES or not package.name or package.pin in ("local", "url", "branch", "commit"):
        return None
    name = pypi_name(package.name) if package.ecosystem == "pypi" else package.name
    return f"{package.ecosystem}:{name}" + (f"@{package.version}" if package.version else "")


def pypi_name(name: str) -> str:
    """A distribution's name after PEP 503."""
    import re

    return re.sub(r"[-_.]+", "-", name).lower()
