"""Regular expressions that take exponential time: a pattern in, whether a repeated group repeats without bound itself, out. Nothing is run."""

from __future__ import annotations


def is_nested(pattern: str) -> bool:
    """True when a group that holds an unbounded repetition is repeated without bound (`(a+)+`, `(?:x*,?)*`)."""
    # For each open group whether something in it repeats without bound.
    open_groups: list[bool] = [False]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 2
            if _repeats(pattern, at):
                open_groups[-1] = True
            continue
        if char == "[":
            at = _end_of_class(pattern, at)
        elif char == "(":
            open_groups.append(False)
        elif char == ")" and len(open_groups) > 1:
            inner = open_groups.pop()
            if _repeats(pattern, at + 1):
                if inner:
                    return True
                open_groups[-1] = True
            open_groups[-1] = open_groups[-1] or inner
        at += 1
        if char not in "()|" and _repeats(pattern, at):
            open_groups[-1] = True
    return False


def _repeats(pattern: str, at: int) -> bool:
    """True when an unbounded quantifier stands at a place."""
    if pattern[at : at + 1] in ("+", "*"):
        return True
    end = pattern.find("}", at) if pattern[at : at + 1] == "{" else -1
    return end > 0 and pattern[end - 1] == ","


def _end_of_class(pattern: str, at: int) -> int:
    """Where the bracket that closes a class stands; the end when none does."""
    end = at + (2 if pattern[at + 1 : at + 2] in ("^", "]") else 1)
    while end < len(pattern) and pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end
