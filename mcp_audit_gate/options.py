"""The command line: argv in, options out; one small function builds the parser of each command."""

from __future__ import annotations

import argparse
import os

from mcp_audit_gate import HOME, __version__
from mcp_audit_gate.errors import UsageError, suggestion
from mcp_audit_gate.model import SEVERITIES
from mcp_audit_gate.part import PARTS
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.policy.load import PRESETS
from mcp_audit_gate.report import FORMATS
from mcp_audit_gate.sources.clients import LOCKFILE, POLICY_FILES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import NoReturn

SHELLS = ("bash", "zsh", "fish")
LEVELS = (*reversed(SEVERITIES), "never")
_WRONG_CHOICE = lazy(r"invalid choice: '([^']{1,40})' \(choose from ([^)]+)\)$")  # as argparse says it, with or without quotes around the choices


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Knows its width without shutil, which argparse would import for every option that is added."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=max(40, int(columns) if columns.isascii() and columns.isdigit() and len(columns) < 6 else 100) - 2)


class _Parser(argparse.ArgumentParser):
    """Errors become UsageError, so that one place prints them."""

    def error(self, message: str) -> NoReturn:
        wrong = _WRONG_CHOICE.search(message)
        near = suggestion(wrong[1], [word.strip(" '") for word in wrong[2].split(",")]) if wrong else ""
        raise UsageError(message, f"see {self.prog} --help{near}")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options of one command. Raises UsageError; --help and --version end the program."""
    parser = built(next((word for word in argv if word in _COMMANDS), ""))
    options, rest = parser.parse_known_args(argv)
    if rest:
        _take(rest, options)
    if options.command is None:
        parser.print_help()
        raise UsageError("no command given", "try mcp-audit scan --skip-connect")
    return options


def _take(rest: Sequence[str], options: argparse.Namespace) -> None:
    """Adds what argparse left over to the paths, which may stand on both sides of an option. Raises UsageError for anything else."""
    paths = getattr(options, "paths", getattr(options, "reports", None))
    unknown = next((word for word in rest if word.startswith("-")), None)
    if paths is not None and unknown is None:
        paths.extend(rest)
        return
    what = f"unrecognized arguments: {' '.join(rest)}"
    if options.command is None:
        raise UsageError(what, "a command comes first, for example mcp-audit scan; see mcp-audit --help")
    near = suggestion(unknown.partition("=")[0], _names(options.command)) if unknown else ""
    raise UsageError(what, f"see mcp-audit {options.command} --help{near}")


def _names(command: str) -> list[str]:
    """The long options of a command."""
    parser = _Parser(add_help=False)
    _common(parser, suppress=True)
    _COMMANDS[command][0](parser)
    return [word for word in parser.format_usage().replace("[", " ").replace("]", " ").split() if word.startswith("--")]


def built(wanted: str | None = None) -> argparse.ArgumentParser:
    """The parser of the whole command line. wanted: the one command whose options are to be read; None for all."""
    parser = _Parser(
        prog="mcp-audit",
        description="The lockfile and policy gate for MCP: judges the MCP configs a repository commits.",
        epilog=f"example: mcp-audit scan --skip-connect\ndocumentation: {HOME}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mcp-audit {__version__}")
    _common(parser, suppress=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser, prog="mcp-audit")
    for name, (add, summary, example) in _COMMANDS.items():
        made = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"example: {example}",
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        if wanted in (name, None):
            add(made)
            _common(made, suppress=True)
    return parser


def _common(parser: argparse.ArgumentParser, suppress: bool) -> None:
    """-q, -v and --color, before or after the command."""

    def default(value: object) -> object:
        return argparse.SUPPRESS if suppress else value

    parser.add_argument("-q", "--quiet", action="store_true", default=default(False), help="say only what blocks, and the verdict")
    parser.add_argument("-v", "--verbose", action="store_true", default=default(False), help="say more; show a traceback on an internal error")
    parser.add_argument("--color", choices=("auto", "always", "never"), default=default("auto"), help="colour on the terminal (wins over NO_COLOR)")


def _scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="folders, searched recursively, and files (default: the current folder)")
    parser.add_argument("--user", action="store_true", help="also this user's own client configs, with a lockfile of their own")
    parser.add_argument("--skip-connect", action="store_true", help="judge files only: start and contact no server")
    parser.add_argument("--pin-check", action="store_true", help="compare every entry with its pin; one that is missing makes the run incomplete")
    _common_of_trees(parser)
    _connecting(parser, "start these servers although they are not pinned; repeatable")
    places = f"default: {', then '.join(POLICY_FILES)} at the root, else the preset {PRESETS[0]}"
    parser.add_argument("--policy", metavar="FILE|PRESET", help=f"a policy file, or {', '.join(PRESETS)} ({places})")
    parser.add_argument("--trusted-ref", metavar="REV", help="take policy, waivers and lockfile from this git revision, and judge what changed since")
    parser.add_argument("--staged", action="store_true", help="judge what git would commit: the index instead of the working tree")
    parser.add_argument("--fail-on", choices=LEVELS, help="the least severity that blocks; overrides the policy")
    _reports(parser)
    parser.add_argument("--new-only", action="store_true", help="what --trusted-ref or --baseline has already is reported, and does not block")
    parser.add_argument("--baseline", metavar="REPORT.json", help="with --new-only: a JSON report of an earlier run")
    parser.add_argument(
        "--llm-analysis", action="store_true", help="also ask a model about the tools' texts, which are sent to it; never lowers anything"
    )
    parser.add_argument("--llm-model", metavar="M", help="the model to ask (default: a small one)")
    parser.add_argument("--allow-empty", action="store_true", help="no MCP config found is a pass")
    parser.add_argument("--exit-zero", action="store_true", help="findings never fail; errors and incompleteness still do")
    parser.add_argument("--ignore-waivers", action="store_true", help="judge as if there were no waivers, for auditors")
    parser.add_argument("--shard", type=_shard, metavar="I/N", help="tell the I-th of N parts; mcp-audit merge joins the JSON reports of all parts")
    parser.add_argument("--now", type=_date, metavar="DATE", help="the date of the run (default: today, UTC)")


def _scan_once(parser: argparse.ArgumentParser) -> None:
    _scan(parser)
    parser.add_argument("--fix", action="store_true", help="show safe edits: versions from the lockfile, references in place of literal secrets")
    parser.add_argument("--yes", action="store_true", help="with --fix: write them, and judge what is there then")


def _reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--min-severity", choices=LEVELS[:-1], default="info", help="what the text and Markdown reports show; never changes the verdict"
    )
    parser.add_argument(
        "-o", "--output", action="append", default=[], metavar="FORMAT[=FILE]", help=f"{' '.join(FORMATS)}; repeatable; no FILE: standard output"
    )
    parser.add_argument("--category", metavar="NAME", help="SARIF automationDetails.id, for several runs on one commit")


def _common_of_trees(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client", action="append", default=[], metavar="NAME,…", help="only configs of these clients")
    parser.add_argument("--lock", metavar="FILE", help=f"the lockfile (default: {LOCKFILE} at the root)")


def _connecting(parser: argparse.ArgumentParser, allow: str) -> None:
    parser.add_argument("--allow-launch", action="append", default=[], metavar="GLOB", help=allow)
    parser.add_argument("--timeout", type=_seconds, default=30.0, metavar="S", help="seconds for one server, over everything (default: 30)")
    parser.add_argument("--jobs", type=_positive, default=16, metavar="N", help="servers at once (default: 16)")
    passing = "hand this variable to every server that is started; repeatable"
    parser.add_argument("--pass-env", type=_variable, action="append", default=[], metavar="NAME", help=passing)


def _pin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="folders, searched recursively, and files (default: the current folder)")
    parser.add_argument("--user", action="store_true", help="this user's own client configs instead, in a lockfile of their own")
    parser.add_argument("--yes", action="store_true", help="start what is not pinned yet without asking")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when something would change")
    parser.add_argument("--prune", action="store_true", help="drop pins that no config uses")
    _common_of_trees(parser)
    parser.add_argument("--policy", metavar="FILE|PRESET", help="for its `exclude` (default: the one that a scan would take)")
    _connecting(parser, "start these servers although they are not pinned yet; repeatable")
    parser.add_argument("--now", type=_date, metavar="DATE", help="the date of the run (default: today, UTC)")


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--allow-connect", action="store_true", help="offer a tool that starts and asks the servers whose launches are pinned")
    _installing(parser)


def _installing(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--install", action="store_true", help="put this server into the user's own config of a client, and nothing else")
    which.add_argument("--uninstall", action="store_true", help="take it out again")
    names = "claude-desktop, claude-code, cursor, vscode"
    parser.add_argument("--client", action="append", default=[], metavar="CLIENT,…", help=f"{names} (default: those that this user has)")
    parser.add_argument("--dry-run", action="store_true", help="show the change and write nothing")


def _diff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", nargs="?", default="HEAD", metavar="OLD", help="a git revision, or a lockfile (default: HEAD)")
    parser.add_argument("new", nargs="?", metavar="NEW", help="a git revision, or a lockfile (default: the working tree)")
    parser.add_argument("-o", "--output", choices=("text", "json", "markdown"), default="text", help="default: text")
    parser.add_argument("--lock", metavar="FILE", help=f"the lockfile of revisions and of the working tree (default: {LOCKFILE} at the root)")
    parser.add_argument("--policy", metavar="FILE|PRESET", help="for the severity of each class (default: the one that a scan would take)")
    parser.add_argument("--now", type=_date, metavar="DATE", help="the date of the run (default: today, UTC)")


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="a rule's id, as shown in brackets")


def _rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=("text", "json", "markdown"), default="text", help="default: text")


def _merge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reports", nargs="+", metavar="REPORT.json", help="what scan --shard I/N -o json=FILE wrote, for every I from 1 to N")
    _reports(parser)


def _waive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "fingerprint", metavar="FINGERPRINT", help="the finding's, as in the JSON report or with scan -v; the first 8 digits do when they are enough"
    )
    parser.add_argument("--reason", required=True, help="why it is let through")
    parser.add_argument("--expires", required=True, metavar="DATE", help="the last day, YYYY-MM-DD, at most 365 days ahead")
    parser.add_argument("--owner", help="who answers for it")
    where = "the JSON report that tells the finding, when it takes --trusted-ref or servers to tell it (default: a scan of the files here)"
    parser.add_argument("--report", metavar="REPORT.json", help=where)
    parser.add_argument("--policy", metavar="FILE", help=f"the file to write to (default: {' or '.join(POLICY_FILES)}, whichever there is)")
    parser.add_argument("--now", type=_date, metavar="DATE", help="the date of the run (default: today, UTC)")


def _policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("check", "show"), help="check: validate; show: print what is in force after `extends`")
    parser.add_argument("file", nargs="?", metavar="FILE|PRESET", help="a policy file or a preset (default: the one that a scan would take)")
    parser.add_argument("--now", type=_date, metavar="DATE", help="the date waivers are judged by (default: today, UTC)")


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--github", action="store_true", help="also a workflow that judges pull requests and what is pushed")
    parser.add_argument("--pre-commit", action="store_true", help="also an entry for pre-commit")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that is to know the commands, options and choices")


_COMMANDS = {
    "scan": (
        _scan_once,
        "find configs, judge them, report; the exit code is the verdict",
        "mcp-audit scan --skip-connect -o text -o sarif=mcp-audit.sarif\n         mcp-audit scan --skip-connect --fix",
    ),
    "watch": (_scan, "scan again whenever a config, lockfile or policy changes; Ctrl-C ends it", "mcp-audit watch --skip-connect"),
    "serve": (_serve, "be an MCP server on standard input and output, with read-only tools", "mcp-audit serve --install --client cursor --dry-run"),
    "pin": (_pin, "ask the servers what they declare, show what changed, write the lockfile", "mcp-audit pin"),
    "diff": (_diff, "what changed between two lockfiles or git revisions, by class; exit code 1 when something did", "mcp-audit diff origin/main"),
    "merge": (
        _merge,
        "one verdict and one set of reports from the parts that scan --shard wrote",
        "mcp-audit merge part-*.json -o sarif=mcp-audit.sarif",
    ),
    "waive": (_waive, "let a finding through until a day", "mcp-audit waive 0f3c9a51 --reason 'internal host, OPS-112' --expires 2027-01-31"),
    "policy": (_policy, "validate the policy, or print what is in force", "mcp-audit policy check"),
    "init": (_init, "write a starter policy, a workflow, a pre-commit entry; never overwrites", "mcp-audit init --github --pre-commit"),
    "explain": (_explain, "one rule's page: why, what it looks at, how to fix it", "mcp-audit explain literal-secret"),
    "rules": (_rules, "all rules", "mcp-audit rules -o json"),
    "completion": (_completion, "print a script that makes a shell complete this command's words", 'eval "$(mcp-audit completion bash)"'),
}


def _date(text: str) -> date:
    from mcp_audit_gate.policy.form import read_date

    day = read_date(text)
    if day is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write YYYY-MM-DD")
    return day


def _variable(text: str) -> str:
    """A variable's name; what stands behind an equals sign may be a secret and is not repeated."""
    name, equals, _ = text.partition("=")
    if equals:
        raise argparse.ArgumentTypeError(f"{name}=…: write the name alone; the value is the one that {name} has in the environment")
    if not name:
        raise argparse.ArgumentTypeError("the name is empty; write that of a variable")
    return name


def _shard(text: str) -> tuple[int, int]:
    number, slash, parts = text.partition("/")
    if not (text.isascii() and slash and number.isdecimal() and parts.isdecimal() and len(text) <= 9 and 0 < int(number) <= int(parts) <= PARTS):
        raise argparse.ArgumentTypeError(f"{text!r}: write I/N, for example 2/4: the second of four parts; at most {PARTS}")
    return int(number), int(parts)


def _seconds(text: str) -> float:
    value = float(text) if text.replace(".", "", 1).isdigit() else 0.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r}: write seconds, above 0 and at most 3600")
    return value


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number from 1 to 1000")
    return int(text)
