"""Where the policy is and what it says after `extends`: the files of a tree in, a Policy out.

Nothing here opens a file of the repository: a tree is asked, so that a policy may come from a git revision as well.

How two layers become one. A scalar of the extending file wins; `rules`, `servers` and `require` are merged key by key. `deny` and
`exclude` are united, and so are `waivers`, since each of their items stands for itself and what a base forbids must not be lifted
by silence. A list under `allow` replaces the base's list of that name: united, no file could ever allow less than its base.
"""

from __future__ import annotations

import os

from mcp_audit_gate.errors import PolicyError, Unreadable, suggestion
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Place
from mcp_audit_gate.policy.policy import Layer, Policy, Terms, Waiver, same_name
from mcp_audit_gate.sources.clients import POLICY_FILES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any, NoReturn, Protocol

    from mcp_audit_gate.model import Json
    from mcp_audit_gate.sources.document import Document

    class Files(Protocol):
        """The files of one root, by paths with `/`: the working tree, or a revision."""

        def read(self, path: str, limit: int = ...) -> bytes:
            """The bytes of a file. Raises Unreadable."""

        def names(self, folder: str) -> Iterable[str]:
            """What lies in a folder, "" for the root; nothing when there is none."""


PRESETS = ("default", "strict", "advisory")
MAX_POLICY = 1024 * 1024
MAX_EXTENDS = 5
# What policies/default.yaml says; a test holds the two together. Most runs need no policy, and so no YAML.
_DEFAULT = Layer("preset:default", {"version": 1, "fail-on": "high"})


def found(files: Files, today: date) -> Policy:
    """The policy at one of the places where policies are, else the preset `default`. Raises PolicyError, also for a name that is nearly right."""
    for folder in ("", ".github"):
        for name in _names(files, folder):
            if _nearly(name):
                path = f"{folder}/{name}" if folder else name
                meant = POLICY_FILES[0 if folder else 1]
                raise PolicyError(f"{path}: a policy is not read from a file of this name", f"did you mean {meant}? Rename it, or remove it")
    for place in POLICY_FILES:
        folder, _, name = place.rpartition("/")
        if name in _names(files, folder):
            return load(files, place, today)
    return built_in()


def built_in() -> Policy:
    """The preset `default`."""
    return Policy(layers=(_DEFAULT,))


def _names(files: Files, folder: str) -> Iterable[str]:
    try:
        return files.names(folder)
    except Unreadable as error:
        raise PolicyError(f"{folder or '.'}: {error.reason}, so no policy can be looked for there", error.hint) from error


def _nearly(name: str) -> bool:
    """True for a name that somebody may take for the policy's: another ending, case, separator, or one wrong letter."""
    if name == "mcp-audit.yaml":
        return False
    stem, _, ending = name.lower().rpartition(".")
    letters = stem.translate({ord(char): None for char in ".-_ "})
    return ending in ("yaml", "yml") and (letters == "mcpauditgate" or _one_slip(letters, "mcpaudit"))


def _one_slip(word: str, meant: str) -> bool:
    """True when one letter too few, one wrong letter or two swapped letters tell the words apart, or nothing."""
    while word and meant and word[0] == meant[0]:
        word, meant = word[1:], meant[1:]
    while word and meant and word[-1] == meant[-1]:
        word, meant = word[:-1], meant[:-1]
    return (len(word) <= 1 and len(meant) <= 1 and not (word and not meant)) or (len(word) == len(meant) == 2 and word == meant[::-1])


def preset(name: str, today: date) -> Policy:
    """The policy of that name that comes with the program."""
    return _policy((_DEFAULT, *_preset_layers(name, today)), f"preset:{name}")


def load(files: Files, path: str, today: date, shown: str | None = None) -> Policy:
    """The policy in a file, with what it extends. `shown` is what reports call the file. Raises PolicyError."""
    try:
        first = _layer(files, path, today, shown or path)
    except Unreadable as error:
        what = f"{shown or path}:1:1: the policy cannot be read: {error.reason}"
        raise PolicyError(what, "a policy is a regular file of at most 1 MiB, not reached by a link out of its repository") from error
    return _policy((_DEFAULT, *_chain(files, path, today, first)), shown or path)


def _preset_layers(name: str, today: date) -> tuple[Layer, ...]:
    if name == "default":
        return ()
    from mcp_audit_gate.policy import form, syntax

    source = f"preset:{name}"
    document = syntax.read(source, preset_text(name))
    form.check(document, today)
    return (Layer(source, _members(document), document),)


def preset_text(name: str) -> bytes:
    """The file of a preset, as it may be copied. In the wheel it lies in the package, in a checkout beside it."""
    package = os.path.dirname(os.path.dirname(__file__))
    for folder in (package, os.path.dirname(package)):
        try:
            with open(os.path.join(folder, "policies", f"{name}.yaml"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            continue
    raise FileNotFoundError(f"policies/{name}.yaml is missing from this installation")


def _chain(files: Files, path: str, today: date, layer: Layer) -> tuple[Layer, ...]:
    """The layer of a file and those below it, the base first."""
    layers = [layer]
    chain = [path]
    while (target := layer.value.get("extends")) is not None:
        document = layer.document
        assert isinstance(target, str)
        assert document is not None
        if len(layers) > MAX_EXTENDS:
            _refuse(document, f"`extends` goes deeper than {MAX_EXTENDS} files", "put what is shared into fewer files")
        if target in PRESETS:
            return (*_preset_layers(target, today), *layers)
        base = _resolve(document, chain[-1], target)
        chain.append(base)
        if base in chain[:-1]:
            _refuse(document, f"`extends` goes round in a circle: {' > '.join(visible(item, 80) for item in chain)}", "remove one of them")
        try:
            layer = _layer(files, base, today, base)
        except Unreadable as error:
            what = f'`extends` names "{visible(target, 80)}", which cannot be read: {error.reason}'
            _refuse(document, what, f"name a file, or a preset: {' '.join(PRESETS)}{suggestion(target, PRESETS)}")
        layers.insert(0, layer)
    return tuple(layers)


def _layer(files: Files, path: str, today: date, shown: str) -> Layer:
    from mcp_audit_gate.policy import form, syntax

    document = syntax.read(shown, files.read(path, MAX_POLICY))
    form.check(document, today)
    return Layer(shown, _members(document), document)


def _members(document: Document) -> Mapping[str, Json]:
    assert isinstance(document.value, dict)
    return document.value


def _resolve(document: Document, path: str, target: str) -> str:
    """The path from the root that `extends` in the file `path` names. Raises PolicyError when it is none inside the root."""
    hint = f"name a file of this repository, relative to this one, or a preset: {' '.join(PRESETS)}{suggestion(target, PRESETS)}"
    head = target.partition(":")[0]
    if "://" in target or (":" in target and head.isalnum()):
        _refuse(document, "`extends` does not take an address", hint)
    if target.startswith(("/", "\\", "~")):
        _refuse(document, "`extends` does not take an absolute path", hint)
    if "\\" in target:
        _refuse(document, "`extends` takes a path with / between folders", hint)
    base = os.path.normpath(os.path.join(os.path.dirname(path), target)).replace(os.sep, "/")
    if base == ".." or base.startswith("../"):
        _refuse(document, "`extends` leads out of the repository", hint)
    return base


def _refuse(document: Document, what: str, hint: str) -> NoReturn:
    place = document.locate(Place(document, ("extends",)))
    raise PolicyError(f"{place.path}:{place.start_line}:{place.start_column}: {what}", hint)


def _policy(layers: Sequence[Layer], name: str) -> Policy:
    """The layers as one policy."""
    whole: dict[str, Any] = {}
    for layer in layers:
        whole.update({key: value for key, value in layer.value.items() if key in ("fail-on", "max-risk")})
    require = _merged(layers, "require")
    return Policy(
        name,
        whole["fail-on"],
        _number(whole.get("max-risk")),
        bool(require.get("lock")),
        bool(require.get("exact-versions")),
        {key: tuple(dict.fromkeys(item for items in lists for item in items)) for key, lists in _lists(layers, "deny").items()},
        {key: tuple(lists[-1]) for key, lists in _lists(layers, "allow").items()},
        _levels(_merged(layers, "rules")),
        _servers(layers),
        tuple(dict.fromkeys(glob for layer in layers for glob in _list(layer, "exclude"))),
        tuple(waiver for layer in layers for waiver in _waivers(layer)),
        tuple(layers),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _merged(layers: Iterable[Layer], key: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in layers:
        part = layer.value.get(key)
        merged.update(part if isinstance(part, dict) else {})
    return merged


def _lists(layers: Iterable[Layer], key: str) -> dict[str, list[list[str]]]:
    """For each list below a key, every layer's, the base first."""
    lists: dict[str, list[list[str]]] = {}
    for layer in layers:
        part: Any = layer.value.get(key) or {}
        for name, items in part.items():
            lists.setdefault(name, []).append(items)
    return lists


def _list(layer: Layer, key: str) -> list[Any]:
    value = layer.value.get(key)
    return value if isinstance(value, list) else []


def _levels(rules: Mapping[str, Any]) -> dict[str, str]:
    return {rule: level or "off" for rule, level in rules.items()}  # False is what YAML 1.1 makes of a bare `off`


def _servers(layers: Iterable[Layer]) -> dict[str, Terms]:
    servers: dict[str, Terms] = {}
    for layer in layers:
        part: Any = layer.value.get("servers") or {}
        for name, value in part.items():
            known = servers.get(same_name(name), Terms())
            limit = _number(value.get("max-risk"))
            servers[same_name(name)] = Terms(known.max_risk if limit is None else limit, {**known.rules, **_levels(value.get("rules") or {})})
    return servers


def _waivers(layer: Layer) -> Iterator[Waiver]:
    from mcp_audit_gate.policy.form import read_date

    for number, value in enumerate(_list(layer, "waivers")):
        day = read_date(value["expires"])
        assert day is not None
        assert layer.document is not None
        given = {key: value[key] for key in ("owner", "fingerprint", "server", "subject") if key in value}
        path = value.get("path")
        yield Waiver(value["rule"], value["reason"], day, Place(layer.document, ("waivers", number)), path=path and path.removeprefix("./"), **given)
