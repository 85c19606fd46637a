"""Fuzzes one target for some seconds: `python fuzz/run.py TARGET SECONDS`. What it finds lies in fuzz/.work/found."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)

from fuzz.target import Target, check_time  # noqa: E402 - the path is set above
from fuzz.targets import TARGETS  # noqa: E402

WORK = ROOT / "fuzz" / ".work"
TIMED = 64  # one input in so many is pumped up and timed
INSTRUMENTED = 8  # an instrumented line takes about so many times as long
MEASURES = {"executions": r"stat::number_of_executed_units: (\d+)", "coverage": r"cov: (\d+)", "features": r"ft: (\d+)"}


def main() -> int:
    """Runs one target in a process of its own, prints and logs what came of it; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="one of fuzz/targets/__init__.py; `all`, one after the other; or `table`, what all runs here came to")
    parser.add_argument("seconds", type=int, nargs="?", default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the random choices; 0: another one each time")
    parser.add_argument(
        "--runs", type=int, default=0, help="so many inputs, the same for the same seed, and none of them timed; 0: as many as there is time"
    )
    parser.add_argument("--inside", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside is not None:
        return _inside(options.target, options.inside)
    if options.target == "table":
        print("\n".join(_table()))
        return 0
    names = list(TARGETS) if options.target == "all" else [options.target]
    return max([_outside(name, options.seconds, options.seed, options.runs) for name in names])


def _outside(name: str, seconds: int, seed: int, runs: int) -> int:
    """Starts the fuzzer, waits for it, adds a line to the log."""
    corpus, found = WORK / "corpus" / name, WORK / "found" / name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    seeds = [str(folder) for folder in (ROOT / "fuzz" / "corpus" / name, ROOT / "fuzz" / "cases" / name) if folder.is_dir()]
    flags = [
        *([f"-runs={runs}", "-reload=0"] if runs else [f"-max_total_time={seconds}"]),
        f"-seed={seed}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        "-timeout=300",
        "-report_slow_units=300",
        "-rss_limit_mb=3000",
    ]
    command = [sys.executable, __file__, name, str(seconds), "--inside", str(corpus), *seeds, *flags]
    cpu = _cpu()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="backslashreplace", check=False)
    measured = {key: int(numbers[-1]) if (numbers := re.findall(pattern, done.stdout)) else 0 for key, pattern in MEASURES.items()}
    new = sorted(path.name for path in set(found.iterdir()) - before)
    line = {"target": name, "ended": int(time.time()), "cpu": round(_cpu() - cpu, 1), **measured, "found": new}
    with (WORK / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
    if done.returncode or new:
        print(_told(done.stdout))
    print(json.dumps(line))
    return 1 if done.returncode or new else 0


def _table() -> Iterator[str]:
    """The log as a table: for each target the seconds of CPU and the inputs of all its runs, the most coverage, the cases kept."""
    lines = [json.loads(line) for line in (WORK / "log.jsonl").read_text("utf-8").splitlines()]
    yield "| target | CPU, s | inputs | coverage | cases kept |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name in TARGETS:
        runs = [line for line in lines if line["target"] == name]
        cpu, inputs = sum(line["cpu"] for line in runs), sum(line["executions"] for line in runs)
        cases = len(list((ROOT / "fuzz" / "cases" / name).glob("*")))
        yield f"| {name} | {cpu:.0f} | {inputs} | {max((line['coverage'] for line in runs), default=0)} | {cases} |"
    yield f"| together | {sum(line['cpu'] for line in lines):.0f} | {sum(line['executions'] for line in lines)} | | |"


def _cpu() -> float:
    used = os.times()
    return used.children_user + used.children_system


def _told(output: str) -> str:
    """The traceback of what was found, else the end of the output."""
    start = output.find("=== Uncaught Python exception")
    return output[start : start + 4000] if start >= 0 else output[-3000:]


def _inside(name: str, flags: list[str]) -> int:
    """The fuzzer itself; it never returns."""
    import atheris

    finder = atheris.instrument_imports(include=["mcp_audit_gate"])
    finder.__enter__()  # for good: the product imports most of itself late
    target: Target = TARGETS[name]()
    words = WORK / f"{name}.dict"
    words.write_text("".join(f'"{_spelled(word)}"\n' for word in target.words), "utf-8")

    timed = not any(flag.startswith("-runs=") for flag in flags)

    def one(data: bytes) -> None:
        target.check(data)
        if timed and zlib.crc32(data) % TIMED == 0:
            check_time(target, data, INSTRUMENTED)

    dictionary = [f"-dict={words}"] if target.words else []
    atheris.Setup([sys.argv[0], *flags, *dictionary, f"-max_len={target.longest}"], one)
    atheris.Fuzz()
    return 0


def _spelled(word: str) -> str:
    """A word of the dictionary as libFuzzer reads it."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02X}" for byte in word.encode())


if __name__ == "__main__":
    sys.exit(main())
