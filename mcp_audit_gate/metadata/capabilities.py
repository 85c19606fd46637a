"""What a server can do, as far as its launch tells: a launch in, capabilities with evidence out."""

from __future__ import annotations

from mcp_audit_gate.model import Capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Launch

CAPABILITIES = ("file_read", "file_write", "network", "shell_execution", "destructive", "exfiltration")
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "fish", "cmd", "powershell", "pwsh"))


def of_launch(launch: Launch) -> Iterator[Capability]:
    """Capabilities that follow from how a server is started or reached; the subject is the entry itself."""
    if launch.urls:
        yield Capability("", "network", "declared", "reached over the network")
    if launch.shell or launch.program in _SHELLS:
        yield Capability("", "shell_execution", "high", "started through a shell")
    elif launch.code:
        yield Capability("", "shell_execution", "medium", "program text in the arguments")
    writable = [option for option in launch.options if option.name in ("-v", "--volume", "--mount") and option.value and launch.runner == "docker run"]
    for option in writable:
        value = option.value or ""
        read_only = value.endswith(":ro") or ",readonly" in value or ",ro" in value
        yield Capability("", "file_read", "high", "a folder of the machine is mounted")
        if not read_only:
            yield Capability("", "file_write", "medium", "a folder of the machine is mounted, not read-only")
