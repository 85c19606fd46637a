"""`--llm-analysis`: what servers declare in; what a model suspects of their tools, and what it gave no verdict on, out.

It is asked only for more: nothing it says lowers, waives or passes anything. Imported only when the option is given.
"""

from __future__ import annotations

import json
import os

from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.live.answers import Judged, judged, schema
from mcp_audit_gate.live.api import Access, Failure, Line, access
from mcp_audit_gate.live.outgoing import Tool, batches, tools, written
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Analysis, NotAssessed
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from mcp_audit_gate.model import Context, Pinned

    Batch = tuple[Tool, ...]

WHAT = "llm-analysis"
REQUESTS = 100
AT_ONCE = 4
_NAMES = 12  # tools that one line names
_AGAIN = "run it again; a tool that keeps being left out wants a person to read it"


class Analyst(NamedTuple):
    """Who asks. say: prints a line for the person who runs it."""

    where: Access
    say: Callable[[str], object]
    table: Mapping[str, Any]

    def analyse(self, context: Context) -> Analysis:
        """What the model suspects; every tool it gave no usable verdict on is a gap."""
        found = [batch for served in tools(context) for batch in batches(served)]
        asked = found[:REQUESTS]
        self.say(_announced(asked, self.where))
        results = self._asked(asked)
        suspicions = tuple(one for result, _ in results for one in result.suspicions)
        unknown = [(batch, tool, reason, hint) for batch, (result, hint) in zip(asked, results) for tool, reason in result.unknown]
        unknown += [
            (batch, tool, f"only {REQUESTS} requests are made in a run", "ask about fewer servers") for batch in found[REQUESTS:] for tool in batch
        ]
        cut = [(batch, tool, f"the model was not sent {tool.cut}", "read the rest yourself") for batch in asked for tool in batch if tool.cut]
        return Analysis(suspicions, (*_gaps([*unknown, *cut]), *_unseen(context)))

    def _asked(self, found: Sequence[Batch]) -> list[tuple[Judged, str]]:
        """For each batch what the answer comes to, and what to try where there is no verdict."""
        if not found:
            return []
        from concurrent.futures import ThreadPoolExecutor

        line = Line(self.where)
        final: list[Failure] = []
        try:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                return list(pool.map(lambda batch: self._one(line, batch, final), found))
        finally:
            line.close()

    def _one(self, line: Line, batch: Batch, final: list[Failure]) -> tuple[Judged, str]:
        """One request. Ids and tags are made up for it, so that no text can know them beforehand."""
        keys = {_made_up(): tool for tool in batch}
        names = {id(tool): key for key, tool in keys.items()}
        answer: bytes | Failure
        if final:
            answer = final[0]
        else:
            signs = self.table["signs"]
            prompt = written(batch, lambda tool: names[id(tool)], f"tools-{_made_up()}")
            answer = line.ask("\n\n".join(self.table["instructions"]), prompt, schema(signs))
        if isinstance(answer, Failure):
            if answer.final:
                final.append(answer)
            return Judged((), tuple((tool, answer.reason) for tool in batch)), answer.hint
        return judged(keys, answer, self.where.model, self.table["signs"]), _AGAIN


def analyst(environ: Mapping[str, str], model: str | None, pass_env: tuple[str, ...], say: Callable[[str], object], transport: Any = None) -> Analyst:
    """Who asks a model in this run. Raises UsageError, before anything is done, when the extra, the key or the address is missing or wrong."""
    from importlib.util import find_spec

    if find_spec("anthropic") is None:
        raise UsageError("--llm-analysis asks a model, which needs the extra `llm`", "pip install 'mcp-audit-gate[llm]'")
    table = _table()
    where = access(environ, table["model"] if model is None else model)
    return Analyst(where._replace(proxy=_proxy(where.url, environ, pass_env), transport=transport), say, table)


def _proxy(url: str, environ: Mapping[str, str], pass_env: tuple[str, ...]) -> str | None:
    """The proxy that --pass-env hands over."""
    import httpx2

    from mcp_audit_gate.live.http import proxy
    from mcp_audit_gate.live.observation import Options

    found = proxy(httpx2.URL(url), Options(environ, pass_env=pass_env))
    if found is not None and not found.startswith(("http://", "https://")):
        raise UsageError("the proxy that --pass-env hands over is no http address", "write it as http://HOST:PORT")
    return found


def _table() -> Mapping[str, Any]:
    """data/analysis.json."""
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "analysis.json")
    with open(path, encoding="utf-8") as file:
        table: Mapping[str, Any] = json.load(file)
    return table


def _made_up() -> str:
    from secrets import token_hex

    return token_hex(6)


def _announced(found: Sequence[Batch], where: Access) -> str:
    """What is about to be sent where."""
    if not found:
        return f"--llm-analysis: no tools are known, so nothing is sent to {where.host}"
    servers = len({batch[0].about.pin.name for batch in found})
    what = f"names, descriptions and parameter names of {_count(sum(map(len, found)), 'tool')} of {_count(servers, 'server')}"
    return f"--llm-analysis: sending {what} to {where.host} ({where.model}, {_count(len(found), 'request')})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _gaps(unknown: Iterable[tuple[Batch, Tool | None, str, str]]) -> Iterator[NotAssessed]:
    """One line for each server and reason, with the tools that it is about."""
    grouped: dict[tuple[int, str, str], tuple[Pinned, list[str]]] = {}
    for batch, tool, reason, hint in unknown:
        about = batch[0].about
        named = grouped.setdefault((id(about.entries[0]), reason, hint), (about, []))[1]
        if tool is not None:
            named.append(f'"{visible(tool.name, 60)}"')
    for (_, reason, hint), (about, named) in grouped.items():
        more = f" and {len(named) - _NAMES} more" if len(named) > _NAMES else ""
        listed = f"{'tool' if len(named) == 1 else 'tools'} {', '.join(named[:_NAMES])}{more}: " if named else ""
        yield NotAssessed(WHAT, about.entries[0].document.path, about.pin.name, f"{listed}{reason}", hint)


def _unseen(context: Context) -> Iterator[NotAssessed]:
    """Servers about whose tools nothing is known, unless it was already said why."""
    known = {id(entry) for about in context.pinned for entry in about.entries}
    known |= {id(entry) for seen in context.observed if seen.gaps for entry in seen.entries}
    for item in context.matches:
        entry = item.entry
        if id(entry) not in known and not entry.disabled and not entry.sample and not entry.again:
            reason = "nothing is known about its tools, so the model was not asked about them"
            yield NotAssessed(WHAT, entry.document.path, entry.name, reason, "run mcp-audit pin, or scan without --skip-connect")
