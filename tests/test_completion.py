"""Completion in real shells: what is typed, then the tab key, and what the command would get."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time

import pytest

from mcp_audit_gate import completion, options
from mcp_audit_gate.cli import main
from mcp_audit_gate.gate import RULES
from mcp_audit_gate.report import FORMATS
from mcp_audit_gate.sources.homes import client_ids

START = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"], "fish": ["fish", "--no-config", "-i"]}
SHOWN = "printf '<%s>' {}; echo '<END>'"
Q = '"$@"'
SETUP = {
    "bash": f"source ./script; mcp-audit() {{ {SHOWN.format(Q)}; }}; PS1='READY''>'",
    "zsh": f"autoload -Uz compinit; compinit -u -d ./dump; source ./script; mcp-audit() {{ {SHOWN.format(Q)}; }}; PS1='READY''>'",
    "fish": f"source ./script; function mcp-audit; {SHOWN.format('$argv')}; end; function fish_prompt; echo 'READY''>'; end",
}
TYPED = {
    "expl": "explain",
    "--vers": "--version",
    "explain literal-sec": "explain literal-secret",
    "scan --skip": "scan --skip-connect",
    "scan --skip-connect --us": "scan --skip-connect --user",
    "watch --skip": "watch --skip-connect",
    "scan --client lm-st": "scan --client lm-studio",
    "scan --client=cursor,vsc": "scan --client=cursor,vscode",
    "scan --client cursor,vsc": "scan --client cursor,vscode",
    "-q scan -o sar": "-q scan -o sarif",
    "--color never scan --output=ju": "--color never scan --output=junit",
    "--color nev": "--color never",
    "scan -o json=poll": "scan -o json=polly.yaml",
    "scan --output=json=poll": "scan --output=json=polly.yaml",
    "scan --policy str": "scan --policy strict",
    "scan --policy poll": "scan --policy polly.yaml",
    "scan --lock poll": "scan --lock polly.yaml",
    "scan poll": "scan polly.yaml",
    "scan polly.yaml poll": "scan polly.yaml polly.yaml",
    "scan --fail-on crit": "scan --fail-on critical",
    "policy sh": "policy show",
    "policy check poll": "policy check polly.yaml",
    "policy check adv": "policy check advisory",
    "serve --client claude-d": "serve --client claude-desktop",
    "serve --client lm-st": "serve --client lm-st",
    "rules -o mark": "rules -o markdown",
    "diff poll": "diff polly.yaml",
    "diff --skip": "diff --skip",
    "waive poll": "waive poll",
    "waive 0f3c9a51 --reason poll": "waive 0f3c9a51 --reason poll",
    "completion fi": "completion fish",
}


class Terminal:
    """An interactive shell on a terminal of its own."""

    def __init__(self, shell: str, folder) -> None:
        import pty

        self.pid, self.tty = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(START[shell][0], START[shell], {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LANG": "C.UTF-8"})
        self.send(SETUP[shell] + "\n")
        self.until("READY>")

    def send(self, text: str) -> None:
        os.write(self.tty, text.encode())

    def until(self, mark: str) -> str:
        seen, end = "", time.monotonic() + 30
        while mark not in seen:
            ready, _, _ = select.select([self.tty], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no {mark} after {seen!r}"
            seen += os.read(self.tty, 65536).decode(errors="replace")
        return seen

    def completed(self, typed: str) -> list[str]:
        """The words that the command got after the tab key."""
        self.send(f"mcp-audit {typed}\t\n")
        return re.findall(r"<([^<>\r\n]*)>", self.until("<END>"))[:-1]

    def end(self) -> None:
        os.close(self.tty)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


@pytest.fixture(params=options.SHELLS)
def shell(request, tmp_path, capfd) -> str:
    """A shell that is installed; its script lies in tmp_path."""
    if request.param != "bash" and shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    assert main(["completion", request.param]) == 0
    (tmp_path / "script").write_text(capfd.readouterr().out)
    (tmp_path / "polly.yaml").write_text("version: 1\n")
    return request.param


@pytest.fixture
def terminal(shell, tmp_path):
    if sys.platform == "win32":
        pytest.skip("terminals as POSIX has them")
    made = Terminal(shell, tmp_path)
    yield made
    made.end()


def test_the_tab_key_completes_commands_options_and_choices(terminal):
    assert {typed: " ".join(terminal.completed(typed)) for typed in TYPED} == TYPED


def unique(words: list[str], among: list[str]) -> dict[str, str]:
    """Each word with its last letter missing, where only one of the others begins so."""
    return {word[:-1]: word for word in words if sum(other.startswith(word[:-1]) for other in among) == 1}


def test_every_option_of_every_command_is_known(terminal):
    expected = {}
    for command in completion.commands():
        names = [name for option in command.options for name in option.names if name.startswith("--")]
        expected |= {f"{command.name} {typed}".strip(): f"{command.name} {name}".strip() for typed, name in unique(names, names).items()}
    assert len(expected) > 60
    assert {typed: " ".join(terminal.completed(typed)).rstrip("=") for typed in expected} == expected


def listed(shell: str, folder, *lines: str) -> list[set[str]]:
    """The candidates after each line, in bash and fish, which tell them without a terminal."""
    if shell == "bash":
        each = 'COMP_LINE="{0}" COMP_POINT={1}; _mcp_audit; printf "%s\\n" "${{COMPREPLY[@]}}" END'
        text = "source ./script\n" + "\n".join(each.format(f"mcp-audit {line}", len(f"mcp-audit {line}")) for line in lines)
    else:
        text = "source ./script\n" + "\n".join(f"complete -C 'mcp-audit {line}'; echo END" for line in lines)
    done = subprocess.run([shell, "-c", text], cwd=folder, capture_output=True, text=True, env={**os.environ, "HOME": str(folder)}, check=True)
    return [{line.partition("\t")[0] for line in part.strip().splitlines()} for part in done.stdout.split("END\n")[:-1]]


def test_all_choices_are_offered(shell, tmp_path):
    if shell == "zsh":
        pytest.skip("zsh tells its candidates only at a terminal")
    rules, clients, formats, commands = listed(shell, tmp_path, "explain ", "scan --client ", "scan -o ", "")
    assert rules == {rule.info.id for rule in RULES}
    assert clients == set(client_ids())
    assert formats == set(FORMATS)
    assert commands == {command.name for command in completion.commands()[1:]}


def test_every_value_has_a_kind_and_an_option_takes_one_everywhere_or_nowhere():
    takes: dict[str, set[bool]] = {}
    for command in completion.commands():
        for option in command.options:
            for name in option.names:
                takes.setdefault(name, set()).add(option.value is not None)
    assert {name for name, kinds in takes.items() if len(kinds) > 1} == set()


def test_no_word_has_a_meaning_to_a_shell():
    values = [value for command in completion.commands() for value in (*command.places, *(option.value for option in command.options)) if value]
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", word) for value in values for word in value.words)
