from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import Place
from mcp_audit_gate.sources import tomls
from mcp_audit_gate.sources.document import Document

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
SCALARS = st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
TABLES = st.recursive(
    st.dictionaries(TEXT, SCALARS, max_size=3),
    lambda inner: st.dictionaries(TEXT, SCALARS | inner | st.lists(SCALARS, max_size=3) | st.lists(inner, min_size=1, max_size=2), max_size=3),
    max_leaves=8,
)


@st.composite
def spelled(draw):
    """(table, a spelling of it) with headers, arrays of tables, inline tables, dotted and quoted keys, comments."""
    table = draw(TABLES)
    note = st.sampled_from(["", " # a = [1", "  "])

    def key(name: str) -> str:
        if name.isascii() and name.replace("-", "").replace("_", "").isalnum():
            return name
        return f"'{name}'" if "'" not in name and draw(st.booleans()) else json.dumps(name, ensure_ascii=False)

    def inline(value) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key(k)} = {inline(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            gap = draw(st.sampled_from(["", "\n  ", " # ]\n"]))
            return "[" + gap + f",{gap}".join(inline(v) for v in value) + gap + "]"
        if isinstance(value, str):
            return f"'{value}'" if "'" not in value and draw(st.booleans()) else json.dumps(value, ensure_ascii=False)
        return repr(value).lower() if isinstance(value, bool) else repr(value)

    def body(value, path) -> list[str]:
        plain, tables = [], []
        for name, item in value.items():
            here = (*path, name)
            if isinstance(item, dict) and draw(st.booleans()):
                tables += [f"[{'.'.join(map(key, here))}]{draw(note)}", *body(item, here)]
            elif isinstance(item, list) and item and all(isinstance(part, dict) for part in item) and draw(st.booleans()):
                for part in item:
                    tables += [f"[[ {' . '.join(map(key, here))} ]]{draw(note)}", *body(part, here)]
            else:
                plain.append(f"{key(name)} = {inline(item)}{draw(note)}")
        return plain + tables

    return table, draw(st.sampled_from(["\n", "\r\n"])).join(["# é", *body(table, ()), ""])


def document(text: str) -> Document:
    return Document("x.toml", text.encode(), text, tomls.read(text, 64), lambda: tomls.TomlIndex(text))


def leaves(value, at=()):
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*at, key))
    else:
        yield at, value


@given(spelled())
def test_every_value_stands_where_the_index_says(case) -> None:
    value, text = case
    parsed = document(text)
    assert parsed.value == value
    for pointer, item in leaves(value):
        start, end = parsed.span(Place(parsed, pointer))
        assert tomls.read(f"x = {text[start:end]}", 64) == {"x": item}
        if isinstance(pointer[-1], str):
            start, end = parsed.span(Place(parsed, pointer, (), True))
            assert tomls.read(f"{text[start:end]} = 1", 64) == {pointer[-1]: 1}


def test_a_server_in_every_spelling() -> None:
    text = '[mcp_servers."a.b"]\ncommand = """npx"""\nargs = [ # x\n  \'-y\',\n "p@1.0.0", ]\nenv.T = "x"\n[mcp_servers."a.b".headers]\n"X Y"   =   \'z\' # c\n'
    parsed = document(text)
    entry = ("mcp_servers", "a.b")
    assert [text[slice(*parsed.span(Place(parsed, (*entry, *at))))] for at in (("command",), ("args", 1), ("env", "T"), ("headers", "X Y"))] == [
        '"""npx"""',
        '"p@1.0.0"',
        '"x"',
        "'z'",
    ]
    assert parsed.locate(Place(parsed, entry, (), True))[1:] == (1, 14, 1, 19)


@pytest.mark.parametrize("text", ["a = ", "[a", "a = 1\na = 2", "a = [1", "a = nan", 'a = "\\q"', "= 1", "a = 1 b = 2", "a.b = 1\na = 2", "[a]\n[a]"])
def test_what_is_no_toml_is_refused_but_special_numbers_are_text(text: str) -> None:
    if text == "a = nan":
        assert tomls.read(text, 64) == {"a": "nan"}
    else:
        with pytest.raises(Unreadable):
            tomls.read(text, 64)


def test_the_place_of_an_error_is_found_behind_crlf() -> None:
    text = 'a = 1\r\nb = "x\r\n'
    with pytest.raises(Unreadable) as caught:
        tomls.read(text, 64)
    assert text[: caught.value.offset].count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a." * 60_000,
        "[" + "a." * 60_000 + "a]",
        "a = " + "{b = " * 30_000,
        'a = """' + '""' * 50_000,
        "a = '''" + "''" * 50_000 + "'",
    ],
)
def test_hostile_text_ends_soon(text: str) -> None:
    import time

    begin = time.process_time()
    with pytest.raises(Unreadable):
        tomls.read(text, 64)
    assert time.process_time() - begin < 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = " + "[" * 64 + "]" * 64, id="brackets"),
        pytest.param('# "\nx = ' + "[" * 64 + "]" * 64, id="brackets after a quote in a comment"),
        pytest.param("x = " + "[" * 100_000, id="brackets that never close"),
        pytest.param('"a".' * 20_000 + "b = 1", id="dots in quotes"),
        pytest.param("x = {" + "a . " * 64 + "b = 1}", id="dots in braces"),
        pytest.param("[" + "a." * 40 + "b]\n" + "c." * 40 + "d = 1", id="header and key together"),
    ],
)
def test_what_nests_too_deep_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="nested deeper than 64 levels"):
        tomls.read(text, 64)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = 1 # " + "[{" * 100, id="brackets in a comment"),
        pytest.param("x = '''" + '[{"' * 100 + "'''", id="brackets in a text"),
        pytest.param('x = "' + "a." * 100 + '"', id="dots in a text"),
        pytest.param("x = 1 # " + "a." * 100, id="dots in a comment"),
        pytest.param("x = [" + "1.5," * 100 + "]", id="dots in numbers"),
        pytest.param("a.b = 1\n" + "\n".join(f"a.c{number} = 1" for number in range(100)), id="dots of many keys"),
    ],
)
def test_what_only_looks_deep_is_read(text: str) -> None:
    assert tomls.read(text, 64)


def test_the_place_of_what_nests_too_deep() -> None:
    with pytest.raises(Unreadable) as caught:
        tomls.read("y = 1\nx = " + "[" * 64 + "]" * 64, 64)
    assert caught.value.offset == 6 + 4 + 63
