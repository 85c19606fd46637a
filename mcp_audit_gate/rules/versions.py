"""Order of versions: text in, a key that sorts as the ecosystem does, or None for what is no version there."""

from __future__ import annotations

import functools
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Key = tuple[object, ...]

# Longer texts are no versions; the bound also keeps int() below Python's limit of digits.
LONGEST = 128
_SEGMENTS = 32


def key(ecosystem: str, version: str) -> Key | None:
    """What versions of an ecosystem are compared by; None when the text is no version there, so that nothing can be said.

    ecosystem as in the advisories: npm, PyPI, Docker, Go, RubyGems, crates.io.
    """
    reader = _READERS.get(ecosystem)
    return None if reader is None or len(version) > LONGEST else reader(version.strip())


def within(ecosystem: str, version: str, spec: str) -> bool | None:
    """Whether a version lies in a range of the advisories: `*`, `==1.2.3`, or `>=1.0,<1.2`; None when it is no version."""
    if spec == "*":
        return True
    mine = key(ecosystem, version)
    if mine is None:
        return None
    return all(_holds(ecosystem, mine, bound.strip()) for bound in spec.split(","))


def _holds(ecosystem: str, mine: Key, bound: str) -> bool:
    sign, text = split_bound(bound)
    other = key(ecosystem, text)
    if other is None:
        raise ValueError(f"{bound} is no bound of a range")
    # Both keys come from one reader, so their parts compare.
    return {"==": mine == other, ">=": mine >= other, ">": mine > other, "<=": mine <= other, "<": mine < other}[sign]


def split_bound(bound: str) -> tuple[str, str]:
    """Sign and version of a bound such as `<1.2`."""
    found = _bound().fullmatch(bound)
    if found is None:
        raise ValueError(f"{bound} is no bound of a range")
    return found[1], found[2]


def is_early(ecosystem: str, version: str) -> bool:
    """True for a version that its ecosystem calls a pre-release."""
    found = key(ecosystem, version)
    if found is None or ecosystem == "RubyGems":
        return False
    return found[2] != (1, 0, 0) or found[4] != (1, 0) if ecosystem == "PyPI" else found[3] != (1,)


@functools.cache
def _bound() -> re.Pattern[str]:
    return re.compile(r"(==|>=|<=|>|<)([^<>=,*\s]+)")


@functools.cache
def _semver() -> re.Pattern[str]:
    part = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
    return re.compile(rf"[=v]?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-({part}))?(?:\+({part}))?")


def _semantic(version: str) -> Key | None:
    """Semantic Versioning 2.0.0, section 11; missing numbers are 0, as in the bounds of advisories; build metadata counts for nothing."""
    found = _semver().fullmatch(version)
    if found is None:
        return None
    numbers = tuple(int(found[part] or 0) for part in (1, 2, 3))
    return (*numbers, (1,)) if found[4] is None else (*numbers, (0, tuple(_identifier(part) for part in found[4].split("."))))


def _identifier(text: str) -> tuple[int, int, str]:
    """Numbers below words, numbers by value, words by their characters."""
    return (0, int(text), "") if text.isdigit() else (1, 0, text)


def _docker(version: str) -> Key | None:
    """A tag that is a full version; `7`, `1.2` and names say too little."""
    return _semantic(version) if re.fullmatch(r"v?[0-9]+\.[0-9]+\.[0-9]+", version) else None


@functools.cache
def _pep440() -> re.Pattern[str]:
    """The pattern of PEP 440, appendix B, read 2026-11-22."""
    return re.compile(
        r"v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:[-_.]?(alpha|beta|preview|pre|rc|a|b|c)[-_.]?([0-9]*))?"
        r"(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]*))?(?:[-_.]?(dev)[-_.]?([0-9]*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
        re.IGNORECASE | re.ASCII,
    )


_PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}


def _python(version: str) -> Key | None:
    """PEP 440: epoch, release without trailing zeros, then dev < a < b < rc < the release < post; local versions last."""
    found = _pep440().fullmatch(version)
    if found is None:
        return None
    release = [int(part) for part in found[2].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    after = found[5] if found[5] is not None else found[7] if found[6] else None
    # The parts of PEP 440's order, each as a tuple whose first number says where an absent part stands.
    post = (0, 0) if after is None else (1, int(after or 0))
    dev = (1, 0) if found[8] is None else (0, int(found[9] or 0))
    pre = (1, 0, 0) if found[3] is None else (0, _PRE[found[3].lower()], int(found[4] or 0))
    if found[3] is None and after is None and found[8] is not None:
        pre = (-1, 0, 0)
    local = tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"[-_.]", (found[10] or "").lower()) if part)
    return (int(found[1] or 0), tuple(release), pre, post, dev, local)


def _ruby(version: str) -> Key | None:
    """RubyGems (Gem::Version): runs of digits and letters; letters below numbers; zeros at the end of either half count for nothing."""
    if not re.fullmatch(r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?", version):
        return None
    parts = re.findall(r"[0-9]+|[a-z]+", version.replace("-", ".pre."), re.IGNORECASE)
    if len(parts) > _SEGMENTS:
        return None
    first = next((at for at, part in enumerate(parts) if not part.isdigit()), len(parts))
    kept = [*_without_zeros(parts[:first]), *_without_zeros(parts[first:])]
    # A version that ends is compared as if zeros went on.
    padded = [*kept, *["0"] * (_SEGMENTS - len(kept))]
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in padded)


def _without_zeros(parts: list[str]) -> list[str]:
    end = len(parts)
    while end and parts[end - 1].isdigit() and int(parts[end - 1]) == 0:
        end -= 1
    return parts[:end]


_READERS: dict[str, Callable[[str], Key | None]] = {
    "npm": _semantic,
    "crates.io": _semantic,
    "Go": _semantic,
    "Docker": _docker,
    "PyPI": _python,
    "RubyGems": _ruby,
}
