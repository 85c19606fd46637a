"""A JSON Schema by meaning: for each kind of value the alternatives that it allows. Equivalent spellings come out the same."""

from __future__ import annotations

from mcp_audit_gate.lock.alternatives import ANYTHING, KINDS, Branch, both, is_anything, is_whole, limited, tidy, united
from mcp_audit_gate.lock.keywords import IN_PLACE, Node, TooLarge, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from typing import TypeGuard

    from mcp_audit_gate.lock.alternatives import All, Bound, Condition, Named
    from mcp_audit_gate.model import Json

    Raw = dict[str, Json]

SIZES = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems"), "object": ("minProperties", "maxProperties")}
# References and alternatives within one another at one place; each costs four frames.
MAX_IN_PLACE = 30


def branches(schemas: All) -> tuple[Branch, ...]:
    """The alternatives of values that satisfy all schemas. TooLarge when they multiply beyond bounds."""
    found: Iterable[Branch] = ANYTHING
    for node in schemas:
        found = both(found, _read(node, ()))
    return united(found)


def _read(node: Node, within: tuple[int, ...]) -> tuple[Branch, ...]:
    """The alternatives of one schema; `within` are the references that are being followed."""
    raw = node.raw
    if raw is True:
        return ANYTHING
    if raw is False:
        return ()
    if not isinstance(raw, dict):
        return limited(ANYTHING, ("schema", frozen(raw)))
    if len(within) > MAX_IN_PLACE:
        raise TooLarge
    found = tuple(_own(node))
    for part in _in_place(node, within):
        found = united(both(found, part))
    return found


def _in_place(node: Node, within: tuple[int, ...]) -> Iterator[tuple[Branch, ...]]:
    """The alternatives that `$ref`, `allOf`, `anyOf` and `oneOf` add to those of the keywords beside them."""
    raw = node.raw
    assert isinstance(raw, dict)
    if "$ref" in raw:
        yield _referred(node, raw["$ref"], within)
    yield from _parts(node, raw, "allOf", within)
    if _listed(raw.get("anyOf")):
        yield united(branch for part in _parts(node, raw, "anyOf", within) for branch in part)
    if _listed(raw.get("oneOf")):
        found = list(_parts(node, raw, "oneOf", within))
        union = united(branch for part in found for branch in part)
        yield union if _disjoint(found) else limited(union, ("oneOf", tuple(sorted(node.document.key(sub) for sub in _listed(raw["oneOf"])))))


def _parts(node: Node, raw: Raw, word: str, within: tuple[int, ...]) -> Iterator[tuple[Branch, ...]]:
    for index, sub in enumerate(_listed(raw.get(word))):
        yield _read(Node(sub, (*node.pointer, word, index), node.document), (*within, 0))


def _referred(node: Node, ref: Json, within: tuple[int, ...]) -> tuple[Branch, ...]:
    target = node.document.resolve(ref)
    if target is None:
        inside = isinstance(ref, str) and ref[:1] == "#"
        return limited(ANYTHING, ("$ref", frozen(ref), node.document.number if inside else -1))
    if id(target.raw) in within:
        # It refers to itself with nothing in between and so says nothing that could be compared.
        return limited(ANYTHING, ("$ref", frozen(ref), node.document.number))
    return _read(target, (*within, id(target.raw)))


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _disjoint(parts: list[tuple[Branch, ...]]) -> bool:
    """True when no value can satisfy two of the parts, so that exactly one is the same as at least one."""
    if len(parts) > 30:
        return False
    return not any(
        _may_meet(one, other)
        for index, part in enumerate(parts)
        for further in parts[index + 1 :]
        for one in part
        for other in further
        if one.kind == other.kind
    )


def _may_meet(one: Branch, other: Branch) -> bool:
    if one.values is not None and other.values is not None:
        return not one.values.isdisjoint(other.values)
    tags = [(_tag(one, name), _tag(other, name)) for name in one.required & other.required]
    return not any(first is not None and second is not None and first.isdisjoint(second) for first, second in tags)


def _tag(branch: Branch, name: str) -> frozenset[Hashable] | None:
    """The values of a member that tells alternatives apart (`kind: {const: x}`), when it is one."""
    for node in dict(branch.members).get(name, ()):
        if isinstance(node.raw, dict) and "const" in node.raw:
            return frozenset((frozen(node.raw["const"]),))
        if isinstance(node.raw, dict) and isinstance(node.raw.get("enum"), list):
            return frozenset(frozen(item) for item in _listed(node.raw["enum"]))
    return None


# --- the keywords of one object ---------------------------------------------------------------------------------------


def _own(node: Node) -> Iterator[Branch]:
    """What the keywords of the object itself allow, those that hold other alternatives left out."""
    raw = node.raw
    assert isinstance(raw, dict)
    conditions = tuple(_conditions(raw, node))
    kinds = _types(raw)
    if kinds is None:
        kinds = dict.fromkeys(KINDS, frozenset())
        conditions = (*conditions, ("type", frozen(raw["type"])))
    values = _values(raw)
    if "enum" in raw and not isinstance(raw["enum"], list):
        conditions = (*conditions, ("enum", frozen(raw["enum"])))
    for kind in KINDS:
        if kind in kinds and (values is None or kind in values):
            branch = Branch(kind, None if values is None else frozenset(values[kind]), steps=kinds[kind], conditions=frozenset(conditions))
            yield from tidy(_READERS[kind](branch, raw, node))


def _types(raw: Raw) -> dict[str, frozenset[int | float]] | None:
    """Kind -> steps for the types that are allowed; None when `type` is not one that can be read."""
    if "type" not in raw:
        return dict.fromkeys(KINDS, frozenset())
    names = raw["type"] if isinstance(raw["type"], list) else [raw["type"]]
    if not names or not all(isinstance(name, str) and (name in KINDS or name == "integer") for name in names):
        return None
    kinds: dict[str, frozenset[int | float]] = {str(name): frozenset() for name in names if name != "integer"}
    if "integer" in names and "number" not in names:
        kinds["number"] = frozenset((1,))
    if raw.get("nullable") is True:  # OpenAPI 3.0
        kinds["null"] = frozenset()
    return kinds


def _values(raw: Raw) -> dict[str, set[Hashable]] | None:
    """Kind -> the values that `enum` and `const` name."""
    listed = [_listed(raw["enum"])] if isinstance(raw.get("enum"), list) else []
    if "const" in raw:
        listed.append([raw["const"]])
    if not listed:
        return None
    named: dict[str, set[Hashable]] = {}
    common = set.intersection(*({(_kind(item), frozen(item)) for item in items} for items in listed))
    for kind, value in common:
        named.setdefault(kind, set()).add(value)
    return named


def _kind(value: Json) -> str:
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _conditions(raw: Raw, node: Node) -> Iterator[Condition]:
    """Conditions on values of any kind, and keywords whose value is not what it should be."""
    key = node.document.key
    if "not" in raw:
        yield "not", key(raw["not"])
    if "if" in raw and ("then" in raw or "else" in raw):
        yield "if", key(raw["if"]), key(raw.get("then", True)), key(raw.get("else", True))
    for word in ("$dynamicRef", "$recursiveRef"):
        if word in raw:
            yield word, frozen(raw[word]), node.document.number
    for word in ("anyOf", "oneOf", "allOf"):
        if word in raw and not (isinstance(raw[word], list) and (raw[word] or word == "allOf")):
            yield word, frozen(raw[word])


def _number(branch: Branch, raw: Raw, node: Node) -> Branch:
    steps, odd = set(branch.steps), set(branch.conditions)
    if "multipleOf" in raw:
        step = raw["multipleOf"]
        if _is_number(step) and step > 0:
            steps.add(step)
        else:
            odd.add(("multipleOf", frozen(step)))
    low = _bound(raw, "minimum", "exclusiveMinimum", 1, odd)
    high = _bound(raw, "maximum", "exclusiveMaximum", -1, odd)
    return branch._replace(low=low, high=high, steps=frozenset(steps), conditions=frozenset(odd))


def _bound(raw: Raw, inclusive: str, exclusive: str, sign: int, odd: set[Condition]) -> Bound | None:
    """The stricter of two limits; draft 4 writes `exclusiveMinimum: true` beside `minimum`."""
    found: list[Bound] = []
    for word, strict in ((inclusive, raw.get(exclusive) is True), (exclusive, True)):
        value = raw.get(word)
        if word in raw and not (word == exclusive and isinstance(value, bool)):
            if _is_number(value):
                found.append((value, strict))
            else:
                odd.add((word, frozen(value)))
    return max(found, key=lambda bound: (sign * bound[0], bound[1]), default=None)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _string(branch: Branch, raw: Raw, node: Node) -> Branch:
    told = {(word, frozen(raw[word])) for word in ("pattern", "format") if word in raw}
    return _sized(branch._replace(conditions=branch.conditions | told), raw)


def _sized(branch: Branch, raw: Raw) -> Branch:
    """The branch with the limits on its length."""
    odd: set[Condition] = set()
    bounds: list[Bound | None] = []
    for word in SIZES[branch.kind]:
        value = raw.get(word)
        if is_whole(value) and value >= 0:
            bounds.append((int(value), False))
        else:
            bounds.append(None)
            odd |= {(word, frozen(value))} if word in raw else set()
    low = None if bounds[0] == (0, False) else bounds[0]
    return branch._replace(low=low, high=bounds[1], conditions=branch.conditions | odd)


def _array(branch: Branch, raw: Raw, node: Node) -> Branch:
    told: set[Condition] = set()
    if raw.get("uniqueItems", False) is not False:
        told.add(("uniqueItems", frozen(raw["uniqueItems"])))
    if "contains" in raw:
        told.add(("contains", node.document.key(raw["contains"]), frozen(raw.get("minContains", 1)), frozen(raw.get("maxContains"))))
    word, rest = ("items", "additionalItems") if isinstance(raw.get("items"), list) else ("prefixItems", "items")
    prefix = tuple((Node(sub, (*node.pointer, word, index), node.document),) for index, sub in enumerate(_listed(raw.get(word))))
    told |= {(odd, frozen(raw[odd])) for odd in ("prefixItems",) if odd in raw and (word == "items" or not isinstance(raw[odd], list))}
    if "unevaluatedItems" in raw and rest not in raw:
        if any(other in raw for other in (*IN_PLACE, "contains")):
            told |= _unevaluated(raw, "unevaluatedItems", node)
        else:
            rest = "unevaluatedItems"
    return _sized(branch._replace(prefix=prefix, rest=_single(node, raw, rest), conditions=branch.conditions | told), raw)


def _unevaluated(raw: Raw, word: str, node: Node) -> set[Condition]:
    """It depends on every keyword of the object: any difference there is one of this condition too."""
    return set() if raw[word] is True or raw[word] == {} else {(word, node.document.key(raw))}


def _single(node: Node, raw: Raw, word: str) -> All:
    found = Node(raw.get(word, True), (*node.pointer, word), node.document)
    return () if is_anything((found,)) else (found,)


def _object(branch: Branch, raw: Raw, node: Node) -> Branch:
    told = set(_object_conditions(raw, node))
    names = raw.get("required", [])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        told.add(("required", frozen(names)))
        names = []
    rest = "additionalProperties"
    if "unevaluatedProperties" in raw and rest not in raw:
        if any(other in raw for other in IN_PLACE):
            told |= _unevaluated(raw, "unevaluatedProperties", node)
        else:
            rest = "unevaluatedProperties"
    made = branch._replace(
        members=_named(raw, "properties", node),
        patterns=_named(raw, "patternProperties", node),
        rest=_single(node, raw, rest),
        required=frozenset(str(name) for name in names),
        conditions=branch.conditions | told,
    )
    return _sized(made, raw)


def _named(raw: Raw, word: str, node: Node) -> Named:
    value = raw.get(word)
    if not isinstance(value, dict):
        return ()
    return tuple((name, (Node(value[name], (*node.pointer, word, name), node.document),)) for name in sorted(value))


def _object_conditions(raw: Raw, node: Node) -> Iterator[Condition]:
    key = node.document.key
    if "propertyNames" in raw and not is_anything((Node(raw["propertyNames"], (), node.document),)):
        yield "propertyNames", key(raw["propertyNames"])
    for word in ("properties", "patternProperties"):
        if word in raw and not isinstance(raw[word], dict):
            yield word, frozen(raw[word])
    for word in ("dependentRequired", "dependentSchemas", "dependencies"):
        yield from _dependent(word, raw.get(word, {}), node)


def _dependent(word: str, value: Json, node: Node) -> Iterator[Condition]:
    """Conditions on members that stand beside others."""
    if not isinstance(value, dict):
        yield word, frozen(value)
        return
    for name, needed in value.items():
        if isinstance(needed, list) and word != "dependentSchemas":
            yield from (("dependentRequired", name, frozen(item)) for item in needed)
        else:
            yield "dependentSchemas", name, node.document.key(needed)


def _plain(branch: Branch, raw: Raw, node: Node) -> Branch:
    return branch


_READERS = {
    "null": _plain,
    "boolean": _plain,
    "number": _number,
    "string": _string,
    "array": _array,
    "object": _object,
}
