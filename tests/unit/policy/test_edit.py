"""policy.edit: a waiver goes in, and every other character of the file stays where it was."""

from __future__ import annotations

import difflib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.errors import PolicyError, UsageError
from mcp_audit_gate.model import Finding, Location
from mcp_audit_gate.policy import edit, syntax
from mcp_audit_gate.policy.policy import FIXED
from mcp_audit_gate.policy.scalars import scalar

from .conftest import TODAY

PRINT = "0123456789abcdef" * 2
ITEM = {"rule": "plain-http", "fingerprint": PRINT, "path": ".mcp.json", "server": "staging", "reason": "moves soon", "expires": "2027-01-31"}
LINES = f'rule: plain-http\n    fingerprint: "{PRINT}"\n    path: .mcp.json\n    server: staging\n    reason: moves soon\n    expires: 2027-01-31\n'
BLOCK = f"  - {LINES}"
FLOW = f'{{rule: plain-http, fingerprint: "{PRINT}", path: ".mcp.json", server: staging, reason: "moves soon", expires: 2027-01-31}}'
OLD = "  - rule: url-package\n    server: x\n    reason: r\n    expires: 2027-01-31\n"

# What the file says before and after.
FILES = {
    "the file that is made when there is none": (edit.NEW.decode(), f"version: 1\nextends: default\nwaivers:\n{BLOCK}"),
    "no list yet": ("version: 1  # v\n\n# end\n", f"version: 1  # v\n\n# end\nwaivers:\n{BLOCK}"),
    "no line end": ("version: 1", f"version: 1\nwaivers:\n{BLOCK}"),
    "an end of the document": ("---\nversion: 1\n... # done\n", f"---\nversion: 1\nwaivers:\n{BLOCK}... # done\n"),
    "indented": ("  version: 1\n", "  version: 1\n  waivers:\n" + "".join(f"  {line}\n" for line in BLOCK.splitlines())),
    "an empty list": ("version: 1\nwaivers: [ ] # none\nfail-on: low\n", f"version: 1\nwaivers: # none\n{BLOCK}fail-on: low\n"),
    "an empty list at the end": ("version: 1\nwaivers: []", f"version: 1\nwaivers:\n{BLOCK}"),
    "a list": (f"version: 1\nwaivers: # w\n{OLD}fail-on: low\n", f"version: 1\nwaivers: # w\n{OLD}{BLOCK}fail-on: low\n"),
    "a list with comments": (
        f"version: 1\nwaivers:\n  # first\n{OLD.rstrip()}  # until then\n    # about it\n  # about the rest\n\nfail-on: low\n",
        f"version: 1\nwaivers:\n  # first\n{OLD.rstrip()}  # until then\n    # about it\n{BLOCK}  # about the rest\n\nfail-on: low\n",
    ),
    "a list without indentation": (
        "version: 1\nwaivers:\n-   rule: url-package\n    server: x\n    reason: 'r'\n    expires: \"2027-01-31\"\nfail-on: low\n",
        "version: 1\nwaivers:\n-   rule: url-package\n    server: x\n    reason: 'r'\n    expires: \"2027-01-31\"\n-   " + LINES + "fail-on: low\n",
    ),
    "a list whose last item ends in a block of text": (
        "version: 1\nwaivers:\n  - rule: url-package\n    server: x\n    expires: 2027-01-31\n    reason: |\n      one\n      two\n\nfail-on: low\n",
        "version: 1\nwaivers:\n  - rule: url-package\n    server: x\n    expires: 2027-01-31\n    reason: |\n      one\n      two\n"
        + BLOCK
        + "\nfail-on: low\n",
    ),
    "a list of brackets": (
        "version: 1\nwaivers:\n  - {rule: url-package, server: x, reason: r, expires: 2027-01-31}\n",
        "version: 1\nwaivers:\n  - {rule: url-package, server: x, reason: r, expires: 2027-01-31}\n" + BLOCK,
    ),
    "a list in brackets": (
        "version: 1\nwaivers: [{rule: url-package, server: x, reason: r, expires: 2027-01-31}, ] # w\n",
        "version: 1\nwaivers: [{rule: url-package, server: x, reason: r, expires: 2027-01-31}, " + FLOW + ", ] # w\n",
    ),
    "all in brackets": ("{version: 1} # p\n", f"{{version: 1, waivers: [{FLOW}]}} # p\n"),
    "all in brackets, the list empty": ("{version: 1, waivers: [],}\n", f"{{version: 1, waivers: [{FLOW}],}}\n"),
}


@pytest.mark.parametrize(("before", "after"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
def test_the_waiver_is_all_that_changes(before, after, end, mark):
    end = end if "\n" in before else "\n"  # without a line there is no line end to keep
    before, after = (mark + text.replace("\n", end).encode() for text in (before, after))
    assert edit.add("mcp-audit.yaml", before, ITEM, TODAY) == after


@pytest.mark.parametrize("before", [before for before, _ in FILES.values()], ids=FILES)
def test_two_waivers_one_after_the_other(before):
    other = {**ITEM, "rule": "legacy-sse", "owner": "team: a"}
    data = edit.add("p", edit.add("p", before.encode(), ITEM, TODAY), other, TODAY)
    assert syntax.read("p", data).value["waivers"][-2:] == [ITEM, other]


def test_the_presets_can_be_copied_and_waived_in():
    from mcp_audit_gate.policy.load import PRESETS, preset_text

    for name in PRESETS:
        text = preset_text(name)
        data = edit.add("p", text, ITEM, TODAY)
        assert data.startswith(text)
        assert syntax.read("p", data).value["waivers"] == [ITEM]


TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(reason=TEXT, server=TEXT, before=st.sampled_from([before for before, _ in FILES.values()]))
def test_any_reason_survives(reason, server, before):
    item = {**ITEM, "reason": reason, "owner": server}
    if not reason.strip() or not server.strip():
        with pytest.raises(UsageError, match="is empty"):
            edit.add("p", before.encode(), item, TODAY)
        return
    data = edit.add("p", before.encode(), item, TODAY)
    document = syntax.read("p", data)
    assert document.value["waivers"][-1] == item
    added = [line[2:] for line in difflib.ndiff(before.splitlines(), document.text.splitlines()) if line.startswith("- ")]
    assert len(added) <= 1  # at most the line that a bracket stands on


@given(TEXT, st.booleans())
def test_scalars_mean_the_same_to_readers_of_both_versions_of_yaml(text, flow):
    written = f"- [{scalar(text, True)}]" if flow else f"- {scalar(text)}  # x"
    (value,) = syntax.read("p", written.encode()).value
    assert (value[0] if flow else value) == text
    (other,) = yaml.safe_load(written)
    assert (other[0] if flow else other) == text


TAKEN = (
    *("on", "No", "NULL", "~", "1", "1.5", ".5", ".inf", ".NaN", "1e3", "0x1f", "1_000", "2027-01-31", "12:30", "<<", "=", "-", "?", "#x", "a #b"),
    *("a: b", "&a", "*a", "!a", "%a", "@a", "`a", " a", "a ", "", "a\tb", "a\\b", "'a", '"a', "[", "a, b"),
)


@pytest.mark.parametrize("text", TAKEN)
def test_scalars_that_look_like_something_else(text):
    assert yaml.safe_load(f"- {scalar(text)}") == [text]
    assert yaml.safe_load(f"[{scalar(text, True)}]") == [text]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expires": "31.01.2027"}, "no date"),
        ({"expires": "2028-01-31"}, "more than 365 days ahead"),
        ({"expires": "2026-11-30"}, "its last day, 2026-11-30, has passed already"),
        ({"reason": " "}, "`reason` is empty"),
        ({"rule": "waiver-unused"}, "cannot be waived"),
    ],
)
def test_a_waiver_that_is_not_valid_is_not_written(change, message):
    with pytest.raises(UsageError, match=f"the waiver is not valid: .*{message}"):
        edit.add("p", edit.NEW, {**ITEM, **change}, TODAY)


def test_a_file_that_is_not_valid_is_not_touched():
    with pytest.raises(PolicyError, match="p:2:1: unknown key"):
        edit.add("p", b"version: 1\nfail_on: low\n", ITEM, TODAY)


def test_a_file_that_cannot_take_it_is_left_alone():
    kept = b"version: 1\nwaivers:\n  - rule: url-package\n    server: x\n    expires: 2027-01-31\n    reason: |+\n      one\n\n\nfail-on: low\n"
    with pytest.raises(PolicyError, match=r"without changing something else; add it by hand: {rule: plain-http"):
        edit.add("p", kept, ITEM, TODAY)


# ------------------------------------------------------------------------------------------------------------------ choose


def finding(fingerprint=PRINT, **more):
    return Finding(**{**dict(zip(Finding._fields, ("plain-http", "high", "", "docs", "/url", Location(".mcp.json"), (), fingerprint, ""))), **more})


def test_the_finding_by_its_fingerprint_or_enough_of_it():
    found = (finding(), finding("0123456799999999" * 2), finding("f" * 32))
    assert edit.choose(found, PRINT) is found[0]
    assert edit.choose(found, "FFFFFFFF") is found[2]
    for wanted, message in (("01234567", "2 findings with"), ("fffffff", "too short for"), ("a" * 32, "no finding with"), ("", "is too short for")):
        with pytest.raises(UsageError, match=message):
            edit.choose(found, wanted)


@pytest.mark.parametrize("rule", sorted(FIXED))
def test_what_cannot_be_waived_is_refused_with_the_reason(rule):
    with pytest.raises(UsageError, match=f"{rule} cannot be waived; "):
        edit.choose((finding(rule=rule),), PRINT)


def test_what_is_waived_already_is_refused_with_the_place():
    waiver = {"expires": "2027-01-31", "path": "mcp-audit.yaml", "line": 4}
    with pytest.raises(UsageError, match=r"waived already, until 2027-01-31; see mcp-audit.yaml:4"):
        edit.choose((finding(status="waived", waiver=waiver),), PRINT)


@pytest.mark.parametrize(
    ("server", "path", "kept"),
    [
        ("docs", ".mcp.json", {"path": ".mcp.json", "server": "docs"}),
        (None, ".mcp.json", {"path": ".mcp.json"}),
        ("", ".mcp.json", {"path": ".mcp.json"}),
        ("a*", "x\n/.mcp.json", {}),
    ],
)
def test_what_a_waiver_says_besides_the_fingerprint(server, path, kept):
    made = edit.waiver(finding(server=server, location=Location(path)), "r", "2027-01-31", None)
    assert made == {"rule": "plain-http", "fingerprint": PRINT, **kept, "reason": "r", "expires": "2027-01-31"}
    assert edit.add("p", edit.NEW, made, TODAY)
