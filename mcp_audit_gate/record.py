"""A NamedTuple that does not cost the import of typing (0.6 of a bare interpreter start)."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Meta(type):
        def __new__(mcs, name, bases, body):
            if not bases:
                return super().__new__(mcs, name, bases, body)
            fields = list(body["__annotations__"])
            made = namedtuple(name, fields, defaults=[body[field] for field in fields if field in body], module=body["__module__"])
            for key, value in body.items():
                if key not in fields and key not in ("__annotations__", "__qualname__", "__slots__", "__classcell__"):
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Meta):
        """Fields with types and defaults, as in typing.NamedTuple."""
