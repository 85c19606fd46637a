"""A started server: its process, its pipes drained from the first moment, and its certain end.

Starting needs neither the client library nor an event loop, so that a server comes up while they are loaded.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from mcp_audit_gate.live.observation import Failed, Failure
from mcp_audit_gate.live.wire import MESSAGE_BYTES
from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from typing import IO

    from mcp_audit_gate.live.observation import Options, Target

STDERR_BYTES = 64 << 10
FLOOD_BYTES, FLOOD_PAUSE_S = 1 << 20, 0.005
CHUNK = 1 << 16
# A server may end by itself when its input ends, then on SIGTERM; each waits this long.
GRACE_S = 0.5
WINDOWS = sys.platform == "win32"
PASSED = ("PATH", "HOME", "LANG", "TMPDIR", "TERM", "USER", "LOGNAME", "SHELL", "TZ")
PASSED_WINDOWS = (
    "APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE", "PROGRAMDATA", "PROGRAMFILES",
    "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "WINDIR",
)  # fmt: skip


def environment(target: Target, options: Options) -> dict[str, str]:
    """The variables that the server gets: a short list, those named by --pass-env, and those its config names."""
    wanted = {*(PASSED_WINDOWS if WINDOWS else PASSED), *options.pass_env}
    given = {name: value for name, value in options.environ.items() if name in wanted or name.startswith("LC_")}
    return {**given, **target.env}


def find_program(command: str, env: Mapping[str, str], cwd: str) -> str | None:
    """The file that a command means: below `cwd` when it is a path, else in an absolute entry of PATH."""
    separators = (os.sep, os.altsep) if os.altsep else (os.sep,)
    folders = (
        [cwd] if any(mark in command for mark in separators) else [path for path in env.get("PATH", "").split(os.pathsep) if os.path.isabs(path)]
    )
    endings = ["", *env.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").split(";")] if WINDOWS else [""]
    files = (os.path.join(folder, command + ending) for folder in folders for ending in endings)
    return next((file for file in files if os.path.isfile(file) and os.access(file, os.X_OK)), None)


def start(target: Target, options: Options) -> Server:
    """Starts the program of a target; raises Failed when it cannot be."""
    env, cwd = environment(target, options), target.cwd or os.getcwd()
    shown = visible(target.command, 120)
    if not os.path.isdir(cwd):
        raise Failed(Failure("start", f"the folder it is to start in, {visible(target.cwd, 120)}, does not exist", "correct cwd"))
    program = find_program(target.command, env, cwd)
    if program is None:
        where = "there is no such file" if os.sep in target.command else "it is not on PATH"
        raise Failed(Failure("start", f"cannot start {shown}: {where}", "install it, or correct the command"))
    detached = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)} if WINDOWS else {"start_new_session": True}
    try:
        process = subprocess.Popen(
            [target.command, *target.args], executable=program, cwd=cwd, env=env, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **detached,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "a word of its command line or a variable holds a NUL character"
        raise Failed(Failure("start", f"cannot start {shown}: {reason}", "check that it runs on this machine")) from None
    return Server(process)


class Server:
    """A running server. Its standard error is drained from the start, its standard output once `read` was called."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._closed = False
        self._silent = threading.Event()
        self._errors = bytearray()
        assert process.stdin and process.stdout and process.stderr  # noqa: PT018
        self._input, self._output = process.stdin, process.stdout
        if not WINDOWS:
            os.set_blocking(self._input.fileno(), False)
        threading.Thread(target=self._drain, args=(process.stderr,), daemon=True).start()

    def read(self, loop: asyncio.AbstractEventLoop, lines: Callable[[list[bytes], int], None], over: Callable[[bool], None]) -> None:
        """Calls `lines` in the loop with complete lines and the bytes that came, then `over`: True for a line beyond the cap, False at the end."""
        threading.Thread(target=_Lines(self._output, loop, lines, over).run, daemon=True).start()

    def write(self, data: bytes) -> int:
        """The number of bytes that the server's standard input took; 0 when its pipe is full. Raises OSError when it is closed."""
        return self._input.write(data) or 0

    def exit(self) -> str | None:
        """How the program ended (`exited with code 3`, `was ended by SIGSEGV`), None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        if code >= 0:
            return f"exited with code {code}"
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"

    @property
    def is_silent(self) -> bool:
        """True when all of standard error was read: its end came."""
        return self._silent.is_set()

    def last_words(self) -> str:
        """The end of what it wrote on standard error, raw."""
        return bytes(self._errors[-STDERR_BYTES:]).decode("utf-8", "replace")

    async def close(self) -> None:
        """Ends the server and everything in its process group: end of input, SIGTERM, SIGKILL, each after a short grace."""
        self._close_input()
        await self._gone(GRACE_S, group=False)
        self._signal("SIGTERM")
        await self._gone(GRACE_S, group=True)
        self.kill()

    def kill(self) -> None:
        """Ends the group at once, unless it was ended before; its number may be another's by then."""
        if self._closed:
            return
        self._closed = True
        self._close_input()
        self._signal("SIGKILL")
        try:
            self.process.wait(1.0)
        except subprocess.TimeoutExpired:  # cannot be killed: in the kernel's hands
            return

    async def _gone(self, grace: float, group: bool) -> None:
        import asyncio

        until, pause = time.monotonic() + grace, 0.002
        while time.monotonic() < until and (self.process.poll() is None or (group and self._signal(None))):
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.05)

    def _signal(self, name: str | None) -> bool:
        """Sends a signal to the whole group, also when its leader has gone; True when somebody was there."""
        if WINDOWS:
            if name and self.process.poll() is None:
                self.process.kill()
            return self.process.poll() is None
        try:
            os.killpg(self.process.pid, getattr(signal, name) if name else 0)
        except (ProcessLookupError, PermissionError):  # nobody, or on macOS only zombies
            return False
        return True

    def _close_input(self) -> None:
        try:
            self._input.close()
        except OSError:  # the pipe's other end has gone
            return

    def _drain(self, pipe: IO[bytes]) -> None:
        with pipe:
            total = 0
            while chunk := pipe.read(CHUNK):
                total += len(chunk)
                self._errors += chunk
                if total > FLOOD_BYTES:  # a flood must not take the time of other servers
                    time.sleep(FLOOD_PAUSE_S)
                if len(self._errors) > 4 * STDERR_BYTES:
                    del self._errors[:-STDERR_BYTES]
        self._silent.set()


class _Lines:
    """Reads a pipe in a thread of its own, in linear time, and hands whole lines to the loop, which may lag a little behind."""

    def __init__(
        self, pipe: IO[bytes], loop: asyncio.AbstractEventLoop, lines: Callable[[list[bytes], int], None], over: Callable[[bool], None]
    ) -> None:
        self._pipe = pipe
        self._loop = loop
        self._lines = lines
        self._over = over
        self._room = threading.BoundedSemaphore(8)

    def run(self) -> None:
        """Reads until the pipe ends, a line is too long, or the loop is closed."""
        with self._pipe:
            try:
                self._hand(self._over, self._read())
            except RuntimeError:  # the loop was closed: nobody listens any more
                return

    def _read(self) -> bool:
        begun: list[bytes] = []
        size = 0
        while chunk := self._pipe.read(CHUNK):
            first, *rest = chunk.split(b"\n")
            begun.append(first)
            size += len(first)
            if size > MESSAGE_BYTES:
                return True
            if rest:
                lines = [b"".join(begun), *rest[:-1]]
                begun, size = [rest[-1]], len(rest[-1])
                self._deliver(lines, len(chunk))
            else:
                self._deliver([], len(chunk))
        return False

    def _deliver(self, lines: list[bytes], size: int) -> None:
        while not self._room.acquire(timeout=0.5):
            if self._loop.is_closed():
                raise RuntimeError("the loop was closed")
        self._hand(self._take, lines, size)

    def _hand(self, call: Callable[..., None], *args: object) -> None:
        self._loop.call_soon_threadsafe(call, *args)

    def _take(self, lines: list[bytes], size: int) -> None:
        self._room.release()
        self._lines(lines, size)
