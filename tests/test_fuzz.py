"""The fuzz targets on their seeds and on everything fuzzing ever found, and on seeds that hypothesis mixes; no fuzzer is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]
if not (ROOT / "fuzz" / "run.py").is_file():
    pytest.skip("the fuzz targets are in the repository only", allow_module_level=True)

from fuzz.target import check_time  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402

EXAMPLES = 40
BUSY = 10  # this machine may have other things to do


def inputs(name: str) -> list[Path]:
    return sorted(path for kind in ("corpus", "cases") for path in (ROOT / "fuzz" / kind / name).glob("*") if path.is_file())


ALL = [pytest.param(name, path, id=f"{name}-{path.parents[1].name}-{path.name}") for name in TARGETS for path in inputs(name)]


@pytest.mark.parametrize(("name", "path"), ALL)
def test_a_seed_or_found_case(name: str, path: Path) -> None:
    target = TARGETS[name]()
    target.check(path.read_bytes())
    check_time(target, path.read_bytes(), BUSY)


@st.composite
def mixed(draw: st.DrawFn, seeds: list[bytes], words: list[bytes]) -> bytes:
    """A seed with pieces of the seeds and words of the syntax in some places."""
    data = draw(st.sampled_from(seeds))
    pieces = st.one_of(st.sampled_from(words), st.binary(max_size=4)) if words else st.binary(max_size=4)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 6)))
        other = draw(st.sampled_from(seeds))
        cut = draw(st.integers(0, len(other)))
        piece = draw(st.one_of(pieces, st.just(other[cut : cut + 12])))
        data = data[:start] + piece + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_as_hypothesis_mixes_them(name: str) -> None:
    target = TARGETS[name]()
    seeds = [path.read_bytes() for path in inputs(name)]

    @given(mixed(seeds, [word.encode() for word in target.words]))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def holds(data: bytes) -> None:
        target.check(data)

    holds()
