"""Measures the gate against `python -c pass`, side by side in one run, and prints a table. POSIX; needs nothing but the gate.

    python benchmarks/run.py [--small N] [--large N]

Each row's programs take turns, so that a busy machine is busy for all of them; medians are compared. CPU is that of the process,
from the kernel's accounting. Times in seconds depend on the machine, the ratios hardly do.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mcp_audit_gate.lock import lockfile  # noqa: E402 - of this checkout
from mcp_audit_gate.model import Surface  # noqa: E402

if TYPE_CHECKING:
    from mcp_audit_gate.model import Json

SCAN = ("scan", "--skip-connect")


class Run(NamedTuple):
    """One run of a program: CPU and wall time in seconds, peak memory in MiB, exit status."""

    cpu: float
    wall: float
    memory: float
    status: int


class Result(NamedTuple):
    """A row of the table; must and aim are upper limits."""

    work: str
    value: float
    unit: str
    must: float
    aim: float | None


def once(argv: list[str], cwd: Path) -> Run:
    """Starts a program, its output thrown away, and waits for it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
    null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    before = os.getcwd()
    os.chdir(cwd)
    start = time.perf_counter()
    try:
        child = os.posix_spawn(argv[0], argv, environment, file_actions=null)
        _, status, usage = os.wait4(child, 0)
    finally:
        os.chdir(before)
    memory = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return Run(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, memory, os.waitstatus_to_exitcode(status))


def turns(programs: dict[str, tuple[list[str], Path]], rounds: int, expected: dict[str, int]) -> dict[str, Run]:
    """The medians of programs that take turns; a first turn is thrown away. Exits when one ends with another status than expected."""
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, (argv, cwd) in programs.items():
            run = once(argv, cwd)
            if run.status != expected.get(name, 0):
                raise SystemExit(f"{name}: exit status {run.status}, expected {expected.get(name, 0)}: {' '.join(argv)}")
            if number:
                runs[name].append(run)
    return {name: Run(*map(statistics.median, zip(*done))) for name, done in runs.items()}


def gate(*arguments: str) -> list[str]:
    """The command of this checkout: the installed script where there is one, which is what users start."""
    script = Path(sys.executable).with_name("mcp-audit")
    if script.exists():
        return [str(script), *arguments]
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from mcp_audit_gate.cli import process; process()"
    return [sys.executable, "-c", start, *arguments]


BARE = [sys.executable, "-c", "pass"]


def servers(names: list[str]) -> dict[str, object]:
    return {"mcpServers": {name: {"command": "npx", "args": ["-y", f"@acme/{name}@1.4.2"]} for name in names}}


def many(root: Path, configs: int, entries: int, files: int) -> Path:
    """A tree of `files` files with `configs` configs of `entries` servers, in folders like those of a large repository."""
    for number in range(configs):
        folder = root / f"team{number % 20}" / f"service{number}"
        (folder / "src").mkdir(parents=True)
        (folder / ".mcp.json").write_text(json.dumps(servers([f"s{number}-{entry}" for entry in range(entries)]), indent=2))
        for file in range(files // configs - 1):
            (folder / "src" / f"module{file}.py").write_text(f"VALUE = {file}\n")
    return root


THINGS = ("album", "bucket", "course", "device", "event", "forum", "guide", "house", "index", "journal", "kernel")
DOES = ("archive", "count", "list", "rename", "show", "sort", "tag")


def tool(number: int, sentences: int) -> dict[str, Json]:
    """An honest tool: some sentences, three parameters."""
    thing, does = THINGS[number % len(THINGS)], DOES[number % len(DOES)]
    said = [f"{does.capitalize()}s the {thing} of the given name and answers with its row.", "Rows come in the order of their names, twenty a page."]
    said += [f"Column {at} of an {thing} is its {THINGS[(number * at) % len(THINGS)]}, as of the evening before." for at in range(2, sentences)]
    parameters: dict[str, Json] = {
        "name": {"type": "string", "description": f"What the {thing} is called"},
        "page": {"type": "integer", "minimum": 1, "maximum": 900},
        "day": {"type": "string", "description": "As YYYY-MM-DD"},
    }
    schema: dict[str, Json] = {"type": "object", "required": ["name"], "properties": parameters}
    return {"name": f"{does}_{thing}_{number}", "description": " ".join(said), "inputSchema": schema}


def pinned(root: Path, names: list[str], tools: int, sentences: int) -> Path:
    """A repository with one config and the lockfile that `mcp-audit pin` would write for servers with so many tools each."""
    (root / ".git").mkdir(parents=True)
    (root / ".mcp.json").write_text(json.dumps(servers(names), indent=2))
    pins = []
    for at, name in enumerate(names):
        package = f"@acme/{name}@1.4.2"
        launch: dict[str, Json] = {"transport": "stdio", "command": "npx", "args": ["-y", package], "package": f"npm:{package}"}
        surface = Surface(
            server_info={"name": name, "version": "1.4.2"}, tools=tuple(tool(at * tools + number, sentences) for number in range(tools))
        )
        pins.append(lockfile.observed(name, launch, surface))
    (root / "mcp-audit.lock.json").write_bytes(lockfile.write(pins))
    return root


def version(root: Path, small: int, _: int) -> Iterator[Result]:
    runs = turns({"bare": (BARE, root), "gate": (gate("--version"), root)}, small, {})
    yield Result("--version", runs["gate"].cpu / runs["bare"].cpu, "x", 2.5, 1.7)


def clean(root: Path, small: int, _: int) -> Iterator[Result]:
    """One small repository: bare, with a policy file, which is YAML and so costs an import, and with a lockfile besides."""
    names = ["files", "tracker", "docs", "build", "mail"]
    for folder in ("plain", "policy"):
        (root / folder / ".git").mkdir(parents=True)
        (root / folder / ".mcp.json").write_text(json.dumps(servers(names), indent=2))
    pinned(root / "pinned", names, 6, 2)
    for folder in ("policy", "pinned"):
        (root / folder / "mcp-audit.yaml").write_text("version: 1\nextends: default\nfail-on: high\n")
    scans = {name: (gate(*SCAN), root / name) for name in ("plain", "policy", "pinned")}
    runs = turns({"bare": (BARE, root), **scans}, small, {})
    yield Result("scan, 1 config, 5 servers, nothing found", runs["plain"].cpu / runs["bare"].cpu, "x", 6, None)
    yield Result("the same with a policy file", runs["policy"].cpu / runs["bare"].cpu, "x", 6, None)
    yield Result("the same with 30 pinned tools", runs["pinned"].cpu / runs["bare"].cpu, "x", 7, 5)
    yield Result("the same, peak memory", runs["pinned"].memory, "MiB", 30, None)


def tree(root: Path, _: int, large: int) -> Iterator[Result]:
    """The same work once, ten and a hundred times."""
    sizes = {"start": 1, "1": 10, "10": 100, "100": 1000}
    trees = {name: many(root / name, configs, 5 if configs > 1 else 1, 20 * configs) for name, configs in sizes.items()}
    runs = turns({name: (gate(*SCAN), folder) for name, folder in trees.items()}, large, {})
    yield Result("scan, 1 000 configs, 5 000 servers, 20 000 files", runs["100"].wall, "s", 2, 0.8)
    start = runs["start"].cpu
    yield Result("10 to 100 configs, start-up subtracted", (runs["10"].cpu - start) / max(runs["1"].cpu - start, 1e-4), "x", 11, None)
    yield Result("100 to 1 000 configs, start-up subtracted", (runs["100"].cpu - start) / (runs["10"].cpu - start), "x", 11, None)
    yield Result("1 000 configs, peak memory", runs["100"].memory, "MiB", 200, None)


def tools(root: Path, _: int, large: int) -> Iterator[Result]:
    """Pinned tools once, ten and a hundred times: digests checked, every text judged."""
    trees = {
        count: pinned(root / str(count), [f"server{number}" for number in range(max(count // 100, 1))], min(count, 100), 7)
        for count in (1, 100, 1000, 10_000)
    }
    runs = turns({str(count): (gate(*SCAN), folder) for count, folder in trees.items()}, large, {})
    start = runs["1"].cpu
    yield Result("10 000 pinned tools, a tool", (runs["10000"].cpu - runs["100"].cpu) / 9_900 * 1000, "ms", 1, 0.4)
    yield Result("100 to 1 000 tools, start-up subtracted", (runs["1000"].cpu - start) / max(runs["100"].cpu - start, 1e-4), "x", 11, None)
    yield Result("1 000 to 10 000 tools, start-up subtracted", (runs["10000"].cpu - start) / (runs["1000"].cpu - start), "x", 11, None)
    size = (trees[10_000] / "mcp-audit.lock.json").stat().st_size / 1024 / 1024
    yield Result(f"peak memory by the lockfile's size ({size:.1f} MiB)", runs["10000"].memory / size, "x", 12, None)


def findings(root: Path, _: int, large: int) -> Iterator[Result]:
    entries = {f"server{number:05}": {"type": "http", "url": f"http://mcp.example.com/{number}"} for number in range(25_000)}
    for start in range(0, 25_000, 5_000):
        (root / f"part{start}").mkdir(parents=True)
        part = {name: entries[name] for name in list(entries)[start : start + 5_000]}
        (root / f"part{start}" / ".mcp.json").write_text(json.dumps({"mcpServers": part}, indent=2))
    out = root / "out"
    out.mkdir()
    formats = {"json": gate(*SCAN, f"-o=json={out / 'json'}"), "both": gate(*SCAN, f"-o=json={out / 'json'}", f"-o=sarif={out / 'sarif'}")}
    runs = turns({name: (argv, root) for name, argv in formats.items()}, large, {"json": 1, "both": 1})
    found = len(json.loads((out / "json").read_bytes())["findings"])
    if found < 25_000:
        raise SystemExit(f"25 000 findings were wanted, there are {found}")
    yield Result("25 000 findings, JSON", runs["json"].wall, "s", 5, 2.5)
    yield Result("the same, SARIF besides", runs["both"].wall - runs["json"].wall, "s", 3, 1.5)
    yield Result("the SARIF file, gzipped", len(gzip.compress((out / "sarif").read_bytes())) / 1e6, "MB", 10, 5)


def main() -> int:
    """Prints a line for each row; 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", type=int, default=15, help="rounds for work of a few milliseconds")
    parser.add_argument("--large", type=int, default=3, help="rounds for work of a second")
    options = parser.parse_args()
    over = 0
    print(f"{'work':50}  {'measured':>12}  {'must':>10}  {'aim':>10}")
    for row in (version, clean, tree, tools, findings):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, ".git").mkdir()
            for work, value, unit, must, aim in row(Path(folder), options.small, options.large):
                over += value > must
                verdict = "  OVER" if value > must else ""
                print(f"{work:50}  {value:8.2f} {unit:3}  {must:6g} {unit:3}  {f'{aim:g} {unit}' if aim else '-':>10}{verdict}", flush=True)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
