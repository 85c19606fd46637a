"""Each sink with any text at all: what comes out is read back by that sink's own reader."""

from __future__ import annotations

import html
import re
import urllib.parse
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.report import escape

PIECES = (
    "::",
    "##[",
    "%",
    "%0A",
    "`",
    "``",
    "|",
    "\\",
    "<b>",
    "&",
    '"',
    "'",
    "@pwn",
    "](x)",
    "http://pwn.test",
    "]]>",
    "\n",
    "\r",
    "\u2028",
    " ",
    "..",
    "/",
    "a" * 250,
)
anything = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=12).map("".join),
)


def commands(text):
    """What a GitHub runner takes for commands in a log."""
    return [line for line in re.split(r"\r\n|\r|\n", text) if line.strip().startswith("::") or "##[" in line]


@given(anything)
def test_terminal(text):
    shown = escape.terminal(text)
    assert [char for char in shown if not char.isprintable() and not char.isspace()] == []
    assert len(shown.splitlines()) <= 1
    assert "##[" not in shown


@given(anything)
@example("  ::error::x")
@example("\u3000::add-mask::x")
def test_line(text):
    assert commands(escape.line(visible(text))) == []


def test_a_line_keeps_what_is_harmless():
    assert escape.line("a ::b:: ::c") == "a ::b:: ::c"
    assert escape.line("  ::error::x") == "  :\\x3aerror::x"


@given(anything)
def test_message_and_name_are_short(text):
    assert len(escape.name(text)) <= 200 + text[:200].count("##[") * 3
    assert max(map(len, escape.message(visible(text)).split(" "))) <= 200 + text.count("##[") * 3


def test_a_long_name_in_a_message_is_shortened():
    assert escape.message(f'server "{"a" * 300}" is bad') == f'server "{"a" * 198}… is bad'
    assert len(escape.message("word " * 1000)) == escape.MESSAGE_LIMIT


def unescape(text):
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


@given(anything)
def test_command_data_comes_back_as_the_message(text):
    data = escape.command_data(text)
    assert unescape(data.replace("%3A", "").replace("%2C", "")) == escape.message(text)
    assert commands(f"::error::{data}")[1:] == []
    assert "\n" not in data
    assert "\r" not in data


@given(anything)
@example("a:b,c%0A%25d")
@example("nl\n::warning::pwn")
@example("##[error]pwn")
@example("\u202epwn")
def test_a_path_comes_back_whole_or_is_left_out(path):
    shown = escape.command_path(path)
    if shown is None:
        assert visible(path) != path or "##[" in path
    else:
        assert unescape(shown) == path
        assert not set(shown) & set(":,\r\n")


def rendered(text):
    """The kinds of inline tokens of a line of Markdown, and the text of its code spans."""
    block = MarkdownIt("commonmark", {"linkify": False}).parse(text)
    inline = [token for outer in block if outer.type == "inline" for token in outer.children]
    return {token.type for token in inline}, [token.content for token in inline if token.type == "code_inline"]


def cells(text):
    """The cells of the one row of a table, as GitHub splits them."""
    table = MarkdownIt("commonmark").enable("table").parse(f"| a | b |\n| --- | --- |\n| {text} | end |\n")
    body = [token for token in table if token.type == "inline"]
    return [[child.content for child in token.children] for token in body[2:]]


@given(anything)
@example("``` | <img src=x onerror=pwn()>")
@example("`")
@example(" a ")
@example("")
def test_a_code_span_is_one_code_span(text):
    kinds, spans = rendered(f"x {escape.code(text)} y")
    assert kinds == {"text", "code_inline"}
    assert len(spans) == 1
    if "|" not in text:
        assert spans[0].strip() == (escape.name(text).strip() or (escape.name(text) or '""').strip())


@given(anything)
@example("a\\|b")
@example("a\\\\|b|")
@example("\\")
def test_a_code_span_stays_in_its_cell(text):
    row = cells(escape.code(text))
    assert len(row) == 2
    assert row[1] == ["end"]


@given(anything)
@example("see http://pwn.test and www.pwn.test, mail a@pwn.test, @pwn #1 GH-1 *b* _c_ [x](y) <b>")
def test_prose_is_words_and_code(text):
    kinds, _ = rendered(escape.prose(text))
    assert kinds <= {"text", "code_inline"}
    bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", escape.prose(text))
    assert not re.search(r"[@<>#*_~|\[\]\\&$]|://|www\.|GH-", bare)


def test_prose_reads_like_the_message():
    assert escape.prose('Server "beta" runs "@acme/x" (args[1]), so.') == 'Server "beta" runs "`@acme/x`" (`args[1]`), so.'


@given(anything)
@example('x"]; click x "javascript:pwn" --> y')
@example("%%{init: pwn}%%")
def test_mermaid_labels_cannot_end_themselves(text):
    label = escape.mermaid(text)
    assert re.fullmatch(r"(?:[\w ./,()…-]|#\d+;)*", label)


@given(anything)
def test_markup_comes_back_from_html_and_xml(text):
    shown = escape.markup(text)
    assert html.unescape(shown) == visible(text)
    element = ElementTree.fromstring(f'<a b="{shown}">{shown}</a>')
    assert (element.text or "") == element.get("b") == visible(text)
    assert "##[" not in shown


@given(anything)
@example("../../x")
@example("C:\\..\\x")
@example("javascript:pwn")
@example("//host/share")
def test_a_uri_is_relative_and_stays_inside(path):
    uri = escape.uri(path)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri)
    assert not uri.startswith("/")
    assert "%5C" not in uri
    assert not {"..", ".", ""} & set(uri.split("/"))


@pytest.mark.parametrize("path", ["a/.mcp.json", "sub dir/Ünï 日本 #%?&+/.mcp.json", "x::y/[z].json", "\udcff\udcfe.json"])
def test_a_uri_leads_back_to_the_file(path):
    assert urllib.parse.unquote(escape.uri(path), errors="surrogateescape") == path


@given(anything)
def test_a_sarif_message_is_short_and_links_nothing(text):
    shown = escape.sarif_message(text)
    assert shown.endswith(".")
    assert len(shown.encode()) <= 1010
    assert "](" not in shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a\r\nb.json", "a%0D%0Ab.json"),
        ("a:b,c%.json", "a%3Ab%2Cc%25.json"),
        ("\u202ea.json", None),
        ("\x1b[2Ja.json", None),
        ("a/##[error]b.json", None),
        ("\udcff.json", None),
    ],
)
def test_a_path_that_a_log_could_misread_is_left_out(path, shown):
    assert escape.command_path(path) == shown


@pytest.mark.parametrize(("char", "reference"), [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")])
def test_each_character_of_markup_is_a_reference_by_itself(char, reference):
    assert escape.markup(f"a{char}b{char}") == f"a{reference}b{reference}"


def test_plain_text_of_markup_stays():
    assert escape.markup("a b; ##[x") == "a b; #&#35;[x"


@pytest.mark.parametrize(
    ("markup", "unled"),
    [
        ("::error::x", "&#58;:error::x"),
        ("  ::error::x", "  &#58;:error::x"),
        ("a ::error::x", "a ::error::x"),
        (":a", ":a"),
        ("", ""),
    ],
)
def test_no_line_of_markup_begins_a_command(markup, unled):
    assert escape.unled(markup) == unled


def test_a_mermaid_label_keeps_words_and_spells_the_rest():
    assert escape.mermaid("files (a-b_c.d/e, 1)") == "files (a-b_c.d/e, 1)"
    assert escape.mermaid('a"b#c') == "a#34;b#35;c"
    assert escape.mermaid("a" * 100) == "a" * 59 + "#8230;"


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("See it's'deadbeef, x-0badcafe.", "See `it's'deadbeef`, `x-0badcafe`."),
        ("'a@b',", "'`a@b`',"),
        ('("@x").', '("`@x`").'),
        ('"(', '`"(`'),
        ("...", "`...`"),
        ('it hides ("not so."), server "x").', 'it hides ("not so."), server "x").'),
        ('(("x www.a', '(("`x` `www.a`'),
        ('("www.a.b")', '("`www.a.b`")'),
    ],
)
def test_quotes_and_punctuation_stay_outside_of_code(text, prose):
    assert escape.prose(text) == prose


def test_a_long_word_of_prose_is_code_as_a_whole():
    long = "@" + "x" * 150
    assert escape.prose(f'"{long}"') == f'"`{long}`"'


def test_a_number_begins_no_list_in_prose():
    assert escape.prose("1. one") == "`1`. one"
    assert escape.prose("12) one 3. two") == "`12`) one 3. two"


@pytest.mark.parametrize("word", ["deadbeef", "DEADBEEF", "GH-1", "gh-1", "www.x"])
def test_what_github_links_is_code(word):
    assert escape.prose(f"see {word} now") == f"see `{word}` now"
