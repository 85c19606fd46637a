"""A started server as the pair of streams that the client library's session talks over, every line through the wire."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from types import TracebackType
    from typing import Any

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.shared.message import SessionMessage

    from mcp_audit_gate.live.stdio import Server
    from mcp_audit_gate.live.wire import Wire

FULL_PIPE_S = 0.01


class Pipes:
    """The two streams; `ended` is set when the server's standard output is."""

    def __init__(self, server: Server, wire: Wire, loop: asyncio.AbstractEventLoop) -> None:
        import asyncio
        import math

        import anyio

        self.ended = asyncio.Event()
        self._wire = wire
        self._inbox: MemoryObjectSendStream[Any]
        self.incoming: MemoryObjectReceiveStream[Any]
        self._inbox, self.incoming = anyio.create_memory_object_stream(math.inf)
        self.outgoing = Outgoing(server, wire)
        server.read(loop, self._lines, self._over)

    def close(self) -> None:
        """Ends both streams on our side."""
        self._inbox.close()
        self.incoming.close()

    def _lines(self, lines: list[bytes], size: int) -> None:
        from mcp.shared.message import SessionMessage
        from mcp_types import jsonrpc_message_adapter
        from pydantic import ValidationError

        if not self._wire.spend(size):
            return
        for line in lines:
            message = self._wire.receive(line)
            if message is None:
                continue
            try:
                known = jsonrpc_message_adapter.validate_python(message, by_name=False)
            except ValidationError:
                self._wire.fail("an answer is no proper JSON-RPC message", "the server is broken or hostile; tell its authors")
                return
            if self._wire.failure is None:
                self._inbox.send_nowait(SessionMessage(known))

    def _over(self, too_long: bool) -> None:
        if too_long:
            self._wire.too_long()
        self.ended.set()


class Outgoing:
    """The write stream: one line a message into the server's standard input."""

    def __init__(self, server: Server, wire: Wire) -> None:
        self._server = server
        self._wire = wire

    async def send(self, item: SessionMessage, /) -> None:
        """Writes a message; waits, within the server's time limit, for a server that is slow to read."""
        import anyio

        message = item.message.model_dump(by_alias=True, mode="json", exclude_unset=True)
        self._wire.sent(message)
        data = json.dumps(message).encode() + b"\n"
        while data:
            if self._wire.broken.is_set():
                raise anyio.BrokenResourceError
            try:
                data = data[self._server.write(data) :]
            except (OSError, ValueError):  # the server closed its end, or we ours
                raise anyio.BrokenResourceError from None
            if data:
                await anyio.sleep(FULL_PIPE_S)
        if not self._wire.total:
            self._wire.unheard = self._server.exit() is None

    async def aclose(self) -> None:
        """Nothing: the server's input is closed when the server is ended."""

    async def __aenter__(self) -> Outgoing:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None
