from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from mcp_audit_gate import HOME
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import NotAssessed, Risk

VOID = {"meta", "br", "line", "rect"}


class Page(HTMLParser):
    """Tags with their attributes, the text a reader sees, and what is not nested as it should be."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.open, self.unbalanced = [], [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


@pytest.fixture(params=["report", "hostile"])
def source(request, make):
    return make.written("html", getattr(make, request.param)())


def test_the_page_is_well_formed(source):
    page = Page(source)
    assert source.startswith('<!doctype html>\n<html lang="en">')
    assert (page.unbalanced, page.open) == ([], [])
    assert {"title", "h1", "table", "caption", "th"} <= {tag for tag, _ in page.tags}
    assert ("meta", {"charset": "utf-8"}) in page.tags


def test_nothing_is_loaded_and_nothing_runs(source):
    for tag, attributes in Page(source).tags:
        assert tag not in {"script", "iframe", "object", "embed", "base", "form", "link", "img"}
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "srcset", "action")]
        if "href" in attributes:
            assert attributes["href"].startswith((f"{HOME}/blob/main/docs/rules.md#", HOME))
            assert "pwn" not in attributes["href"]
    assert "@import" not in source
    assert "url(" not in source


def test_the_policy_allows_its_own_style_alone(source):
    style = re.search(r"<style>(.*?)</style>", source, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(attributes["content"] for _, attributes in Page(source).tags if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "prefers-color-scheme: dark" in style


def test_everything_can_be_read_without_script(make):
    text = " ".join("".join(Page(make.written("html")).text).split())
    for words in (
        "MCP audit: failed",
        "5 findings (2 blocking, 1 reported, 1 waived, 1 in the baseline)",
        'server "alpha" has plain-http',
        ".mcp.json:3:38",
        '"url": "http://mcp.example.com/alpha"',
        "Waived until 2027-01-31: known, see OPS-1 (platform)",
        "Fix: mend plain-http",
        "network, declared: 1.50",
        "2 findings at or above high",
    ):
        assert words in text


def test_hostile_names_are_shown_as_they_are(make):
    text = "".join(Page(make.written("html", make.hostile())).text)
    for name in make.hostile_names():
        assert visible(name) in text


def test_the_map_of_servers_and_capabilities(make):
    source = make.written("html")
    row = re.search(r'<tr><th scope="row">alpha</th>(.*?)</tr>', source)[1]
    assert re.findall(r"<td>(.*?)</td>", row)[2:] == ["", "", "", "", "declared", ""]
    assert source.count("<line ") == 1
    assert ">alpha (1.5)</text>" in source


def test_the_picture_is_of_the_riskiest(make):
    capability = make.report().servers[0].capabilities
    servers = tuple(make.server(f"s{number}", capabilities=capability, risk=Risk(number / 10, ())) for number in range(60))
    source = make.written("html", make.report(servers=servers))
    assert source.count("<line ") == 40
    assert "The picture shows the 40 servers with the highest risk of 60." in source


def test_what_was_not_assessed(make):
    text = "".join(Page(make.written("html", make.report(not_assessed=(NotAssessed("config", "x/.mcp.json", None, "not JSON", "correct it"),)))).text)
    assert "Not assessed" in text
    assert "x/.mcp.json" in text
    assert "correct it" in text


def test_no_secret_and_no_control_character(make, source):
    assert make.secret not in source
    assert [char for char in source if char != "\n" and not char.isprintable()] == []
    assert [line for line in source.split("\n") if line.strip().startswith("::") or "##[" in line] == []
