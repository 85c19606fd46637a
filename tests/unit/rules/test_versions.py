from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.rules import versions

# Each list in ascending order; members of an inner list are equal.
PEP440 = [
    ["1.0.dev456", "1.0dev456", "1.0-DEV456"],
    ["1.0a1", "1.0.alpha.1", "v1.0-a1"],
    ["1.0a2.dev456"],
    ["1.0a12.dev456"],
    ["1.0a12"],
    ["1.0b1.dev456"],
    ["1.0b2", "1.0beta2"],
    ["1.0b2.post345.dev456"],
    ["1.0b2.post345", "1.0b2-345"],
    ["1.0rc1.dev456"],
    ["1.0rc1", "1.0c1", "1.0pre1", "1.0-preview_1"],
    ["1.0", "1", "1.0.0", "v1.0", "0!1"],
    ["1.0+abc.5"],
    ["1.0+abc.7"],
    ["1.0+5", "1.0+05"],
    ["1.0.post456.dev34"],
    ["1.0.post456", "1.0-456", "1.0.rev456"],
    ["1.0.15"],
    ["1.1.dev1"],
    ["1.1"],
    ["2.0.0b14"],
    ["2.0.0b17"],
    ["2026.1"],
    ["1!0.1"],
]
SEMVER = [
    ["0.0.0"],
    ["0.9.27"],
    ["1.0.0-0"],
    ["1.0.0-9"],
    ["1.0.0-alpha"],
    ["1.0.0-alpha.1"],
    ["1.0.0-alpha.beta"],
    ["1.0.0-beta"],
    ["1.0.0-beta.2"],
    ["1.0.0-beta.11"],
    ["1.0.0-rc.1"],
    ["1.0.0", "v1.0.0", "1.0.0+build.5", "1.0", "1"],
    ["1.0.1"],
    ["1.2.0"],
    ["1.10.0"],
    ["2.0.0-beta.1"],
    ["2025.7.1"],
    ["2025.11.25"],
]
RUBY = [
    ["0.9"],
    ["1.0.a.2"],
    ["1.0.b1"],
    ["1.0.pre", "1.0.0.pre", "1.pre"],
    ["1.0.rc1"],
    ["1.0", "1", "1.0.0"],
    ["1.0.1"],
    ["1.2.b1"],
    ["1.2"],
    ["1.2.0.1"],
    ["1.10"],
]
LISTS = {"PyPI": PEP440, "npm": SEMVER, "Go": SEMVER, "crates.io": SEMVER, "RubyGems": RUBY}


@pytest.mark.parametrize("ecosystem", LISTS)
def test_the_published_order_of_an_ecosystem(ecosystem):
    ordered = LISTS[ecosystem]
    for group in ordered:
        assert {versions.key(ecosystem, text) for text in group} == {versions.key(ecosystem, group[0])}
    for lower, higher in itertools.combinations([versions.key(ecosystem, group[0]) for group in ordered], 2):
        assert lower < higher


@pytest.mark.parametrize(
    ("ecosystem", "text"),
    [
        ("npm", ""),
        ("npm", "latest"),
        ("npm", "1.x"),
        ("npm", "^1.0.0"),
        ("npm", "1.0.0-"),
        ("npm", "1.0.0-ä"),
        ("npm", "1.0.0.0"),
        ("npm", "١.0.0"),
        ("npm", "1." + "0" * 200 + ".0"),
        ("PyPI", "1.0.*"),
        ("PyPI", "latest"),
        ("PyPI", "1.0-"),
        ("Docker", "1.2"),
        ("Docker", "7"),
        ("Docker", "latest"),
        ("Docker", "1.2.3-alpine"),
        ("Docker", "v1.2.3.4"),
        ("RubyGems", "a.1"),
        ("nuget", "1.0.0"),
        ("app", "1.0.0"),
    ],
)
def test_what_is_no_version_has_no_key(ecosystem, text):
    assert versions.key(ecosystem, text) is None
    assert versions.within(ecosystem, text, "<999") is None
    assert versions.within(ecosystem, text, "*") is True


def test_a_docker_tag_counts_only_as_a_full_version():
    assert versions.key("Docker", "1.2.3") == versions.key("Docker", "v1.2.3")


_NUMBER = st.integers(0, 30).map(str)
_PYTHON = st.builds(
    lambda epoch, release, pre, post, dev, local: f"{epoch}{'.'.join(release)}{pre}{post}{dev}{local}",
    st.sampled_from(["", "1!"]),
    st.lists(_NUMBER, min_size=1, max_size=4),
    st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from(["a", "b", "rc", ".alpha", "-c"]), _NUMBER)),
    st.one_of(st.just(""), _NUMBER.map(".post{}".format), _NUMBER.map("-{}".format)),
    st.one_of(st.just(""), _NUMBER.map(".dev{}".format)),
    st.sampled_from(["", "+a", "+1", "+a.1", "+1.a"]),
)
_IDENTIFIER = st.one_of(_NUMBER, st.sampled_from(["alpha", "beta", "rc", "0a", "-"]))
_SEMANTIC = st.builds(
    lambda core, pre, build: ".".join(core) + (f"-{'.'.join(pre)}" if pre else "") + build,
    st.lists(_NUMBER, min_size=3, max_size=3),
    st.lists(_IDENTIFIER, max_size=3),
    st.sampled_from(["", "+b.1"]),
)
_RUBY = st.builds(
    "{}{}".format, _NUMBER, st.lists(st.one_of(_NUMBER, st.sampled_from(["a", "pre", "rc1"])).map(".{}".format), max_size=4).map("".join)
)
_ANY = {"PyPI": _PYTHON, "npm": _SEMANTIC, "RubyGems": _RUBY}


@pytest.mark.parametrize("ecosystem", _ANY)
def test_every_version_has_a_key_and_keys_are_totally_ordered(ecosystem):
    @given(st.lists(_ANY[ecosystem], min_size=3, max_size=3))
    def check(texts):
        one, two, three = sorted(versions.key(ecosystem, text) for text in texts)
        assert one <= two <= three
        assert one <= three
        assert (one < two) + (one == two) + (one > two) == 1

    check()


def _gem_order(one, other):
    """Gem::Version#<=> as its documentation tells it, step by step: a second way to the same order."""

    def segments(text):
        import re

        parts = [int(part) if part.isdigit() else part for part in re.findall(r"[0-9]+|[a-z]+", text)]
        first = next((at for at, part in enumerate(parts) if isinstance(part, str)), len(parts))
        halves = [parts[:first], parts[first:]]
        for half in halves:
            while half and half[-1] == 0:
                half.pop()
        return halves[0] + halves[1]

    for left, right in itertools.zip_longest(segments(one), segments(other), fillvalue=0):
        if left == right:
            continue
        if isinstance(left, str) != isinstance(right, str):
            return -1 if isinstance(left, str) else 1
        return -1 if left < right else 1
    return 0


@given(_RUBY, _RUBY)
def test_ruby_keys_agree_with_a_comparison_segment_by_segment(one, other):
    left, right = versions.key("RubyGems", one), versions.key("RubyGems", other)
    assert (left > right) - (left < right) == _gem_order(one, other)


def test_python_keys_agree_with_packaging():
    packaging = pytest.importorskip("packaging.version")

    @given(_PYTHON, _PYTHON)
    def check(one, other):
        left, right = versions.key("PyPI", one), versions.key("PyPI", other)
        a, b = packaging.Version(one), packaging.Version(other)
        assert (left > right) - (left < right) == (a > b) - (a < b)

    check()


@pytest.mark.parametrize(
    ("version", "spec", "inside"),
    [
        ("1.0.0", "<1.0.1", True),
        ("1.0.1", "<1.0.1", False),
        ("1.0.1", "<=1.0.1", True),
        ("1.0.1", ">1.0.1", False),
        ("1.0.2", ">1.0.1", True),
        ("1.0.1", "==1.0.1", True),
        ("1.0.1+build", "==1.0.1", True),
        ("1.0.2", "==1.0.1", False),
        ("2.0.0-beta.3", ">=2.0.0-beta.1,<2.0.0-beta.17", True),
        ("2.0.0-beta.17", ">=2.0.0-beta.1,<2.0.0-beta.17", False),
        ("0.2.115", ">=0.2.116,<1.0.24", False),
    ],
)
def test_ranges(version, spec, inside):
    assert versions.within("npm", version, spec) is inside


@pytest.mark.parametrize("spec", ["", "1.0", "=>1", "<2,", "^1.0", "<1.x"])
def test_a_range_that_is_none_is_refused(spec):
    with pytest.raises(ValueError, match="no bound"):
        versions.within("npm", "1.0.0", spec)


@pytest.mark.parametrize("ecosystem", [*LISTS, "Docker"])
@pytest.mark.parametrize("piece", ["1.", "1", "-a", "a", "1.0-", "+1", ".dev", "_"])
def test_hostile_versions_take_no_time(ecosystem, piece):
    start = time.process_time()
    versions.key(ecosystem, piece * 50_000)
    versions.key(ecosystem, (piece * 128)[:128])
    assert time.process_time() - start < 0.05
