"""`scan --fix`: which options it goes together with, what is said, and whether something was written."""

from __future__ import annotations

from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.fix import show
from mcp_audit_gate.fix.save import save

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from mcp_audit_gate.fix.plan import Plan
    from mcp_audit_gate.report import Look


def check(chosen: Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    if not chosen.fix:
        raise UsageError("--yes does nothing without --fix", "add --fix")
    for option, given, why in (
        ("--staged", chosen.staged, "mends files, and --staged judges what git has in its index"),
        ("--trusted-ref", chosen.trusted_ref is not None, "goes by the lockfile of the working tree, and --trusted-ref by that of a revision"),
        ("--shard", chosen.shard is not None, "tries all edits together, and --shard tells a part of the findings"),
        ("--user", chosen.user, "mends the repository's files, and --user adds your own, which are never changed"),
    ):
        if given:
            raise UsageError(f"--fix {why}", f"leave {option} out of this run")


def run(plan: Plan, root: str, yes: bool, look: Look, to: Callable[[bytes], object]) -> bool:
    """Says what the plan does and, with yes, does it; True when files may have changed. Raises FixError."""

    def say(line: str) -> None:
        to(f"{line}\n".encode())

    for line in show.lines(plan, look.width, look.colour, look.verbosity < 0):
        say(line)
    if not plan.files:
        return False
    if not yes:
        say("nothing was written: add --yes to write it")
        return False
    save(plan, root)
    say("written; what follows is judged anew")
    return True
