"""What clients show or send because a server declares it: icons, headers made of arguments, apps; what servers declare in, findings out."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.rules.surfaces import NEEDS, example, named, place, things

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Pinned

ICON_SOURCE = RuleInfo(
    id="icon-source",
    family="metadata",
    severity="low",
    title="An icon comes unencrypted or may hold program text",
    why="A client that shows it loads it: from whoever sits on the way, or with the script in it.",
    looks_at="Icons from http addresses, and data addresses of SVG pictures with a script.",
    fix="Have the icon served over https or as a plain picture.",
    references=("CWE-829",),
    example_bad=example("Writes a report.", icons=[{"src": "http://static.example.net/report.png"}]),
    example_good=example("Writes a report.", icons=[{"src": "https://static.example.net/report.png"}]),
    needs=NEEDS,
    precision="very-high",
)


def icon_source(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each thing with such an icon."""
    for thing in things(pinned):
        for mark in thing.marks:
            for number, icon in enumerate(mark.value) if mark.name == "icons" and isinstance(mark.value, list) else ():
                written = str(icon.get("src", "")) if isinstance(icon, dict) else ""
                source = written.lower()
                if source.startswith("http://") or (source.startswith("data:image/svg") and _has_script(written)):
                    text = f'{named(thing.item)} has an icon from "{visible(source, 60)}".'
                    yield Hit(place(pinned, (*mark.at, number, "src")), text, source, subject=thing.item.subject)


def _has_script(address: str) -> bool:
    """True for a data address of a picture that holds a script, in any of the encodings of such an address."""
    from binascii import Error, a2b_base64
    from urllib.parse import unquote_to_bytes

    head, _, body = address.partition(",")
    data = unquote_to_bytes(body)
    if head.lower().rstrip().endswith(";base64"):
        try:
            data = a2b_base64(data + b"==")
        except Error:
            return False
    return b"<script" in data.lower()


HEADER_MIRRORING = RuleInfo(
    id="header-mirroring",
    family="metadata",
    severity="medium",
    title="An argument becomes a header that servers trust",
    why="The model chooses the argument; the client copies it into the header, and whoever trusts the header is told what the model was told to say.",
    looks_at="x-mcp-header with names such as Authorization, Cookie, Host, Forwarded, or of tenants and users.",
    fix="Have the server's authors choose another name.",
    references=("CWE-113",),
    example_bad=example("Writes a report.", schema={"properties": {"who": {"type": "string", "x-mcp-header": "X-Forwarded-User"}}}),
    example_good=example("Writes a report.", schema={"properties": {"where": {"type": "string", "x-mcp-header": "Region"}}}),
    needs=NEEDS,
)
_TRUSTED = ("authorization", "cookie", "host", "forwarded", "tenant", "user", "x-real-ip", "x-original", "api-key", "token", "origin", "referer")


def header_mirroring(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each parameter that is copied into such a header."""
    for thing in things(pinned):
        for mark in thing.marks:
            name = mark.value.lower() if mark.name == "x-mcp-header" and isinstance(mark.value, str) else ""
            if name and any(word in name for word in _TRUSTED):
                text = f'{named(thing.item)} copies an argument into the header "{visible(str(mark.value), 60)}".'
                yield Hit(place(pinned, mark.at), text, name, subject=thing.item.subject)


UI_EGRESS = RuleInfo(
    id="ui-egress",
    family="metadata",
    severity="medium",
    title="A server's app may connect anywhere or use camera, microphone or clipboard",
    why="What the app shows and hears can leave for any address; the user sees only the app.",
    looks_at="connectDomains with `*` or a bare wildcard, and permissions for camera, microphone, clipboard or place in what an app declares.",
    fix="Have it narrowed to the hosts it needs.",
    references=("CWE-942", "GHSA-x975-rgx4-5fh4"),
    example_bad=example("Shows a report.", _meta={"ui": {"csp": {"connectDomains": ["*"]}}}),
    example_good=example("Shows a report.", _meta={"ui": {"csp": {"connectDomains": ["https://reports.example.com"]}}}),
    needs=NEEDS,
)
_DEVICES = frozenset(("camera", "microphone", "clipboardwrite", "clipboardread", "clipboard", "geolocation"))


def ui_egress(pinned: Pinned) -> Iterator[Hit]:
    """One hit for each thing whose app asks for more than its own host."""
    for thing in things(pinned):
        for mark in thing.marks:
            asked = [str(item).lower() for item in mark.value] if isinstance(mark.value, (list, dict)) else []
            wide = mark.name == "connectDomains" and any(item in ("*", "https://*", "http://*", "wss://*", "https:", "*:*") for item in asked)
            devices = [item for item in asked if item in _DEVICES] if mark.name == "permissions" else []
            if wide or devices:
                text = f"{named(thing.item)} lets its app {'connect to any host' if wide else 'use ' + ', '.join(devices)}."
                yield Hit(place(pinned, mark.at), text, subject=thing.item.subject)
                break


RULES: tuple[Rule, ...] = (
    Rule(ICON_SOURCE, icon_source, "surface"),
    Rule(HEADER_MIRRORING, header_mirroring, "surface"),
    Rule(UI_EGRESS, ui_egress, "surface"),
)
