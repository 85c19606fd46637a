"""Runs `observe` in a process of its own: targets and options as JSON in, observations, seconds and megabytes as JSON out.

So that the tests see what the terminal would, and the memory of one run alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from mcp_audit_gate.live.connect import observe
from mcp_audit_gate.live.observation import Options, Target


def megabytes() -> float:
    """The most memory this process ever held. On Linux the kernel's `ru_maxrss` would count the process that forked this one, too."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            peak = next(line.split()[1] for line in file if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(peak) / 1024


given = json.load(sys.stdin)
targets = [Target(**{**one, "args": tuple(one.get("args", ())), "secrets": tuple(one.get("secrets", ()))}) for one in given["targets"]]
steps: list[tuple[int, str]] = []
began = time.monotonic()
seen = observe(targets, Options(**given["options"]), lambda number, step: steps.append((number, step)))
taken = time.monotonic() - began
shown = [
    {
        **one._asdict(),
        "surface": one.surface and one.surface._asdict(),
        "partial": one.partial and one.partial._asdict(),
        "other": one.other and one.other._asdict(),
        "failures": [failure._asdict() for failure in one.failures],
        "notes": [note._asdict() for note in one.notes],
    }
    for one in seen
]
json.dump({"seen": shown, "steps": steps, "seconds": taken, "megabytes": megabytes()}, sys.stdout)
