"""A regular expression that is compiled when it is first used: a clean scan of a small repository uses few of them."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

    def lazy(text: str, flags: int = 0) -> Pattern[str]:
        """The pattern, with the methods of a compiled one."""
        return re.compile(text, flags)

else:

    class lazy:  # noqa: N801 - stands for the function above
        """Stands for a compiled pattern; its methods come into being with the first call."""

        def __init__(self, text, flags=0):
            self._source = (text, flags)

        def __getattr__(self, name):
            compiled = re.compile(*self._source)
            for method in ("search", "match", "fullmatch", "finditer", "findall", "sub", "split"):
                setattr(self, method, getattr(compiled, method))
            return getattr(compiled, name)
