"""What a person reads about servers that are started and pinned: one line each, secrets masked, untrusted text escaped."""

from __future__ import annotations

from mcp_audit_gate.metadata.credentials import mask, masked_name
from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_audit_gate.live.attach import Server
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Json, Observed, Pin, Surface


def command_line(item: Match) -> str:
    """The program with its arguments, folder and variables, or the address, as the lockfile would write it.

    All of it: what was cut off, nobody agreed to.
    """
    return line_of(item.launch, None)


def line_of(launch: Mapping[str, Json], limit: int | None = 300) -> str:
    """The same for a launch as it is written, cut off at `limit` characters."""
    args, env = launch.get("args"), launch.get("env")
    words = [str(launch.get("url") or launch.get("command") or ""), *(map(str, args) if isinstance(args, list) else ())]
    line = " ".join(_quoted(word) for word in words)
    folder = f" in {_quoted(str(launch['cwd']))}" if "cwd" in launch else ""
    given = [name if value is None else f"{name}={_quoted(str(value))}" for name, value in sorted(env.items())] if isinstance(env, dict) else []
    return visible(mask(f"{line}{folder}" + (f" (with {', '.join(given)})" if given else "")), limit)


def _quoted(word: str) -> str:
    return word if word and not set(word) & set(" \"'(),") else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def outcome(server: Server, seen: Observed, pin: Pin | None) -> Iterator[str]:
    """What became of one server: pinned with what, or why not."""
    name = visible(masked_name(server.item.entry.name), 80)
    if pin is not None:
        old = server.item.pin
        same = old and (old.digest, old.launch_digest, old.resolved) == (pin.digest, pin.launch_digest, pin.resolved)
        release = f", version {visible(pin.resolved, 80)}" if pin.resolved else ""
        yield f"{name}: {'unchanged' if same else 'pinned again' if old else 'pinned'}, {counts(pin.surface)}{release}"
    kept = "; its old pin stays" if server.item.pin else ""
    for gap in seen.gaps:
        yield f"{name}: not pinned: {gap.reason}{kept}" + (f"; {gap.hint}" if gap.hint else "")
    for note in seen.notes:
        yield f"{name}: {note.message}"


def counts(surface: Surface) -> str:
    """`14 tools, 2 prompts`: what there is of each kind."""
    kinds = (("tool", surface.tools), ("prompt", surface.prompts), ("resource", surface.resources), ("template", surface.resource_templates))
    told = [f"{len(items)} {kind}{'' if len(items) == 1 else 's'}" for kind, items in kinds if items]
    return ", ".join(told) or "nothing declared"
