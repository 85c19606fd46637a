"""A NamedTuple that costs neither the import of typing (0.6 of a bare interpreter start) nor the compiling of unused constructors."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from _collections import _tuplegetter

    class _Record(tuple):
        """What all records share: collections.namedtuple's methods."""

        __slots__ = ()
        _fields = ()

        @classmethod
        def _make(cls, values):
            return tuple.__new__(cls, values)

        def _replace(self, **changes):
            values = list(self)
            for field, value in changes.items():
                if field not in self._fields:
                    raise TypeError(f"{type(self).__name__} has no field {field}")
                values[self._fields.index(field)] = value
            return tuple.__new__(type(self), values)

        def _asdict(self):
            return dict(zip(self._fields, self))

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{field}={value!r}' for field, value in zip(self._fields, self))})"

    # Compiling a constructor takes as long as some dozen calls of the plain one, and most classes have few instances in a run.
    _FEW = 40

    def _constructor(fields, defaults):
        """`__new__` for the first calls; then it makes the fast one, puts it into its own place and calls it."""
        calls = 0

        def __new__(cls, *args, **kwargs):  # noqa: N807 - becomes the method of that name
            nonlocal calls
            calls += 1
            if calls <= _FEW:
                if len(args) == len(fields) and not kwargs:
                    return tuple.__new__(cls, args)
                values, named = [*args], 0
                for field in fields[len(args) :]:
                    if field in kwargs:
                        values.append(kwargs[field])
                        named += 1
                    elif field in defaults:
                        values.append(defaults[field])
                if len(values) == len(fields) and named == len(kwargs):
                    return tuple.__new__(cls, values)
            owner = next(base for base in cls.__mro__ if "_fields" in vars(base))
            signature = ", ".join(f"{field}=_{field}" if field in defaults else field for field in fields)
            scope = {f"_{field}": value for field, value in defaults.items()} | {"_make": tuple.__new__}
            made = eval(f"lambda _cls, {signature}: _make(_cls, ({''.join(f'{field}, ' for field in fields)}))", scope)  # noqa: S307
            owner.__new__ = staticmethod(made)
            return made(cls, *args, **kwargs)

        return __new__

    class _Meta(type):
        def __new__(mcs, name, bases, body):
            if not bases:
                return super().__new__(mcs, name, bases, body)
            fields = tuple(body["__annotations__"])
            defaults = {}
            for number, field in enumerate(fields):
                if field in body:
                    defaults[field] = body[field]
                body[field] = _tuplegetter(number, field)
            body["__slots__"] = ()
            body["_fields"] = body["__match_args__"] = fields
            body["_field_defaults"] = defaults
            body["__new__"] = _constructor(fields, defaults)
            return type(name, (_Record,), body)

    class NamedTuple(metaclass=_Meta):
        """Fields with types and defaults, as in typing.NamedTuple."""
