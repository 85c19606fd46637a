"""Who may be started: matches of entries and pins in, for each the reason why not, or None."""

from __future__ import annotations

from fnmatch import fnmatchcase

from mcp_audit_gate.lock.files import placed, without_root
from mcp_audit_gate.metadata.credentials import MASK, mask, masked_args, masked_value
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.specs import has_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.lock.match import Match


class Refusal(NamedTuple):
    """Why a server is not started, and what would let it be. reference: no yes at a terminal would."""

    reason: str
    hint: str
    reference: bool = False


class Consent(NamedTuple):
    """What allows a start in this run.

    trusted: the pins are those of a trusted lockfile (the working tree's counts, except in CI). globs: names given with
    --allow-launch. digests: given with --allow-launch, when only whole launch digests count. everything: --yes. pinning: the
    command is `pin`, which asks; declined: somebody said no. altered: a file of the repository, no config, that is not as the trusted
    revision has it.
    """

    trusted: bool
    globs: tuple[str, ...] = ()
    digests: frozenset[str] | None = None
    everything: bool = False
    pinning: bool = False
    altered: str = ""
    declined: bool = False

    def refusal(self, item: Match) -> Refusal | None:
        """Why this entry may not be started, or None when it may."""
        if item.ran.unread and (self.pinning or self.digests is not None or not self._named(item)):
            path, why = min(item.ran.unread.items())
            return Refusal(f"it runs {visible(path, 80)}, which no pin can record: {why}", "make it a plain file of the repository", True)
        if (self.digests is not None or not self._named(item)) and (hidden := hides(item)):
            told = f"a value that the lockfile does not keep stands in {hidden}, so no pin can tell what it starts"
            return Refusal(told, f"hand a secret over in a variable, ${{NAME}}, and pin again; or {self._how(item)}", True)
        if self._named(item):
            return None
        if refers(item):
            return Refusal("its command or package is or contains a reference, so nobody can say what it starts", self._how(item), True)
        if self.altered and item.is_pinned and uses_files(item):
            what = f"it runs with files of the repository, and {visible(self.altered, 80)} is not as the trusted revision has it"
            return Refusal(what, f"connect on the trusted branch, or {self._how(item)}")
        if self.everything or (self.trusted and item.is_pinned):
            return None
        if item.is_pinned:
            return Refusal(
                "in CI the lockfile of the working tree allows no start",
                f"{'use --yes' if self.pinning else 'use --trusted-ref'}, or {self._how(item)}",
            )
        if self.declined:
            return Refusal("you said no", "to start some and not all, name each: --allow-launch NAME")
        if self.pinning:
            return Refusal("nobody said that it may be started", "run this at a terminal, or with --yes or --allow-launch NAME")
        return Refusal(_unpinned(item), f"review it and run mcp-audit pin, or {self._how(item)}")

    def _named(self, item: Match) -> bool:
        if self.digests is not None:
            return item.launch_digest in self.digests
        return any(fnmatchcase(item.entry.name, glob) for glob in self.globs)

    def _how(self, item: Match) -> str:
        return f"allow it for this run with --allow-launch {item.launch_digest if self.digests is not None else 'NAME'}"


def refers(item: Match) -> bool:
    """True when a variable decides which program, package, image or host is started or reached. The open folder is none."""
    launch = item.entry.launch
    texts = [placed(word.text) for word in (*launch.line[:1], *launch.words[:1])]
    texts += ["/".join(word.text.partition("?")[0].split("/")[:3]) for word in launch.urls]
    texts += [package.text for package in launch.packages] + ([launch.image.text] if launch.image else [])
    if launch.script is not None:
        texts.append(placed(launch.script.text))
    return any(has_reference(text) for text in texts)


def hides(item: Match) -> str:
    """Which part of a launch that decides what is started or reached is masked, in words; "" when none is.

    Two launches that differ only there have one pin, so that a pin of the one says nothing of the other.
    """
    launch = item.entry.launch
    texts = [word.text for word in launch.words]
    masked = {word.at for word, text in zip(launch.words, masked_args(texts), strict=True) if word.text != text}
    named = (*launch.words[:1], *launch.wrappers, *launch.line[:1], launch.script, launch.code, launch.shell)
    at = {word.at for word in named if word is not None} | {package.at for package in launch.packages}
    at |= {launch.image.at} if launch.image else set()
    at |= {option.value_at for option in launch.options if option.name in (*_LOADED, *_MODULES)}
    if masked & at:
        return "the program, script or package that it names"
    if launch.cwd is not None and mask(launch.cwd.text) != launch.cwd.text:
        return "the folder that it starts in"
    if any(_address(word.text) != _address(mask(word.text)) for word in launch.urls if word.at[:1] != ("args",)):
        return "the path of its address"
    written = item.launch.get("env")
    kept = written if isinstance(written, dict) else {}
    loading = (
        one for one in launch.env if one.value and _LOADING.match(one.name) and MASK in (kept.get(one.name), masked_value(one.name, one.value))
    )
    return next((f"the variable {visible(one.name, 80)}" for one in loading), "")


# Variables that make a program load other code, or take it from elsewhere.
_LOADING = lazy(
    r"(?i)(?:PATH|ENV|LD_.*|DYLD_.*|NODE_(?:OPTIONS|PATH)|PYTHON(?!UNBUFFERED\Z|IOENCODING\Z|UTF8\Z).*|PERL5.*|RUBY.*|BASH_ENV|JAVA_TOOL_OPTIONS|.*JDK_JAVA_OPTIONS|GIT_.*)\Z"
)
_LOADED = ("-r", "--require", "--import", "--loader", "--experimental-loader", "--preload", "-jar", "--file", "-f")


def _address(url: str) -> str:
    """Host and path of an address; a pin may leave out user and query, which decide nothing that is reached."""
    host, slash, path = url.partition("?")[0].partition("#")[0].partition("://")[2].partition("/")
    return f"{host.rpartition('@')[2]}{slash}{path}"


def uses_files(item: Match) -> bool:
    """True when a launch needs the repository around it: its scripts, a folder to start in, a module, or a relative path."""
    launch = item.entry.launch
    if item.ran.files or launch.cwd or any(option.name in _MODULES for option in launch.options):
        return True
    named = {package.at for package in launch.packages} | ({launch.image.at} if launch.image else set())
    return any(_is_path(word.text) for word in launch.words if word.at not in named)


_MODULES = ("-m", "--module")


def _is_path(text: str) -> bool:
    """True for a word in which a relative path stands, or one below the open folder."""
    if "://" in text:
        return False
    pieces = [piece for part in text.split("=") for piece in part.split(",") for piece in piece.split(":")]
    here = any(piece in (".", "..") or piece.startswith(("./", "../", ".\\", "..\\")) for piece in pieces)
    return here or without_root(text) != text or ("/" in text and not text.startswith(("/", "-", "@", "~", "$", "%")))


def _unpinned(item: Match) -> str:
    if item.pin is None:
        return "its launch is not pinned" + (", though another launch of its name is" if item.others else "")
    if not item.exact:
        return "its launch is written otherwise than it is pinned"
    if not item.sound:
        return "its record in the lockfile was tampered with"
    return f"it runs {item.changed_files[0]}, which is not as it was pinned"
