"""Every target by name; a target's module is loaded when it is asked for."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzz.target import Target

_MODULES = {
    "json": "jsons",
    "toml": "tomls",
    "yaml": "yamls",
    "markdown": "yamls",
    "canonical": "locks",
    "lock": "locks",
    "lock-bytes": "locks",
    "visible": "texts",
    "folded": "texts",
    "uri": "texts",
    "commands": "texts",
    "prose": "texts",
    "markup": "texts",
    "sarif-message": "texts",
    "report-text": "reports",
    "report-json": "reports",
    "report-junit": "reports",
    "report-sarif": "reports",
    "report-github": "reports",
    "report-markdown": "reports",
    "report-html": "reports",
    "drift": "drifts",
    "schemas": "drifts",
    "policy": "policies",
    "policy-plain": "policies",
    "yaml-scalar": "policies",
    "unwrap": "launches",
    "line": "launches",
    "shell": "launches",
    "dotenv": "launches",
    "crushrc": "launches",
    "message": "wires",
    "events": "wires",
    "git": "wires",
    "scan": "scans",
    "edit": "scans",
}


def _load(name: str) -> Target:
    made: Target = import_module(f"fuzz.targets.{_MODULES[name]}").TARGETS[name]
    return made


TARGETS: dict[str, Callable[[], Target]] = {name: partial(_load, name) for name in _MODULES}
