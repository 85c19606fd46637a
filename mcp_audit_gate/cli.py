"""The command: options to inputs, one call, outputs, exit code. The only place that prints or exits."""

from __future__ import annotations

import gc
import os
import sys

from mcp_audit_gate import streams
from mcp_audit_gate.errors import BLOCKED, INCOMPLETE, INTERNAL, PASSED, FixError, GateError, UsageError, suggestion, worst

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from datetime import date
    from typing import NoReturn

    from mcp_audit_gate.change import Trusted
    from mcp_audit_gate.fix.plan import Plan
    from mcp_audit_gate.gate import Analyse, Connect
    from mcp_audit_gate.model import Report
    from mcp_audit_gate.report import Look


def process() -> NoReturn:
    """The installed command: runs main and ends the process.

    When nobody can have asked to be called at the end, it ends at once, as mypy does: to free every object takes a thirtieth of a small scan.
    """
    code = main()
    if {"atexit", "threading"} & sys.modules.keys() or sys.getprofile() or sys.gettrace():
        sys.exit(code)
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    streams.ready()
    code = _guarded(words, lambda: _run(words))
    fault = _guarded(words, _finish)
    gc.freeze()  # or the interpreter would walk all there is when it exits, a sixth of `--version`
    return worst({code, fault}) if fault else code


def _finish() -> int:
    """Writes what argparse left in the buffer."""
    streams.write(b"")
    return PASSED


def _guarded(words: Sequence[str], call: Callable[[], int]) -> int:
    """The exit code of a part of the command line, whatever becomes of it."""
    try:
        return call()
    except GateError as error:
        return _told(error)
    except BrokenPipeError:  # the reader has enough
        return INCOMPLETE
    except SystemExit as end:  # argparse has shown what --help asks for, or a signal ended a run with its servers
        return end.code if isinstance(end.code, int) else PASSED
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except Exception as error:  # the last resort: one line, and the traceback only when asked for
        if {"-v", "--verbose"} & set(words):
            raise
        from mcp_audit_gate import HOME

        return _say(f"internal error: {type(error).__name__}; run again with -v and report it at {HOME}/issues", INTERNAL)


def _told(error: GateError) -> int:
    from mcp_audit_gate.metadata.credentials import mask, masked_name

    return _say(mask(masked_name(str(error))), error.exit_code)


def _say(text: str, code: int) -> int:
    from mcp_audit_gate.report.escape import terminal

    streams.tell(f"mcp-audit: {terminal(text)}\n")
    return code


def _run(words: list[str]) -> int:
    if words == ["--version"]:  # answered without building a parser: hooks and scripts ask for it often
        from mcp_audit_gate import __version__

        streams.write(f"mcp-audit {__version__}\n".encode())
        return PASSED
    from mcp_audit_gate import everyday

    chosen = everyday.scan(words)
    if chosen is None:
        from mcp_audit_gate import options

        chosen = options.parse(words)
    runs = {"scan": _scan, "merge": _merge, "watch": _watch, "serve": _serve, "pin": _pin, "diff": _diff}
    runs |= {"waive": _waive, "policy": _show_policy, "init": _init}
    if chosen.command in runs:
        return runs[chosen.command](chosen)
    streams.write(_page(chosen).encode("utf-8"))
    return PASSED


def _page(chosen: argparse.Namespace) -> str:
    from mcp_audit_gate import pages

    if chosen.command == "explain":
        return pages.explain(chosen.rule)
    if chosen.command == "rules":
        return pages.listing(chosen.output)
    from mcp_audit_gate import completion

    return completion.script(chosen.shell)


def _scan(chosen: argparse.Namespace) -> int:
    from mcp_audit_gate import everyday, terminal
    from mcp_audit_gate.sources.discover import find_root

    if chosen.shard and chosen.user:
        raise UsageError("--shard tells a part of what every machine has, and --user is about this one alone", "leave one of them out")
    if chosen.skip_connect:
        gc.disable()  # nothing a scan makes is cyclic; walking it in vain is a quarter of a large run
    else:
        _may_connect(chosen)
    if chosen.fix or chosen.yes:
        from mcp_audit_gate.fix import command

        command.check(chosen)
    analyse = _analyse(chosen)
    outputs = everyday.outputs(chosen.output)
    root = find_root(tuple(chosen.paths) or (".",))
    look = terminal.look(chosen, outputs, root)
    report, plan = _judged(chosen, analyse)
    code = PASSED
    if chosen.fix and plan:
        try:
            mended = command.run(plan, root, chosen.yes, look, streams.write if ("text", None) in outputs else sys.stderr.buffer.write)
        except FixError as error:
            code, mended = _told(error), True
        report = _judged(chosen, analyse)[0] if mended else report
    return worst({code, _write(report, outputs, look, root)})


def _judged(chosen: argparse.Namespace, analyse: Analyse | None) -> tuple[Report, Plan | None]:
    """The report of one scan, and what can be mended when somebody asked for it."""
    from mcp_audit_gate import everyday, gate, trees

    job = trees.job(chosen, _clients(chosen.client), chosen.now or _today())
    tree, settings, rev = job.tree, job.settings, job.settings.trusted
    report, context = gate.judged(tree, job.paths, settings, None if chosen.skip_connect else _connect(chosen, tree.root, rev), analyse)
    plan = None
    is_fix = getattr(chosen, "fix", False)
    if is_fix or chosen.shard or any(name == "sarif" for name, _ in everyday.outputs(chosen.output)):
        from mcp_audit_gate.fix import plan as plans

        make = plans.of_part if chosen.shard else plans.plan if is_fix else plans.unasked
        plan = make(tree, job.paths, settings, report, context)
        report = plan.report
    if chosen.user:
        from mcp_audit_gate import user

        connect = None if chosen.skip_connect else lambda home: _connect(chosen, home, None)
        report = user.added(report, settings, tree.root, rev.tree if rev else tree, connect)
    return report, plan


def _watch(chosen: argparse.Namespace) -> int:
    from mcp_audit_gate import everyday, terminal
    from mcp_audit_gate.live import command, watch
    from mcp_audit_gate.sources.discover import find_root

    watch.need_extra()
    if chosen.shard:
        raise UsageError("--shard tells a part of a run, and watch shows the whole", "leave --shard out")
    if not chosen.skip_connect:
        _may_connect(chosen)
    analyse = _analyse(chosen)
    outputs = everyday.outputs(chosen.output)
    to_files = tuple(output for output in outputs if output[1] is not None)
    paths = tuple(chosen.paths) or (".",)

    def show(report: Report, news: bool) -> None:
        root = find_root(paths)
        _write(report, outputs if news else to_files, terminal.look(chosen, outputs, root), root)

    say = command.teller(sys.stdout if ("text", None) in outputs else sys.stderr)
    watch.run(watch.Job(watch.watched(paths, chosen), lambda: find_root(paths), lambda: _judged(chosen, analyse)[0], show, say))
    return PASSED


def _serve(chosen: argparse.Namespace) -> int:
    from mcp_audit_gate import comparison, pages
    from mcp_audit_gate.live import command

    command.need_extra("serve")
    if chosen.install or chosen.uninstall:
        command.install(chosen)
        return PASSED
    if chosen.client or chosen.dry_run:
        raise UsageError("--client and --dry-run belong to --install and --uninstall", "name one of these, too")
    command.serve(chosen.allow_connect, _today, pages.explain, lambda root, revision: comparison.since(root, revision, _today()))
    return PASSED


def _may_connect(chosen: argparse.Namespace) -> None:
    """Raises UsageError for a run that cannot connect."""
    from mcp_audit_gate.live import command

    command.need_extra("scan")
    if chosen.staged:
        raise UsageError("--staged judges files, and a scan without --skip-connect starts servers", "add --skip-connect")


def _connect(chosen: argparse.Namespace, root: str, rev: Trusted | None) -> Connect:
    from mcp_audit_gate.live import command

    return command.connection(chosen, root, rev=rev).compared


def _analyse(chosen: argparse.Namespace) -> Analyse | None:
    """What asks a model, when the command line wants it; nothing else can. Raises UsageError when it cannot be asked."""
    if not chosen.llm_analysis:
        if chosen.llm_model is not None:
            raise UsageError("--llm-model names a model that nothing asks", "add --llm-analysis")
        return None
    from mcp_audit_gate.live import llm

    return llm.analyst(os.environ, chosen.llm_model, tuple(chosen.pass_env), lambda text: _say(text, PASSED)).analyse


def _pin(chosen: argparse.Namespace) -> int:
    from mcp_audit_gate import trees
    from mcp_audit_gate.live import command
    from mcp_audit_gate.sources.clients import LOCKFILE
    from mcp_audit_gate.sources.discover import WorkingTree, find_root, relative

    command.need_extra("pin")
    clients = _clients(chosen.client)
    if chosen.user:
        from mcp_audit_gate import user

        home, policy = user.pinned(chosen, chosen.now or _today())
        return command.pin(chosen, home, policy, clients, home.lock, home.lock_file)
    tree = WorkingTree(find_root(tuple(chosen.paths) or (".",)))
    today = chosen.now or _today()
    policy = trees.policy(chosen.policy, tree, today, "--policy ")
    lock = LOCKFILE if chosen.lock is None else relative(tree.root, os.path.abspath(chosen.lock))
    if not lock or os.path.isdir(os.path.join(tree.root, lock)):
        raise UsageError(f"--lock {chosen.lock or lock}: a folder is no lockfile", f"name a file, for example {LOCKFILE}")
    if lock.startswith("../"):
        raise UsageError(f"--lock {chosen.lock}: the lockfile must lie below the root, {tree.root}", "commit it with the configs that it is about")
    return command.pin(chosen, tree, policy, clients, lock)


def _diff(chosen: argparse.Namespace) -> int:
    from mcp_audit_gate import comparison, trees
    from mcp_audit_gate.report import differences
    from mcp_audit_gate.sources.clients import LOCKFILE
    from mcp_audit_gate.sources.discover import WorkingTree, find_root, relative

    today = chosen.now or _today()
    tree = WorkingTree(find_root((".",)))
    policy = trees.policy(chosen.policy, tree, today, "--policy ")
    lock = LOCKFILE if chosen.lock is None else relative(tree.root, os.path.abspath(chosen.lock))
    old, new = (comparison.side(named, tree, lock) for named in (chosen.old, chosen.new))
    found = comparison.compared(old, new, policy)
    streams.write(differences.write(found, chosen.output))
    return BLOCKED if found.items else PASSED


def _merge(chosen: argparse.Namespace) -> int:
    from mcp_audit_gate import everyday, merge, terminal
    from mcp_audit_gate.sources.discover import find_root

    outputs, root = everyday.outputs(chosen.output), find_root((".",))
    report, origin = merge.merged(chosen.reports)
    return _write(report, outputs, terminal.look(chosen, outputs, root)._replace(provenance=origin), root)


def _waive(chosen: argparse.Namespace) -> int:
    """Finds the finding by a scan of the whole tree, or in a report, and writes a waiver for it."""
    from mcp_audit_gate import gate, trees, writing
    from mcp_audit_gate.metadata.credentials import masked_name
    from mcp_audit_gate.policy import edit, load
    from mcp_audit_gate.sources.clients import POLICY_FILES
    from mcp_audit_gate.sources.discover import WorkingTree, find_root

    today = chosen.now or _today()
    tree = WorkingTree(find_root((".",)))
    if chosen.policy in load.PRESETS:
        raise UsageError(f"--policy {chosen.policy}: a waiver cannot be written into a preset", "name a file that extends it")
    policy = trees.policy(chosen.policy, tree, today, "--policy ")
    if chosen.report is None:
        finding = edit.choose(gate.scan(tree, (tree.root,), gate.Settings(today, policy=policy)).findings, chosen.fingerprint)
    else:
        finding = edit.choose(trees.reported(chosen.report), chosen.fingerprint, f"look for `fingerprint` in {chosen.report}")
    document = policy.layers[-1].document
    path, data = (document.path, document.data) if document else (POLICY_FILES[-1], None)
    item = edit.waiver(finding, chosen.reason, chosen.expires, chosen.owner)
    after = edit.add(path, edit.NEW if data is None else data, item, today)
    writing.exchange(os.path.abspath(chosen.policy or os.path.join(tree.root, path)), data, after, tree.root)
    about = f' of server "{masked_name(finding.server)}"' if finding.server is not None else ""
    streams.write(_printable(f"{path}: waived {finding.rule}{about} in {finding.location.path} until {chosen.expires}"))
    return PASSED


def _show_policy(chosen: argparse.Namespace) -> int:
    from mcp_audit_gate import trees
    from mcp_audit_gate.metadata.credentials import mask, masked_name
    from mcp_audit_gate.policy import show
    from mcp_audit_gate.sources.discover import WorkingTree, find_root

    today = chosen.now or _today()
    tree = WorkingTree(find_root((".",)))
    policy = trees.policy(chosen.file, tree, today, "")
    shown = show.show(policy) if chosen.action == "show" else show.describe(policy)
    lines = (mask(masked_name(line)) for line in shown.splitlines())
    streams.write("".join(f"{line}\n" for line in lines).encode("utf-8") if chosen.action == "show" else _printable("\n".join(lines)))
    return PASSED


def _init(chosen: argparse.Namespace) -> int:
    """Writes the files a repository starts with; what exists stays."""
    from mcp_audit_gate import starter, writing
    from mcp_audit_gate.sources.discover import find_root

    root = find_root((".",))
    made = starter.parts(root, chosen.github, chosen.pre_commit)
    for part in made:
        if part.data is not None:
            writing.into_repository(part.data, root, part.path, part.there)
        streams.write(_printable(f"{'kept' if part.data is None else 'changed' if part.there else 'wrote'} {part.path}: {part.about}"))
    for number, step in enumerate(starter.next_steps(made), 1):
        streams.write(_printable(f"{number}. {step}"))
    return PASSED


def _printable(text: str) -> bytes:
    from mcp_audit_gate.report.escape import terminal

    return f"{terminal(text)}\n".encode()


def _clients(given: list[str]) -> frozenset[str]:
    if not given:
        return frozenset()
    from mcp_audit_gate.sources.homes import client_ids

    names = [name.strip() for item in given for name in item.split(",") if name.strip()]
    known = client_ids()
    for name in names:
        if name not in known:
            raise UsageError(f"there is no client {name!r}", f"known are {', '.join(known)}{suggestion(name, known)}")
    return frozenset(names)


def _today() -> date:
    """Today, in UTC. What stands around CPython's date takes a millisecond to import before Python 3.12."""
    import time

    try:
        from _datetime import date as day
    except ImportError:
        from datetime import date as day
    today: date = day(*time.gmtime()[:3])
    return today


def _write(report: Report, outputs: Sequence[tuple[str, str | None]], look: Look, root: str) -> int:
    """Writes every output that can be written; one that cannot makes the run incomplete."""
    from mcp_audit_gate import writing

    return worst({report.verdict.exit_code, *(_told(error) for error in writing.write(report, outputs, look, root))})
