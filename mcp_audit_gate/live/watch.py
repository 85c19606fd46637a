"""`mcp-audit watch`: scans again whenever a file that decides the verdict changes; the scan and the printing are handed in."""

from __future__ import annotations

import os
import sys

from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.live.guard import guarded
from mcp_audit_gate.metadata.credentials import masked_name
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report.since import differs, since
from mcp_audit_gate.sources.clients import LOCKFILE, POLICY_FILES, SKIPPED_FOLDERS
from mcp_audit_gate.sources.discover import find_root
from mcp_audit_gate.sources.homes import HOMES, folders, located
from mcp_audit_gate.sources.match import Folder, fold, patterns
from mcp_audit_gate.sources.user import UserTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from mcp_audit_gate.model import Report

    Signature = tuple[int, int, int] | None

STEP_MS, DEBOUNCE_MS, TICK_MS = 100, 1600, 300  # quiet for a step ends a burst of changes; single files are looked at every tick
POLL_MS = 1000
NAMED = 3  # changed files named on one line
_NAMES = frozenset(fold(path.rpartition("/")[2]) for path in (LOCKFILE, *POLICY_FILES))


class Watched(NamedTuple):
    """Real paths. folders: watched with all below them. files: watched one by one, wherever they are. outputs: what the scan itself writes."""

    folders: tuple[str, ...]
    files: tuple[str, ...] = ()
    outputs: frozenset[str] = frozenset()


class Job(NamedTuple):
    """What is watched, and what is done about it.

    root: the folder that paths of a report are relative to. scan: judges once. show: writes the reports; the one on standard
    output only when asked. say: one line for a person.
    """

    watched: Watched
    root: Callable[[], str]
    scan: Callable[[], Report]
    show: Callable[[Report, bool], None]
    say: Callable[[str], None]


def need_extra() -> None:
    """Raises UsageError, before anything is done, when the library that notices changes is not installed."""
    from importlib.util import find_spec

    if find_spec("watchfiles") is None:
        raise UsageError("watch needs the extra `watch`", "pip install 'mcp-audit-gate[watch]'")


def watched(paths: Iterable[str], chosen: argparse.Namespace) -> Watched:
    """What decides the verdict of these options: the paths, and the policy, the lockfile and the state of git wherever they lie."""
    root = find_root(tuple(paths))
    files = [path for path in paths if not os.path.isdir(path)]
    files += [os.path.join(root, path) for path in (LOCKFILE, *POLICY_FILES)]
    files += [path for path in (chosen.policy, chosen.lock, chosen.baseline) if path is not None]
    if chosen.user:
        where = folders(os.environ, sys.platform)
        files += [UserTree(where, os.environ).lock_file, *(file for row in HOMES for file in located(row, where, os.environ))]
    if chosen.staged or chosen.trusted_ref is not None:
        files += _git_files(root)
    outputs = [output.partition("=")[2] for output in chosen.output]
    return Watched(
        tuple(dict.fromkeys(os.path.realpath(path) for path in paths if os.path.isdir(path))),
        tuple(dict.fromkeys(map(os.path.abspath, files))),
        frozenset(os.path.realpath(path) for path in outputs if path),
    )


def _git_files(root: str) -> list[str]:
    """The files of git that change with the index, and with what its revisions are."""
    folder = os.path.join(root, ".git")
    if os.path.isfile(folder):  # a worktree: the file says where its folder is
        with open(folder, encoding="utf-8", errors="replace") as file:
            folder = os.path.join(root, file.read(4096).partition(":")[2].partition("\0")[0].strip())
    return [os.path.join(folder, name) for name in ("index", "HEAD", "logs/HEAD", "FETCH_HEAD", "packed-refs")]


def run(job: Job) -> None:
    """Scans until it is interrupted: Ctrl-C, or SIGTERM, which is made the same. Raises UsageError when the first scan cannot be made."""
    _end_on_sigterm()
    here = os.getcwd()
    seen = _Seen(job.watched)
    before: Report | None = None
    try:
        for number, changed in enumerate(_changes(job.watched, seen)):
            if number:
                job.say(f"--- {_named(job.root(), changed)} changed")
            if number == 0 or _is_back(here, job.say):
                before = _again(job, seen, before, number == 0)
            if not number:
                job.say(f"watching {_named(job.root(), job.watched.folders or job.watched.files)}; Ctrl-C ends it")
    except (KeyboardInterrupt, SystemExit):  # the latter from a run that connects
        return


def _is_back(here: str, say: Callable[[str], None]) -> bool:
    """True when the folder that watching began in is there; whatever stands under its name now is what relative paths mean."""
    try:
        os.chdir(here)
    except OSError as error:
        say(f"not judged: {visible(masked_name(here))}: {error.strerror}")
        return False
    return True


def _end_on_sigterm() -> None:
    """A wish to end comes in one way, so that started servers are ended in one way."""
    import signal

    def interrupt(number: int, frame: object) -> None:
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in a shell's background job
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, interrupt)


def _again(job: Job, seen: _Seen, before: Report | None, first: bool) -> Report | None:
    """One scan, shown when it differs from the last; the report to compare the next one with. What is broken now may be well soon."""
    report, fault = guarded(job.scan, (UsageError,) if first else ())
    if report is None:
        job.say(f"not judged: {fault}")
        return before
    seen.add(job.root(), report)
    news = before is None or differs(before, report)
    job.show(report, news)
    if before is not None:
        for line in since(before, report):
            job.say(line)
    return report


class _Seen:
    """Which changes count: those of files that a scan read, and of names that it would read."""

    def __init__(self, watched: Watched) -> None:
        self._always = frozenset(os.path.realpath(file) for file in watched.files)
        self._outputs = watched.outputs
        self._read = self._always
        self._names = frozenset(pattern.name for pattern in patterns() if "*" not in pattern.name) | _NAMES

    def add(self, root: str, report: Report) -> None:
        """Takes note of what the last scan read: configs, policy, lockfile, and programs of the repository that servers run."""
        paths = {item.path for item in report.inputs} | set(report.documents)
        for server in report.servers:
            files = server.launch.get("files")
            paths |= set(files) if isinstance(files, dict) else set()
        full = {os.path.join(root, path) for path in paths}
        self._read = self._always | full | {os.path.realpath(path) for path in full}

    def counts(self, folder: str, path: str, is_new: bool) -> bool:
        """True when a change of a path below a watched folder can change the verdict."""
        if path in self._outputs:
            return False
        if path in self._read:
            return True
        parts = tuple(os.path.relpath(path, folder).split(os.sep))
        if not SKIPPED_FOLDERS.isdisjoint(parts):
            return False
        if fold(parts[-1]) in self._names or Folder(parts[:-1]).patterns(parts[-1]):
            return True
        # A folder comes and goes with all that is in it, and no event for each.
        return (is_new and (os.path.isdir(path) or os.path.islink(path))) or any(read.startswith(path + os.sep) for read in self._read)


def _changes(watched: Watched, seen: _Seen) -> Iterator[frozenset[str]]:
    """The paths of each burst of changes that counts; nothing at first, when watching has begun."""
    files = {file: _signature(file) for file in watched.files}
    early: set[str] | None = set()  # what is told only when watching has begun, or begun anew, so that nothing after it is missed
    while True:
        identity = {folder: _signature(folder, True) for folder in watched.folders}
        present = tuple(folder for folder, known in identity.items() if known)
        for burst in _bursts(present):
            changed = {path for is_new, path in burst if any(_counts(seen, folder, path, is_new) for folder in present)}
            now = {file: _signature(file) for file in files}
            changed |= {file for file in files if files[file] != now[file]}
            files.update(now)
            moved = {folder for folder, known in identity.items() if _signature(folder, True) != known}
            if moved:  # the old folder is watched, wherever it went; begin anew with the one that stands in its place
                early = (early or set()) | changed | moved
                break
            if changed or early is not None:
                yield frozenset(changed | (early or set()))
            early = None


def _counts(seen: _Seen, folder: str, path: str, is_new: bool) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep) and seen.counts(folder, path, is_new)


def _bursts(folders: tuple[str, ...]) -> Iterator[Iterable[tuple[bool, str]]]:
    """(new, path) for what changed below the folders, one set a burst; an empty one for each tick without any."""
    from time import sleep

    from watchfiles import Change, watch

    polling = None
    while folders:
        try:
            for burst in watch(
                *folders,
                watch_filter=None,
                debounce=DEBOUNCE_MS,
                step=STEP_MS,
                rust_timeout=TICK_MS,
                yield_on_timeout=True,
                force_polling=polling,
                poll_delay_ms=POLL_MS,
                ignore_permission_denied=True,
            ):
                yield [(change == Change.added, path) for change, path in burst]
        except FileNotFoundError:  # gone before it could be watched: the caller sees that, too
            yield ()
            return
        except OSError:  # no notifications to be had: too many folders, or a file system without them
            if polling:
                raise
            polling = True
    while True:
        yield ()
        sleep(TICK_MS / 1000)


def _signature(path: str, folder: bool = False) -> Signature:
    """What tells one state of a file from another; of a folder only which one it is."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino, 0) if folder else (status.st_mtime_ns, status.st_size, status.st_ino)


def _named(root: str, paths: Iterable[str]) -> str:
    names = sorted(visible(masked_name(_short(root, path)), 120) for path in paths)
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _short(root: str, path: str) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/") if path.startswith(root.rstrip(os.sep) + os.sep) else path
