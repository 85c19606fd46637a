"""The one place that runs git: fixed arguments and object ids in, bytes out. Used only when a revision or the index is asked for.

Nothing that a repository configures runs: no shell, hook, filter, textconv or file system monitor, no replaced objects, and no
fetching of what a partial clone lacks, over whatever protocol its configuration allows. Only object data is read, nothing is
checked out. The user's own configuration stays in force, since `safe.directory` stands there.
"""

from __future__ import annotations

import os
import re

from mcp_audit_gate.errors import UsageError
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TIMEOUT_S = 120
FETCH = "fetch the whole history: in a workflow, actions/checkout with fetch-depth: 0; elsewhere, git fetch --unshallow"
# The commit graph is a copy of what commits say of their parents, and nothing compares the two.
_SET = (
    "core.fsmonitor=false", f"core.hooksPath={os.devnull}", "protocol.allow=never", "core.useReplaceRefs=false", "safe.bareRepository=explicit",
    "core.commitGraph=false", "core.warnAmbiguousRefs=true",
)  # fmt: skip
# What git needs of the caller's variables: where the user's configuration lies, and on Windows, where the system is.
_KEPT = ("HOME", "XDG_CONFIG_HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "SYSTEMROOT", "TEMP", "TMP", "PATHEXT")
_TREE, _LINK, _SUBMODULE = "040000", "120000", "160000"


class Object(NamedTuple):
    """A file of a tree or of the index. kind: file, link or submodule."""

    path: str
    kind: str
    id: str


class Git:
    """Git for one repository: the one whose `.git` lies in the root."""

    def __init__(self, root: str, what_for: str, environment: Mapping[str, str] | None = None, index: bool = False) -> None:
        """`what_for` is the option that needs git, for messages. `index`: keep GIT_INDEX_FILE, which `git commit` sets for its hooks."""
        given = os.environ if environment is None else environment
        self._root = os.path.realpath(root)
        self._what_for = what_for
        if not os.path.lexists(os.path.join(self._root, ".git")):
            raise UsageError(
                f"{what_for} needs a git repository with a working tree, and {root} is none", "run it inside one, or leave the option out"
            )
        folders = tuple(_folders(given.get("PATH", ""), self._root))
        self._program = _program(folders, self._root, what_for)
        self._environment = _environment(given, folders, self._root, index)

    def commit(self, revision: str) -> str:
        """The id of the commit that a revision names. Raises UsageError."""
        if not revision.strip() or any(ord(char) < 32 for char in revision):
            raise UsageError(f'{self._what_for} "{revision}": there is no such revision', "name a commit, a branch or a tag")
        done, out, told = self._told("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        if done != 0:
            where = "is not in this shallow clone" if self.shallow() else "is not in this repository"
            hint = FETCH if self.shallow() else f"check its spelling, or {FETCH}"
            if set(revision) == {"0"}:
                where, hint = "stands for no commit (git writes zeros where a branch had no earlier one)", "name the default branch instead"
            raise UsageError(f'{self._what_for} "{revision}" {where}', hint)
        name = out.decode("ascii").strip()
        if not set(name) <= set("0123456789abcdef"):  # `^NAME` is a range, which rev-parse takes as well
            raise UsageError(f'{self._what_for} "{revision}" is a range of commits', "name one commit, branch or tag")
        if "is ambiguous" in told and not _is_first(revision):
            hint = f"write it in full, as refs/heads/{revision}, refs/remotes/{revision} or refs/tags/{revision}"
            raise UsageError(f'{self._what_for} "{revision}" stands for more than one thing here, such as a branch and a tag', hint)
        return name

    def shallow(self) -> bool:
        """True when the history was cut off."""
        done, out = self._run("rev-parse", "--is-shallow-repository")
        return done == 0 and out.strip() == b"true"

    def merge_base(self, commit: str) -> str:
        """Where the history of a commit and of HEAD parted; the commit itself when they share none. Raises UsageError in a shallow clone."""
        head, base = self._run("merge-base", commit, "HEAD")
        if head == 0:
            return base.decode("ascii").strip()
        if self.shallow():
            raise UsageError(f"{self._what_for}: this shallow clone does not reach back to where HEAD and that revision parted", FETCH)
        return commit

    def files(self, commit: str) -> Iterator[Object]:
        """Every file of a commit."""
        for line in self._need("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, name = about.decode("ascii").split(" ")
            yield Object(os.fsdecode(path), _kind(mode), name)

    def staged(self) -> Iterator[Object]:
        """Every file of the index, as a commit would have it. Raises UsageError when a merge is not resolved."""
        for line in self._need("ls-files", "-s", "-z").split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, name, stage = about.decode("ascii").split(" ")
            if stage != "0":
                shown = os.fsdecode(path)[:200]
                raise UsageError(
                    f"{self._what_for}: {shown} has merge conflicts, so there is no staged version of it", "resolve them and git add the file"
                )
            yield Object(os.fsdecode(path), _kind(mode), name)

    def sizes(self, ids: Iterable[str]) -> dict[str, int]:
        """The sizes of objects, in bytes. Raises UsageError for one that a partial clone lacks."""
        asked = tuple(dict.fromkeys(ids))
        if not asked:
            return {}
        sizes: dict[str, int] = {}
        for line in self._need("cat-file", "--batch-check", given="".join(f"{name}\n" for name in asked)).decode("ascii").splitlines():
            name, *rest = line.split(" ")
            if rest == ["missing"]:
                raise self._lacking()
            sizes[name] = int(rest[-1])
        return sizes

    def contents(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The bytes of objects. Raises UsageError for one that a partial clone lacks."""
        asked = tuple(dict.fromkeys(ids))
        if not asked:
            return {}
        out = self._need("cat-file", "--batch", given="".join(f"{name}\n" for name in asked))
        found: dict[str, bytes] = {}
        at = 0
        for name in asked:
            end = out.index(b"\n", at)
            *_, size = out[at:end].decode("ascii").split(" ")
            if size == "missing":
                raise self._lacking()
            found[name] = out[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)
        return found

    def _lacking(self) -> UsageError:
        return UsageError(f"{self._what_for}: this partial clone lacks files of that revision, and nothing is fetched while judging", FETCH)

    def _need(self, command: str, *arguments: str, given: str = "") -> bytes:
        """The output of a command that must succeed."""
        done, out = self._run(command, *arguments, given=given)
        if done != 0:
            raise UsageError(f"{self._what_for}: git {command} failed with exit code {done}", "check the repository with git fsck")
        return out

    def _run(self, command: str, *arguments: str, given: str = "") -> tuple[int, bytes]:
        """Exit code and output of a git command."""
        return self._told(command, *arguments, given=given)[:2]

    def _told(self, command: str, *arguments: str, given: str = "") -> tuple[int, bytes, str]:
        """Exit code, output and standard error of a git command, without a shell."""
        import subprocess

        settings = (word for setting in _SET for word in ("-c", setting))
        line = (self._program, "--no-pager", "--no-replace-objects", "--literal-pathspecs", *settings, command, *arguments)
        try:
            done = subprocess.run(
                line, cwd=self._root, env=self._environment, input=given.encode("ascii"), capture_output=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UsageError(f"{self._what_for}: git {command} took more than {TIMEOUT_S} s", "check the repository with git fsck") from error
        except OSError as error:
            raise UsageError(f"{self._what_for}: {self._program} cannot be started ({error.strerror})", "install git again") from error
        told = done.stderr.decode("utf-8", "replace")
        self._refuse(told)
        return done.returncode, done.stdout, told

    def _refuse(self, told: str) -> None:
        """Raises UsageError for what git says when it will not work with a repository at all."""
        if "dubious ownership" in told:
            command = f"git config --global --add safe.directory {self._root}"
            raise UsageError(f"{self._what_for}: git does not read {self._root}, because it belongs to another user", f"if you trust it: {command}")
        if "not a git repository" in told or "unsafe bare repository" in told:
            raise UsageError(
                f"{self._what_for}: {self._root} has a .git that git does not take for a repository", "clone it again, or run git worktree repair"
            )
        if "lazy fetching disabled" in told or "promisor remote" in told or "transport '" in told:
            raise self._lacking()
        if "unknown option" in told and "end-of-options" in told:
            raise UsageError(f"{self._what_for} needs git 2.24 or later", "install a newer git")


def _is_first(revision: str) -> bool:
    """True for a name that git takes before all others of that name: a whole id, HEAD, and a reference written in full."""
    name = re.split(r"[~^@]", revision)[0]
    return revision.startswith(("refs/", "@")) or name == "HEAD" or (len(name) in (40, 64) and set(name) <= set("0123456789abcdef"))


def _kind(mode: str) -> str:
    return {_LINK: "link", _SUBMODULE: "submodule", _TREE: "folder"}.get(mode, "file")


def _folders(path: str, root: str) -> Iterator[str]:
    """The absolute entries of PATH that do not lie in the repository."""
    for entry in path.split(os.pathsep):
        if os.path.isabs(entry) and not _lies_in(os.path.realpath(entry), root):
            yield entry


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _program(folders: tuple[str, ...], root: str, what_for: str) -> str:
    """The absolute path of git. Raises UsageError when there is none."""
    name = "git.exe" if os.name == "nt" else "git"
    for folder in folders:
        full = os.path.join(folder, name)
        if os.path.isfile(full) and os.access(full, os.X_OK) and not _lies_in(os.path.realpath(full), root):
            return full
    raise UsageError(f"{what_for} needs git, and no absolute folder of PATH outside the repository holds it", "install git")


def _environment(given: Mapping[str, str], folders: tuple[str, ...], root: str, index: bool) -> dict[str, str]:
    """A short, clean environment: nothing by which the caller's variables lead git elsewhere or make it run something."""
    kept = {name: given[name] for name in (*_KEPT, *(("GIT_INDEX_FILE",) if index else ())) if name in given}
    return {
        **kept,
        "PATH": os.pathsep.join(folders),
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "-",  # wins over every protocol.NAME.allow; no protocol has this name
        "GIT_CEILING_DIRECTORIES": os.path.dirname(root),
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
