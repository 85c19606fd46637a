from __future__ import annotations

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from mcp_audit_gate import HOME
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Capability, NotAssessed, Risk
from mcp_audit_gate.report import html

VOID = {"meta", "br", "path", "circle", "rect"}


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
            assert attributes["href"].startswith((f"{HOME}/blob/main/docs/rules.md#", HOME, "#"))
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
    row = re.search(r'<tr><th scope="row"><bdi>alpha</bdi>(.*?)</tr>', source)[1]
    assert re.findall(r'<td class="cap[^"]*">(.*?)</td>', row) == ["", "", "", "", "declared", ""]
    assert "<b>1.5</b>" in row
    assert source.count("M605 ") == 1
    assert ">alpha</text>" in source


def test_the_evidence_for_what_a_server_can_do(make):
    many = tuple(Capability(f"tool:t{number}", "network", "high", f"word {number}") for number in range(300))
    text = "".join(Page(make.written("html", make.report(servers=(make.server(capabilities=many),)))).text)
    assert "tool:t0" in text
    assert "word 199" in text
    assert "word 200" not in text
    assert "100 more lines left out here" in text


def test_the_picture_is_of_the_riskiest(make):
    capability = make.report().servers[0].capabilities
    servers = tuple(make.server(f"s{number}", capabilities=capability, risk=Risk(number / 10, ())) for number in range(60))
    source = make.written("html", make.report(servers=servers))
    assert source.count("M605 ") == 40
    assert ">s59</text>" in source
    assert ">s0</text>" not in source
    assert "The picture shows the 40 servers with the highest risk of 60." in source


def test_every_reference_leads_somewhere_on_the_page(source):
    tags = Page(source).tags
    anchors = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(set(anchors)) == len(anchors)
    wanted = {attributes["href"][1:] for _, attributes in tags if attributes.get("href", "").startswith("#")}
    wanted |= {attributes["aria-labelledby"] for _, attributes in tags if "aria-labelledby" in attributes}
    assert wanted <= set(anchors)
    assert {"blocking", "waived", "baseline", "servers", "flows", "files"} <= wanted


def test_landmarks_and_headings_are_in_order(source):
    tags = [tag for tag, _ in Page(source).tags]
    for landmark in ("header", "nav", "main", "footer"):
        assert tags.count(landmark) == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_what_scrolls_can_be_reached_with_the_keyboard_and_has_a_name(source):
    scrolling = [attributes for _, attributes in Page(source).tags if attributes.get("class") in ("wide", "flow")]
    assert scrolling
    assert all(attributes["tabindex"] == "0" and attributes["aria-label"] and attributes["role"] == "group" for attributes in scrolling)


def test_the_value_at_fault_is_marked_in_its_line(make):
    source = make.written("html")
    assert '"url": <mark>&quot;http://mcp.example.com/alpha&quot;</mark>}' in source.replace("&quot;url&quot;", '"url"')
    assert "<mark>***</mark>" in source or "<mark>&quot;***&quot;</mark>" in source


def test_a_rule_is_explained_once(make):
    places = [make.at('"alpha"'), make.at('"beta"')]
    source = make.written("html", make.report([make.finding(location=place, fingerprint=f"f{number}") for number, place in enumerate(places)]))
    assert source.count("Why plain-http matters.") == 1


def test_a_long_list_says_how_much_is_left_out(make, monkeypatch):
    monkeypatch.setattr(html, "SHOWN", 3)
    findings = [make.finding(fingerprint=f"f{number}", message=f"number {number}") for number in range(5)]
    text = "".join(Page(make.written("html", make.report(findings))).text)
    assert "What blocks (5)" in text
    assert "number 2" in text
    assert "number 3" not in text
    assert "2 more findings left out here; the JSON report has all 5." in text


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_have_the_contrast_that_wcag_asks_for(make):
    style = re.search(r"<style>(.*?)</style>", make.written("html"), re.S)[1]
    light, dark = (dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{([^}]*)\}", style)[:2])
    pairs = [(text, back) for text in ("text", "muted", "link") for back in ("page", "soft")]
    pairs += [("text", back) for back in ("mark", "add", "drop", "some", "much", "sure")]
    pairs += [(text, "page") for text in ("high", "medium", "good")] + [("on", back) for back in ("critical", "high", "medium", "low", "info")]
    for scheme in (light, dark):
        for text, back in pairs:
            bright, dim = sorted((luminance(scheme[text]), luminance(scheme[back])), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, (text, back, scheme[text], scheme[back])


def test_what_was_not_assessed(make):
    text = "".join(Page(make.written("html", make.report(not_assessed=(NotAssessed("config", "x/.mcp.json", None, "not JSON", "correct it"),)))).text)
    assert "Not assessed" in text
    assert "x/.mcp.json" in text
    assert "correct it" in text


def test_no_secret_and_no_control_character(make, source):
    assert make.secret not in source
    assert [char for char in source if char != "\n" and not char.isprintable()] == []
    assert [line for line in source.split("\n") if line.strip().startswith("::") or "##[" in line] == []
