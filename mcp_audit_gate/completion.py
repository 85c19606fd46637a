"""`mcp-audit completion`: the parsers of `options` in, a script for bash, zsh or fish out. The script holds all names and starts nothing."""

from __future__ import annotations

import argparse

from mcp_audit_gate import options
from mcp_audit_gate.gate import RULES
from mcp_audit_gate.live.install import SECTIONS
from mcp_audit_gate.policy.load import PRESETS
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report import FORMATS
from mcp_audit_gate.sources.homes import client_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Value(NamedTuple):
    """What can stand for an option's value or a positional argument.

    kind: `text` for anything, `word` for one of the words, `list` for several with commas between, `format` for one that `=FILE` may
    follow, `file` for a file or one of the words.
    """

    kind: str
    words: tuple[str, ...] = ()


class Option(NamedTuple):
    """One option. value: None for a flag."""

    names: tuple[str, ...]
    about: str
    value: Value | None


class Command(NamedTuple):
    """One command. places: what its positional arguments can be; many: the last of them can stand several times."""

    name: str
    about: str
    options: tuple[Option, ...]
    places: tuple[Value, ...]
    many: bool


_FILE, _TEXT = Value("file"), Value("text")
# By the name that a parser gives to a value: the names are the same in help, documentation and here.
VALUES = {
    **dict.fromkeys(("PATH", "FILE", "REPORT.json", "OLD", "NEW"), _FILE),
    **dict.fromkeys(("NAME", "REV", "M", "GLOB", "S", "N", "I/N", "DATE", "FINGERPRINT", "REASON", "OWNER"), _TEXT),
    "NAME,…": Value("list", client_ids()),
    "CLIENT,…": Value("list", tuple(SECTIONS)),
    "FORMAT[=FILE]": Value("format", FORMATS),
    "FILE|PRESET": Value("file", PRESETS),
    "RULE": Value("word", tuple(rule.info.id for rule in RULES)),
}


def script(shell: str) -> str:
    """The script that teaches a shell the commands, options and choices; shell is one of options.SHELLS."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands())


def commands() -> tuple[Command, ...]:
    """Every command of the command line; the first has no name and stands for what comes before one."""
    whole = options.built()
    named = next(action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    about = {choice.dest: choice.help or "" for choice in named._choices_actions}
    first = _command("", "", whole)._replace(places=(Value("word", tuple(about)),))
    return (first, *(_command(name, about[name], parser) for name, parser in named.choices.items()))


def _command(name: str, about: str, parser: argparse.ArgumentParser) -> Command:
    found = [
        Option(tuple(action.option_strings), _short(action.help), None if action.nargs == 0 else _value(action))
        for action in parser._actions
        if action.option_strings
    ]
    plain = [action for action in parser._actions if not action.option_strings and not isinstance(action, argparse._SubParsersAction)]
    return Command(name, _short(about), tuple(found), tuple(map(_value, plain)), bool(plain) and plain[-1].nargs in ("*", "+"))


def _value(action: argparse.Action) -> Value:
    if action.choices is not None:
        return Value("word", tuple(map(str, action.choices)))
    return VALUES[str(action.metavar or action.dest.upper())]


def _short(text: str | None) -> str:
    """The first part of a help text."""
    return (text or "").replace("%%", "%").partition("; ")[0].partition(" (")[0]


def _bash(known: tuple[Command, ...]) -> str:
    places = []
    for command in known:
        for number, value in enumerate(command.places):
            name = f"{command.name or '-'}:{'*' if command.many and number + 1 == len(command.places) else number}"
            places.append(f"        {name}) {_case(value)} ;;")
    named = {
        f"        {command.name or '-'}:{'|'.join(option.names)}) {_case(option.value)} ;;".replace("|", f"|{command.name or '-'}:")
        for command in known
        for option in command.options
        if option.value and option.value != _TEXT
    }
    valued = sorted({name for command in known for option in command.options if option.value for name in option.names})
    return _BASH.format(
        commands=" ".join(known[0].places[0].words),
        valued=" ".join(valued),
        options="\n".join(f"        {command.name or '-'}) words='{' '.join(_names(command))}' ;;" for command in known),
        values="\n".join(sorted(named)),
        places="\n".join(places),
    )


def _case(value: Value | None) -> str:
    return f"kind={value.kind} words='{' '.join(value.words)}'" if value else ""


def _names(command: Command) -> Iterator[str]:
    return (name for option in command.options for name in option.names)


_BASH = """\
# Completion of mcp-audit for bash: eval "$(mcp-audit completion bash)"
_mcp_audit() {{
    local line="${{COMP_LINE:0:COMP_POINT}}" command=- taken='' place=0 kind=word words='' one before typed
    local current="${{line##*[[:space:]]}}"
    read -ra before <<< "${{line%"$current"}}"
    for one in "${{before[@]:1}}"; do
        if [[ -n $taken ]]; then
            taken=''
        elif [[ $one == -* ]]; then
            [[ " {valued} " == *" $one "* ]] && taken=$one
        elif [[ $command == - ]]; then
            [[ " {commands} " == *" $one "* ]] && command=$one
        else
            place=$((place + 1))
        fi
    done
    if [[ -z $taken && $current == --*=* ]]; then
        taken=${{current%%=*}} current=${{current#*=}}
    fi
    if [[ -n $taken ]]; then
        kind=text
        case $command:$taken in
{values}
        esac
    elif [[ $current == -* ]]; then
        case $command in
{options}
        esac
    else
        kind=text
        case $command:$place in
{places}
        esac
    fi
    COMPREPLY=()
    typed=$current
    case $kind in
        file) [[ -n $words ]] && compopt -o filenames 2> /dev/null ;;
        format) [[ $current == *=* ]] && return; compopt -o nospace +o default 2> /dev/null ;;
        list) typed=${{current##*,}}; compopt -o nospace +o default 2> /dev/null ;;
        *) compopt +o default 2> /dev/null ;;
    esac
    while IFS= read -r one; do
        COMPREPLY+=("${{current%"$typed"}}$one")
    done < <(compgen -W "$words" -- "$typed"; [[ $kind == file && -n $words ]] && compgen -f -- "$typed")
}}
complete -o default -F _mcp_audit mcp-audit mcp-audit-gate
"""


def _zsh(known: tuple[Command, ...]) -> str:
    first, *others = known
    return _ZSH.format(
        first="\n".join(f"        {line} \\" for line in _zsh_specs(first._replace(places=()))),
        commands="\n".join(f"                {_quoted(f'{one.name}:{_bare(one.about)}')}" for one in others),
        cases="\n".join(
            f"                {one.name})\n                    _arguments -s \\\n"
            + " \\\n".join(f"                        {line}" for line in _zsh_specs(one))
            + "\n                    ;;"
            for one in others
        ),
    )


def _zsh_specs(command: Command) -> Iterator[str]:
    """The words of _arguments for a command."""
    for option in command.options:
        for name in option.names:
            end = "" if option.value is None else "=" if name.startswith("--") else "+"
            yield _quoted(f"*{name}{end}[{_bare(option.about)}]{_zsh_value(option.value) if option.value else ''}")
    for number, value in enumerate(command.places, 1):
        yield _quoted(f"{'*' if command.many and number == len(command.places) else number}{_zsh_value(value)}")


def _zsh_value(value: Value) -> str:
    words = " ".join(value.words)
    action = {
        "text": "( )",
        "word": f"({words})",
        "list": f"_values -s , name {words}",
        "format": f"_mcp_audit_format {words}",
        "file": f"_mcp_audit_file {words}" if words else "_files",
    }[value.kind]
    return f":{value.kind}:{action}"


def _bare(text: str) -> str:
    """Text without what has a meaning to zsh's functions."""
    return "".join(char for char in text if char not in "[]:\\`$\"'")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


_ZSH = """\
#compdef mcp-audit mcp-audit-gate
# Completion of mcp-audit for zsh: mcp-audit completion zsh > a folder of $fpath/_mcp-audit
_mcp_audit_format() {{
    if compset -P '*='; then _files; else compadd -S '' "$@"; fi
}}
_mcp_audit_file() {{
    compadd "$@"
    _files
}}
_mcp_audit() {{
    local curcontext="$curcontext" state line
    typeset -A opt_args
    _arguments -C -s \\
{first}
        '1: :->command' '*:: :->rest' && return
    case $state in
        command)
            local -a found=(
{commands}
            )
            _describe -t commands command found
            ;;
        rest)
            case $words[1] in
{cases}
            esac
            ;;
    esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _mcp_audit "$@"; else compdef _mcp_audit mcp-audit mcp-audit-gate; fi
"""


def _fish(known: tuple[Command, ...]) -> str:
    first, *others = known
    lines = [*_fish_options(first, "__mcp_audit_in")]
    lines += [_fish_line("__mcp_audit_in", "-x", "-a", _quoted(one.name), "-d", _fish_quoted(one.about)) for one in others]
    for command in others:
        lines += _fish_options(command, f"__mcp_audit_in {command.name}")
        for number, value in enumerate(command.places):
            at = number if not command.many or number + 1 < len(command.places) else ""
            lines += _fish_value(value, f"__mcp_audit_in {command.name} {at}".rstrip(), ())
    valued = sorted({name for command in known for option in command.options if option.value for name in option.names})
    return _FISH.format(commands=" ".join(one.name for one in others), valued=" ".join(valued), lines="\n".join(lines))


def _fish_options(command: Command, when: str) -> Iterator[str]:
    for option in command.options:
        names = tuple(word for name in option.names for word in (("-l", name[2:]) if name.startswith("--") else ("-s", name[1:])))
        about = ("-d", _fish_quoted(option.about))
        if option.value is None:
            yield _fish_line(when, *names, *about)
        else:
            yield from _fish_value(option.value, when, (*names, *about))


def _fish_value(value: Value, when: str, about: Iterable[str]) -> Iterator[str]:
    words = " ".join(value.words)
    if value.kind == "format":
        named = "string match -qr '^[^-][^=]*=|^-.*=.*=' -- (commandline -ct)"  # a format has its file, or is about to
        yield _fish_line(f"{when}; and not {named}", *about, "-x", "-a", _fish_quoted(words))
        yield _fish_line(f"{when}; and {named}", *about, "-r", "-F")
    elif value.kind == "list":
        yield _fish_line(when, *about, "-x", "-a", _fish_quoted(f"(__fish_append , {words})"))
    else:
        yield _fish_line(when, *about, "-r" if value.kind == "file" else "-x", *(("-F",) if value.kind == "file" else ()), "-a", _fish_quoted(words))


def _fish_line(when: str, *words: str) -> str:
    return f"__mcp_audit_complete -n {_fish_quoted(when)} {' '.join(words)}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_FISH = """\
# Completion of mcp-audit for fish: mcp-audit completion fish > ~/.config/fish/completions/mcp-audit.fish
function __mcp_audit_in -d 'True in this command (in none when it is not given), at this place of its arguments (at any)'
    set -l command
    set -l place 0
    set -l taken no
    for word in (commandline -opc)[2..-1]
        if test $taken = yes
            set taken no
        else if string match -q -- '-*' $word
            contains -- $word {valued}; and set taken yes
        else if set -q command[1]
            set place (math $place + 1)
        else if contains -- $word {commands}
            set command $word
        end
    end
    test "$command" = "$argv[1]"; and test (count $argv) -lt 2 -o "$argv[2]" = $place
end
function __mcp_audit_complete
    complete -c mcp-audit $argv
    complete -c mcp-audit-gate $argv
end
complete -c mcp-audit -f
complete -c mcp-audit-gate -f
{lines}
"""
