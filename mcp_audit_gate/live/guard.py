"""A call whose faults must not end what stays running: its value, or the name of the fault."""

from __future__ import annotations

from mcp_audit_gate.errors import GateError
from mcp_audit_gate.metadata.credentials import mask, masked_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Value = TypeVar("Value")


def guarded(call: Callable[[], Value], through: tuple[type[Exception], ...] = ()) -> tuple[Value | None, str]:
    """The value and "", or None and one line for a person; exceptions of the kinds in `through` are raised.

    What a bug says of itself is left out: it may repeat a secret.
    """
    try:
        return call(), ""
    except through:
        raise
    except GateError as error:
        return None, mask(masked_name(str(error)))
    except Exception as error:  # noqa: BLE001 - one bad answer must not end the program
        return None, f"internal error: {type(error).__name__}; run mcp-audit scan -v here and report it"
