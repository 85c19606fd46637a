"""What a user can cause and put right: one exception each, with exit code and next step."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PASSED, BLOCKED, USAGE, EMPTY, INCOMPLETE, INTERNAL = 0, 1, 2, 3, 4, 5
PRECEDENCE = (INTERNAL, USAGE, INCOMPLETE, BLOCKED, EMPTY, PASSED)


class GateError(Exception):
    """Ends the run with one line: what is wrong, where, and what to do next."""

    exit_code = USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(GateError):
    """The command line asks for something that cannot be done."""


class PolicyError(GateError):
    """A policy or waiver is invalid, so nothing was judged."""


class LockError(GateError):
    """A lockfile is not one, so nothing was judged."""


class BaselineError(GateError):
    """A baseline is no report, so nothing was judged."""


class FixError(GateError):
    """A file could not be mended as it was shown; what was found is reported all the same."""

    exit_code = INCOMPLETE


class OutputError(GateError):
    """An output cannot be written."""

    exit_code = INCOMPLETE


class ReportError(GateError):
    """A report of a part is none, or does not belong to the others, so nothing was joined."""


class Unreadable(Exception):  # noqa: N818 - a state of a file, not a fault of the program
    """A file, or a part of one, that could not be understood; becomes a NotAssessed and a finding.

    `offset` is a place in the file's text, in characters, or None when there is no text to point into.
    """

    def __init__(self, reason: str, hint: str, offset: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.offset = offset


def worst(codes: set[int]) -> int:
    """The exit code that wins when several apply: 5, 2, 4, 1, 3, 0 in that order."""
    return next(code for code in PRECEDENCE if code in codes | {PASSED})


def suggestion(word: str, known: Sequence[str]) -> str:
    """` (did you mean "x"?)` for the known word that is nearest, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower().replace("_", "-"), known, 1)
    return f' (did you mean "{near[0]}"?)' if near else ""
