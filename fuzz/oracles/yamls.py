"""YAML from the events of PyYAML's own parser (the product uses libyaml): the documents of a text, scalars with what they may mean."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml


class Scalar(NamedTuple):
    """A scalar as written, and whether it stands without quotes and tag, so that it may mean something else than text."""

    text: str
    plain: bool


_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9]*)\.[0-9]*(?:[eE][-+][0-9]+)?")
_TRUE, _FALSE = ({form for word in words for form in (word, word.title(), word.upper())} for words in (("true", "yes", "on"), ("false", "no", "off")))


class _Differ(Exception):  # noqa: N818
    """Something in which readers differ, and which is not compared."""


def read(text: str) -> list[Any] | None:
    """The documents: dicts and lists with Scalars in them. None where PyYAML finds a fault, or where readers differ."""
    if re.search("\r(?!\n)|[\x85\u2028\u2029]", text):
        return None
    try:
        return _documents(text)
    except (yaml.YAMLError, _Differ, RecursionError):
        return None


def _documents(text: str) -> list[Any]:
    events = iter(list(yaml.parse(text, Loader=yaml.SafeLoader)))
    found = []
    anchors: dict[str, Any] = {"all": []}
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            anchors["all"] = []
        elif isinstance(event, yaml.NodeEvent):
            found.append(_value(event, events, anchors))
    return found


def _value(event: Any, events: Any, anchors: dict[str, Any]) -> Any:
    if isinstance(event, yaml.AliasEvent):
        known = [value for name, value in anchors["all"] if name == event.anchor]
        if not known or known[-1] == []:
            raise _Differ  # without an anchor, or within its own
        return known[-1][0]
    if event.tag == "!" or re.search(r"[,\[\]{}]", event.tag or ""):
        raise _Differ  # PyYAML takes marks of the flow style into a tag, against YAML 1.2, 6.9
    made: list[Any] = []
    if event.anchor:
        anchors["all"].append((event.anchor, made))
    made.append(_content(event, events, anchors))
    return made[0]


def _content(event: Any, events: Any, anchors: dict[str, Any]) -> Any:
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(event.value, event.implicit[0])
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_value(event, events, anchors))
        return items
    members: dict[str, Any] = {}
    merged: list[Any] = []
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _value(event, events, anchors)
        value = _value(next(events), events, anchors)
        if not isinstance(key, Scalar):
            raise _Differ
        if key.plain and key.text == "<<":
            merged += value if isinstance(value, list) else [value]
        else:
            members[_name(key)] = value
    for source in merged:
        if not isinstance(source, dict):
            raise _Differ
        members = {**source, **members}
    return members


def _name(key: Scalar) -> str:
    """A key as text; of what is no text only what is spelled in one way."""
    meanings = _meanings(key)
    if meanings == (key.text,) or key.text in ("true", "false", "null"):
        return key.text
    raise _Differ


def _meanings(scalar: Scalar) -> tuple[Any, ...]:
    """What the scalar may be read as: one thing where readers agree, else also the text."""
    text = scalar.text
    if not scalar.plain:
        return (text,)
    if text in _TRUE:
        return (True,)
    if text in _FALSE:
        return (False,)
    if text in ("", "~", "null", "Null", "NULL"):
        return (None,)
    if _DECIMAL.fullmatch(text):
        return (int(text),)
    if _FLOAT.fullmatch(text):
        return (float(text), text)
    return (text,)


def fits(value: Any, wanted: Any) -> bool:
    """True when the value is what was read."""
    if isinstance(wanted, Scalar):
        return any(type(value) is type(meaning) and value == meaning for meaning in _meanings(wanted))
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(fits, value, wanted))
    return isinstance(value, dict) and value.keys() == wanted.keys() and all(fits(value[key], wanted[key]) for key in wanted)
