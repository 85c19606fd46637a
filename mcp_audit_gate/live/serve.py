"""`mcp-audit serve`: an MCP server on standard input and output, with the tools of `tools` answered by `desk`."""

from __future__ import annotations

import json

from mcp_audit_gate import HOME, __version__
from mcp_audit_gate.errors import OutputError
from mcp_audit_gate.live.desk import fitted
from mcp_audit_gate.live.guard import guarded
from mcp_audit_gate.live.tools import FAULT_NOTICE, INSTRUCTIONS, NOTICE, TOOLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import anyio
    import mcp_types as types
    from mcp.server import Server

    from mcp_audit_gate.live.desk import Desk
    from mcp_audit_gate.live.tools import Tool
    from mcp_audit_gate.model import Json


def run(desk: Desk) -> None:
    """Serves until the input ends, or nobody reads the answers any more. Raises OutputError when these cannot be written otherwise."""
    import logging

    import anyio

    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its warnings repeat what came in
    try:
        anyio.run(_serve, desk)
    except _group() as faults:
        for fault in _single(faults):
            if not isinstance(fault, OSError):
                raise
            if not isinstance(fault, BrokenPipeError):
                raise OutputError(f"cannot write to standard output: {fault.strerror}", "run it by a client") from faults


def _group() -> type[BaseException]:
    """What a task group raises; Python 3.10 has it from a package that anyio brings."""
    import builtins
    from importlib import import_module

    kind: type[BaseException] = getattr(builtins, "BaseExceptionGroup", None) or import_module("exceptiongroup").BaseExceptionGroup
    return kind


def _single(fault: BaseException) -> Iterator[BaseException]:
    """The faults in a group, groups in it opened."""
    inside = getattr(fault, "exceptions", None)
    if inside is None:
        yield fault
        return
    for one in inside:
        yield from _single(one)


async def _serve(desk: Desk) -> None:
    import anyio
    from mcp.server.stdio import stdio_server

    turn = anyio.Lock()  # a scan keeps a core busy; two at once are no faster
    server = _server(desk, turn)
    async with anyio.create_task_group() as group:
        group.start_soon(_end_when_told, turn)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
        group.cancel_scope.cancel()


async def _end_when_told(turn: anyio.Lock) -> None:
    """Ends the program on Ctrl-C and SIGTERM, after the answer that is being made, so that no started server outlives it."""
    import os
    import signal

    import anyio

    if os.name == "nt":  # the event loop knows no signals there
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            async with turn:
                os._exit(0)  # the thread that waits for input can be ended in no other way


def _server(desk: Desk, turn: anyio.Lock) -> Server[Any]:
    import anyio
    import mcp_types as types
    from mcp.server import Server
    from mcp.shared.exceptions import MCPError

    offered = {tool.name: tool for tool in TOOLS if desk.connect is not None or not tool.live}

    async def tools(context: object, params: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in offered.values()])

    async def call(context: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = offered.get(params.name)
        if tool is None:
            raise MCPError(code=types.INVALID_PARAMS, message="there is no such tool")
        given: dict[str, Json] = params.arguments or {}
        async with turn:
            return await anyio.to_thread.run_sync(_answer, desk, tool, given)

    return Server(
        "mcp-audit-gate",
        version=__version__,
        title="mcp-audit",
        instructions=INSTRUCTIONS,
        website_url=HOME,
        on_list_tools=tools,
        on_call_tool=call,
    )


def _described(tool: Tool) -> types.Tool:
    import mcp_types as types

    hints = types.ToolAnnotations(title=tool.title, read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=tool.live)
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=f"{tool.description} {NOTICE}",
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=hints,
    )


def _answer(desk: Desk, tool: Tool, given: dict[str, Json]) -> types.CallToolResult:
    """The answer as a value and as its text, or one line that says what is wrong; what the files themselves say in it is marked as such."""
    import mcp_types as types

    from mcp_audit_gate.report.escape import message

    fault = tool.unfit(given)
    data: dict[str, Json] | None = None
    if not fault:
        data, fault = guarded(lambda: getattr(desk, tool.name)(**given))
        fault = f"{FAULT_NOTICE} {fault}"
    if data is None:
        return types.CallToolResult(content=[types.TextContent(text=message(fault))], is_error=True)
    answer = {"notice": NOTICE, "data": fitted(data)}
    return types.CallToolResult(content=[types.TextContent(text=json.dumps(answer))], structured_content=answer)
