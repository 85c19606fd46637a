from __future__ import annotations

import collections
import pickle

import pytest

from mcp_audit_gate.record import NamedTuple


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 2
    z: tuple = ()

    @property
    def sum(self) -> int:
        return self.x + self.y


Like = collections.namedtuple("Like", "x y z", defaults=(2, ()))


def test_it_is_what_the_standard_library_makes() -> None:
    for args, kwargs in (((1,), {}), ((1, 5), {}), ((1,), {"z": (3,)}), ((), {"x": 4, "y": 5})):
        ours, theirs = Point(*args, **kwargs), Like(*args, **kwargs)
        assert tuple(ours) == tuple(theirs)
        assert (ours.x, ours.y, ours.z) == (theirs.x, theirs.y, theirs.z)
        assert repr(ours).removeprefix("Point") == repr(theirs).removeprefix("Like")
        assert ours._replace(y=9) == theirs._replace(y=9)
        assert ours._asdict() == theirs._asdict()
        assert hash(ours) == hash(theirs)
    assert Point(1).sum == 3
    assert Point._fields == Like._fields
    assert Point._make([1, 2, ()]) == tuple(Like._make([1, 2, ()]))
    assert type(Point._make([1, 2, ()])) is Point
    assert Point.__doc__ == "A place."
    assert pickle.loads(pickle.dumps(Point(1))) == Point(1)
    assert isinstance(Point(1), tuple)


def test_the_first_calls_and_the_many_after_them_are_alike() -> None:
    class Pair(NamedTuple):
        left: int
        right: int = 2

    for _ in range(100):
        assert [Pair(1), Pair(1, 3), Pair(left=4), Pair(right=5, left=6), Pair(1, right=7)] == [(1, 2), (1, 3), (4, 2), (6, 5), (1, 7)]
        assert type(Pair(1)) is Pair


WRONG = [
    lambda make: make(),
    lambda make: make(1, 2, (), 4),
    lambda make: make(1, q=1),
    lambda make: make(1, 2, x=1),
    lambda make: make(y=1, z=2),
    lambda make: make(1)._replace(q=1),
]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("before", [0, 100])
def test_wrong_fields_are_refused_by_new_and_old_classes(wrong, before) -> None:
    class Fresh(NamedTuple):
        x: int
        y: int = 2
        z: tuple = ()

    for _ in range(before):
        Fresh(1)
    with pytest.raises(TypeError):
        wrong(Fresh)


@pytest.mark.parametrize("make", [lambda: Point(), lambda: Point(1, 2, (), 4), lambda: Point(1, q=1), lambda: Point(1)._replace(q=1)])
def test_wrong_fields_are_refused(make) -> None:
    with pytest.raises(TypeError):
        make()


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Point(1).x = 2
    with pytest.raises(AttributeError):
        Point(1).other = 2


def test_match_takes_it_apart() -> None:
    match Point(1):
        case Point(x, y):
            assert (x, y) == (1, 2)
