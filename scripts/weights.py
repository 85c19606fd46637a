"""Rebuilds mcp_audit_gate/data/weights.json from labelled rows: `python scripts/weights.py ROWS.jsonl… [--folds]`.

A row is an object with `kind name description inputSchema annotations server label source`; label is `poisoned` or `benign`, `synthetic`
rows are left out. Rows are read, never stored. Fitted is a logistic sum over the groups of signals, weights held near a prior and never
below nothing, so that no signal can speak for a text. A strong signal alone reaches medium; two fair ones or a fair and two weak ones
of different groups do; weak ones alone never: with sources left out, four of them found 2 poisoned texts of 176 and cried at 5 honest
ones of 1,379.
`--folds` leaves out one source at a time, trains on the rest and prints what that finds in the source left out.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mcp_audit_gate.metadata import grammar, judgement, signals  # noqa: E402
from mcp_audit_gate.metadata.declared import items  # noqa: E402
from mcp_audit_gate.metadata.texts import texts  # noqa: E402
from mcp_audit_gate.model import Surface  # noqa: E402

TARGET = ROOT / "mcp_audit_gate" / "data" / "weights.json"
START, HOLD, HIGH = -4.6, 0.3, 1.5
PRIOR = {judgement.STRONG: 5.2, judgement.FAIR: 2.5, judgement.WEAK: 1.2}
ABOUT = (
    "What each signal of signals.json adds to the score; of a group only the weightiest counts. start + sum: from 0.0 medium, "
    "from `high` high when two groups say so and one of them is strong. Made by scripts/weights.py."
)
WEAK_COUNTED = 3
ROUNDS, RATE = 400, 0.5

Row = dict[str, Any]
Sample = tuple[frozenset[str], bool, str]


def surface(rows: list[Row]) -> Surface:
    """The rows of one server as it would declare them."""
    lists: dict[str, list[Row]] = {"tool": [], "prompt": [], "resource": []}
    said = None
    for row in rows:
        if row["kind"] == "instructions":
            said = row["description"]
        else:
            more = {"annotations": row["annotations"]} if row.get("annotations") else {}
            lists[row["kind"]].append({"name": row["name"], "description": row["description"], "inputSchema": row.get("inputSchema") or {}, **more})
    return Surface(said, tuple(lists["tool"]), tuple(lists["prompt"]), tuple({**one, "uri": one["name"]} for one in lists["resource"]))


def samples(rows: list[Row]) -> list[Sample]:
    """For each row the names of its signals, whether it is poisoned, and its source."""
    servers = defaultdict(list)
    for row in rows:
        servers[row["server"]].append(row)
    found = []
    for some in servers.values():
        siblings = frozenset(row["name"].lower() for row in some if row["kind"] == "tool")
        for row in some:
            for item in items(surface([row])):
                names = frozenset(signal.name for signal in signals.of_item(item, texts(item).texts, signals.names_of(item, siblings, {})))
                found.append((names, row["label"] == "poisoned", row["source"]))
    return found


def counted(names: frozenset[str], weights: dict[str, float]) -> list[str]:
    """The weightiest signal of each group, of weak ones the three weightiest, as metadata/judgement.py counts."""
    best: dict[str, str] = {}
    for name in sorted(names):
        group = grammar.shipped().about[name]["group"]
        if group not in best or weights[name] > weights[best[group]]:
            best[group] = name
    about = grammar.shipped().about
    ranked = sorted(best.values(), key=lambda name: -weights[name])
    weak = [name for name in ranked if about[name]["strength"] == judgement.WEAK]
    return [name for name in ranked if name not in weak] + weak[:WEAK_COUNTED]


def fit(some: list[Sample]) -> tuple[float, dict[str, float]]:
    """Start and weights by gradient descent, towards the prior where the rows are silent."""
    about = grammar.shipped().about
    prior = {name: PRIOR[record["strength"]] for name, record in about.items()}
    weights, start = dict(prior), START
    for _ in range(ROUNDS):
        slope, slope_start = dict.fromkeys(prior, 0.0), 0.0
        for names, poisoned, _ in some:
            used = counted(names, weights)
            error = 1 / (1 + math.exp(-max(-30.0, min(30.0, start + sum(weights[name] for name in used))))) - poisoned
            slope_start += error
            for name in used:
                slope[name] += error
        for name in prior:
            weights[name] = min(6.0, max(0.0, weights[name] - RATE * (slope[name] / 30 + HOLD * (weights[name] - prior[name]))))
        start -= RATE * (slope_start / 300 + HOLD * (start - START))
    return round(start, 2), {name: round(value, 2) for name, value in weights.items()}


def level(names: frozenset[str], start: float, weights: dict[str, float]) -> int:
    """2 for high, 1 for medium, 0 for neither, as metadata/judgement.py has it."""
    used = counted(names, weights)
    score = start + sum(weights[name] for name in used)
    strong = any(grammar.shipped().about[name]["strength"] == judgement.STRONG for name in used)
    return 2 if score >= HIGH and strong and sum(weights[name] >= 0.3 for name in used) > 1 else int(score >= 0)


def folds(some: list[Sample]) -> None:
    """Prints what is found in each source when it was left out of the training."""
    for source in sorted({sample[2] for sample in some}):
        start, weights = fit([sample for sample in some if sample[2] != source])
        for poisoned in (True, False):
            levels = [level(names, start, weights) for names, is_poisoned, origin in some if origin == source and is_poisoned == poisoned]
            if levels:
                shares = [sum(one >= least for one in levels) / len(levels) for least in (1, 2)]
                print(f"{source:24} {'poisoned' if poisoned else 'benign':8} {len(levels):5} rows  medium {shares[0]:.4f}  high {shares[1]:.4f}")


def main() -> None:
    """Reads the rows, writes the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", type=Path)
    parser.add_argument("--folds", action="store_true", help="leave one source out at a time and print what is found in it; write nothing")
    options = parser.parse_args()
    rows = [json.loads(line) for path in options.rows for line in path.read_text("utf-8").splitlines() if line.strip()]
    some = samples([row for row in rows if not row.get("synthetic") and (row["label"] == "benign" or row.get("primary", True))])
    if options.folds:
        folds(some)
        return
    start, weights = fit(some)
    TARGET.write_text(json.dumps({"about": ABOUT, "start": start, "high": HIGH, "signals": dict(sorted(weights.items()))}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
