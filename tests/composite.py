"""Runs the steps of a composite action on this machine, as far as `action.yml` needs it.

`uses:` steps are not run but recorded with what they would be given; `stand_ins` does the same for the step of an id, with
these outputs. What is not known raises, so that nothing new in the action passes unnoticed.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(&&|\|\||==|!=|[!()])|([A-Za-z_][\w.-]*))")


class Step(NamedTuple):
    """What became of a step. outcome: success, failure or skipped."""

    name: str
    id: str
    outcome: str
    output: str = ""
    summary: str = ""
    outputs: Mapping[str, str] = {}
    given: Mapping[str, str] = {}


class Run(NamedTuple):
    """What became of the action."""

    steps: tuple[Step, ...]
    outcome: str
    outputs: Mapping[str, str]

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    @property
    def log(self) -> str:
        return "".join(step.output for step in self.steps)

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.steps)


class Runner:
    """One job: the action's folder, the checkout, a folder of its own, the `github` context and the environment of the shell steps."""

    def __init__(
        self,
        action: Mapping[str, Any],
        workspace: Path,
        temporary: Path,
        github: Mapping[str, Any],
        env: Mapping[str, str],
        stand_ins: Mapping[str, Mapping[str, str]],
        failing: tuple[str, ...] = (),
    ) -> None:
        self.action, self.workspace, self.temporary = action, workspace, temporary
        self.env, self.stand_ins, self.failing = env, stand_ins, failing
        self.context: dict[str, Any] = {"github": github, "steps": {}}
        self.failed = False

    def run(self, inputs: Mapping[str, str]) -> Run:
        """Runs every step whose condition holds."""
        known = {name: about.get("default", "") for name, about in self.action["inputs"].items()}
        assert set(inputs) <= set(known), "no such input"
        self.context["inputs"] = {**known, **inputs}
        steps = []
        for number, about in enumerate(self.action["runs"]["steps"]):
            step = self._step(about, self.temporary / str(number))
            self.context["steps"][step.id] = {"outputs": step.outputs, "outcome": step.outcome}
            self.failed |= step.outcome == "failure" and not about.get("continue-on-error", False)
            steps.append(step)
        outputs = {name: self._text(about["value"]) for name, about in self.action["outputs"].items()}
        return Run(tuple(steps), "failure" if self.failed else "success", outputs)

    def _step(self, about: Mapping[str, Any], folder: Path) -> Step:
        name, id_ = about["name"], about.get("id", about["name"])
        if not self._wanted(about.get("if", "${{ success() }}")):
            return Step(name, id_, "skipped")
        if "uses" in about or id_ in self.stand_ins:
            given = {key: self._text(value) for key, value in about.get("with", {}).items()}
            outcome = "failure" if id_ in self.failing else "success"
            return Step(name, id_, outcome, outputs=self.stand_ins.get(id_, {}), given=given)
        assert about["shell"] == "bash"
        return self._shell(about, folder, name, id_)

    def _shell(self, about: Mapping[str, Any], folder: Path, name: str, id_: str) -> Step:
        folder.mkdir()
        files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        script = folder / "script.sh"
        script.write_text(about["run"], "utf-8")
        own = {key: self._text(value) for key, value in about.get("env", {}).items()}
        where = self.workspace / self._text(about.get("working-directory", "."))
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        env = {**self.env, **{key: str(file) for key, file in files.items()}, **own}
        if not where.is_dir():
            return Step(name, id_, "failure", f"there is no folder {str(where)!r}")
        done = subprocess.run(command, cwd=where, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        outcome = "failure" if done.returncode else "success"
        return Step(name, id_, outcome, done.stdout.decode(), files["GITHUB_STEP_SUMMARY"].read_text("utf-8"), blocks(files["GITHUB_OUTPUT"]))

    def _text(self, text: str) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: shown(self._value(found[1])), text)

    def _wanted(self, condition: str) -> bool:
        inner = condition.removeprefix("${{").removesuffix("}}")
        asks = any(f"{name}()" in inner for name in ("success", "failure", "always", "cancelled"))
        return bool(self._value(inner)) and (asks or not self.failed)

    def _value(self, source: str) -> Any:
        functions = {"success()": not self.failed, "failure()": self.failed, "always()": True, "cancelled()": False}
        for call, value in functions.items():
            source = source.replace(call, "true" if value else "false")
        return Expression(source, self._look_up).value()

    def _look_up(self, name: str) -> Any:
        if name in ("true", "false"):
            return name == "true"
        first, *rest = name.split(".")
        value: Any = self.context[first]
        if first in ("inputs", "steps"):
            assert rest[0] in value, f"{name} is not known"
        for part in rest:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


class Expression:
    """An expression of a workflow: names, texts, `!`, `==`, `!=`, `&&`, `||` and brackets."""

    def __init__(self, source: str, look_up: Callable[[str], Any]) -> None:
        self.look_up, self.tokens = look_up, []
        source = source.rstrip()
        at = 0
        while at < len(source):
            found = TOKEN.match(source, at)
            assert found, f"cannot read {source[at:]!r}"
            self.tokens.append(found.groups())
            at = found.end()

    def value(self) -> Any:
        value = self._or()
        assert not self.tokens, f"left over: {self.tokens}"
        return value

    def _operator(self, *wanted: str) -> str:
        return self.tokens.pop(0)[1] if self.tokens and self.tokens[0][1] in wanted else ""

    def _or(self) -> Any:
        value = self._and()
        while self._operator("||"):
            other = self._and()
            value = value or other
        return value

    def _and(self) -> Any:
        value = self._compared()
        while self._operator("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:
        value = self._single()
        operator = self._operator("==", "!=")
        if not operator:
            return value
        same = shown(value).lower() == shown(self._single()).lower()
        return same == (operator == "==")

    def _single(self) -> Any:
        if self._operator("!"):
            return not self._single()
        if self._operator("("):
            value = self._or()
            assert self._operator(")")
            return value
        text, operator, name = self.tokens.pop(0)
        assert operator is None, operator
        return self.look_up(name) if name else text.replace("''", "'")


def shown(value: Any) -> str:
    """A value as the text it becomes between `${{` and `}}`."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def blocks(file: Path) -> dict[str, str]:
    """Step outputs: `name=value`, or lines between delimiters."""
    found, lines = {}, file.read_text("utf-8").split("\n")
    while lines:
        line = lines.pop(0)
        name, mark = re.match(r"([\w-]+)(<<|=|$)", line).groups() if line else ("", "")
        rest = line[len(name) + len(mark) :]
        if mark == "<<":
            end = lines.index(rest)
            rest = "\n".join(lines[:end])
            del lines[: end + 1]
        if name:
            assert mark, f"a stray line {line!r}"
            found[name] = rest
    return found
