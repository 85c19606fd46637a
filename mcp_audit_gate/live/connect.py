"""Targets in, observations out: all servers side by side, each within one time limit, none in the way of another."""

from __future__ import annotations

import contextlib
import time

from mcp_audit_gate.live.explain import advice, cleaner, telling
from mcp_audit_gate.live.observation import Failed, Failure, Observation
from mcp_audit_gate.live.orphans import Orphans
from mcp_audit_gate.live.release import running
from mcp_audit_gate.live.stdio import Server, start
from mcp_audit_gate.live.wire import Wire
from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from mcp_audit_gate.live.observation import Options, Target
    from mcp_audit_gate.live.session import Listing

    Progress = Callable[[int, str], None]

# How often a server is asked whether it still runs, what it may take to end after its output did, and our own cleaning up.
GLANCE_S, ENDING_S, CLEANING_S = 0.05, 0.5, 1.0


def observe(targets: Sequence[Target], options: Options, progress: Progress | None = None) -> tuple[Observation, ...]:
    """One observation per target, in their order; never raises because of a server.

    progress: called with the number of a target and what is being done with it (`start`, `handshake`, `tools, page 1`, `done`, `failed`).
    At the end no process started here is alive, a server's children included as far as the system lets us (docs/connecting.md).
    """
    with _Ending() as ending, Orphans(), _quiet():
        servers: dict[int, Server | Failure | None] = {}
        try:
            for number, target in enumerate(targets[: options.jobs]):  # started first: loading the client library takes a second
                servers[number] = _started(target, options)
            return _run(targets, options, servers, progress or (lambda number, step: None), ending)
        finally:
            for server in servers.values():
                if isinstance(server, Server):
                    server.kill()


def _started(target: Target, options: Options) -> Server | Failure | None:
    """The server of a target that is a program; None for an address."""
    if target.failure or target.transport != "stdio":
        return target.failure
    try:
        return start(target, options)
    except Failed as failed:
        return failed.failure


def _run(
    targets: Sequence[Target], options: Options, servers: dict[int, Server | Failure | None], progress: Progress, ending: _Ending
) -> tuple[Observation, ...]:
    import asyncio

    import mcp.client.session  # noqa: F401 - loaded before the first time limit runs

    ending.check()

    async def one(number: int, target: Target, room: asyncio.Semaphore) -> Observation:
        async with room:
            if number not in servers:
                servers[number] = _started(target, options)
            visit = _Visit(target, options, lambda step: progress(number, step))
            return await visit.run(servers[number])

    async def all_of_them() -> tuple[Observation, ...]:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        ending.cancels(lambda: loop.call_soon_threadsafe(task.cancel) if task else None)
        room = asyncio.Semaphore(options.jobs)
        return tuple(await asyncio.gather(*(one(number, target, room) for number, target in enumerate(targets))))

    try:
        return asyncio.run(all_of_them())
    except asyncio.CancelledError:
        ending.check()
        raise


class _Visit:
    """One server, from its start to its end."""

    def __init__(self, target: Target, options: Options, progress: Callable[[str], None]) -> None:
        self._target = target
        self._options = options
        self._clean = cleaner(target, options)
        self._progress = progress
        self._wire = Wire(self._clean, progress)
        self._exited = False
        self._version: str | None = None

    async def run(self, server: Server | Failure | None) -> Observation:
        """What the server showed, or why it did not."""
        began = time.monotonic()
        self._progress("start")
        if isinstance(server, Failure):
            outcome: Listing | Failure = server
        elif server is not None:
            outcome = await self._started(server, began)
            if isinstance(outcome, Failure) and self._wire.unheard and self._exited:
                outcome = await self._again(outcome, began)
        else:
            outcome = await self._at_address(began)
        return self._observation(outcome, not isinstance(server, Failure), time.monotonic() - began)

    def _observation(self, outcome: Listing | Failure, contacted: bool, seconds: float) -> Observation:
        self._progress("failed" if isinstance(outcome, Failure) or outcome.failures else "done")
        notes = tuple(self._wire.notes)
        if isinstance(outcome, Failure):
            return Observation(self._target.name, None, (outcome,), notes, None, contacted, seconds)
        whole = None if outcome.failures else outcome.surface
        return Observation(
            self._target.name,
            whole,
            outcome.failures,
            notes,
            outcome.surface if outcome.failures else None,
            contacted,
            seconds,
            outcome.other,
            self._version,
        )

    async def _started(self, server: Server, began: float) -> Listing | Failure:
        try:
            return await self._over_pipes(server, began)
        finally:
            await server.close()

    async def _again(self, first: Failure, began: float) -> Listing | Failure:
        """A second start in the older era: some servers of it end when the first message is another than theirs."""
        from mcp_types.version import LATEST_HANDSHAKE_VERSION

        if self._target.protocol_version == LATEST_HANDSHAKE_VERSION:
            return first
        self._target = self._target._replace(protocol_version=LATEST_HANDSHAKE_VERSION)
        self._wire = Wire(self._clean, self._progress)
        server = _started(self._target, self._options)
        return await self._started(server, began) if isinstance(server, Server) else first

    async def _talk(self, incoming: Any, outgoing: Any, server: Server | None = None) -> Listing | Failure:
        from mcp.client.session import ClientSession

        from mcp_audit_gate.live.session import client_info, listing

        client = client_info(self._options.plain)
        async with ClientSession(incoming, outgoing, client_info=client) as session:
            try:
                found = await listing(session, self._wire, self._target.protocol_version, client)
            except Failed as failed:
                return failed.failure
            if server and self._target.package:  # now, while it runs
                self._version = running(server.process.pid, self._target.package)
            return found

    async def _at_address(self, began: float) -> Listing | Failure:
        """Over HTTP; where nothing tells the kind, over SSE when streamable HTTP is refused, as clients do."""
        import asyncio

        from mcp_audit_gate.live.http import streams, wrong_address

        async def ask(kind: str) -> Listing | Failure:
            async with streams(self._target, self._options, self._wire, kind) as (incoming, outgoing):
                return await self._talk(incoming, outgoing)

        wanted = self._target.transport
        if wanted not in ("", "http", "sse"):
            return Failure("start", f'the transport "{visible(wanted, 20)}" is none that this program speaks', "use stdio, http or sse")
        if wrong := wrong_address(self._target.url):
            return Failure("start", wrong, "correct the entry's url")
        outcome = await self._limited(asyncio.create_task(ask(wanted or "http")), None, began)
        if wanted or not isinstance(outcome, Failure) or self._wire.status not in range(400, 500) or self._wire.status in (401, 403):
            return outcome
        self._wire = Wire(self._clean, self._progress)
        second = await self._limited(asyncio.create_task(ask("sse")), None, began)
        return outcome if isinstance(second, Failure) else second

    async def _over_pipes(self, server: Server, began: float) -> Listing | Failure:
        import asyncio

        from mcp_audit_gate.live.pipes import Pipes

        pipes = Pipes(server, self._wire, asyncio.get_running_loop())
        watch = asyncio.create_task(self._watch(server, pipes.ended))
        try:
            return await self._limited(asyncio.create_task(self._talk(pipes.incoming, pipes.outgoing, server)), server, began)
        finally:
            watch.cancel()
            await asyncio.wait({watch})
            pipes.close()

    async def _limited(self, work: asyncio.Task[Listing | Failure], server: Server | None, began: float) -> Listing | Failure:
        """The outcome of the work, or what broke it off: a fault on the wire, the end of the server, the end of its time."""
        import asyncio

        left = max(0.0, began + self._options.timeout_s - time.monotonic())
        broken = asyncio.create_task(self._wire.broken.wait())
        try:
            done, _ = await asyncio.wait({work, broken}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._too_late(server)
            failure, finished = self._wire.failure, work.done()  # as it is now: our leaving may look like a fault of the server
        finally:
            self._wire.broken.set()
            for task in (work, broken):
                task.cancel()
            await asyncio.wait({work, broken}, timeout=CLEANING_S)
        if failure is not None:
            return failure
        error = work.exception() if finished else None
        if not finished or error is not None:
            return Failure(self._wire.step, f"the client library gave up ({type(_innermost(error)).__name__})", "tell the server's authors")
        return work.result()

    def _too_late(self, server: Server | None) -> None:
        said, act = self._last_words(server)
        late = self._wire.stray or f"no answer within {self._options.timeout_s:g} s"
        usual = (
            "at a first start a package may still be fetched: give it longer with --timeout"
            if server
            else "check the address, or give it longer with --timeout"
        )
        self._wire.fail(late + said, act or usual)

    async def _watch(self, server: Server, ended: asyncio.Event) -> None:
        """Breaks the session off when the server has ended, also when a child of it keeps its pipes open."""
        import asyncio

        while server.exit() is None and not ended.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), GLANCE_S)
        until = time.monotonic() + ENDING_S
        while time.monotonic() < until and not (ended.is_set() and server.is_silent and server.exit()):  # its last lines may still be in the pipes
            await asyncio.sleep(GLANCE_S / 5)
        said, act = self._last_words(server)
        self._exited = server.exit() is not None
        if not self._wire.answers:
            self._wire.step = "start"
        how = server.exit() or "closed its standard output"
        self._wire.fail(f"the server {how}{said}", act or "run its command by hand to see why")

    def _last_words(self, server: Server | None) -> tuple[str, str]:
        """What a program last wrote, ready to follow a reason, and what to do about it."""
        words = server.last_words() if server else ""
        said = self._clean(telling(words))
        return f"; it last wrote: {said}" if said else "", advice(words)


def _innermost(error: BaseException | None) -> BaseException | None:
    """The first exception that is no group of others."""
    inner: Sequence[BaseException] = getattr(error, "exceptions", ())
    return _innermost(inner[0]) if inner else error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the libraries' logs, which repeat what servers say, from the terminal."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


class _Ending:
    """Ctrl-C, SIGTERM and SIGHUP as a wish to end the run with its servers, heard where that is safe.

    An exception raised wherever a signal happens to arrive may land inside a library written in another language, which then aborts.
    """

    def __init__(self) -> None:
        self._number = 0
        self._cancel: Callable[[], object] | None = None
        self._kept: dict[int, Any] = {}

    def __enter__(self) -> _Ending:
        import signal
        import threading

        names = ("SIGINT", "SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
        for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._kept[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        import signal

        for number, handler in self._kept.items():
            signal.signal(number, handler)
        self.check()

    def _note(self, number: int, frame: object) -> None:
        again = self._number
        self._number = number
        if again:
            self.check()
        elif self._cancel:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                self._cancel()

    def cancels(self, cancel: Callable[[], object]) -> None:
        """From now on the wish calls `cancel`; at once when it was heard before."""
        self._cancel = cancel
        if self._number:
            cancel()

    def check(self) -> None:
        """Raises KeyboardInterrupt or SystemExit(128 + signal) when the wish was heard."""
        import signal

        if self._number:
            raise KeyboardInterrupt if self._number == signal.SIGINT else SystemExit(128 + self._number)
