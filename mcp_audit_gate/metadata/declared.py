"""What a surface declares, piece by piece: a Surface in, its tools, prompts, resources, templates and instructions out."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Json, Pointer, Surface

INSTRUCTIONS = "instructions"


class Item(NamedTuple):
    """One thing a server declares.

    subject: as findings name it (`tool:NAME`). kind: tool, prompt, resource, template, instructions. at: where its value stands
    below the pin. value: the definition, for instructions the text.
    """

    subject: str
    kind: str
    name: str
    at: Pointer
    value: Json

    @property
    def definition(self) -> dict[str, Json]:
        """The value when it is an object, else an empty one."""
        return self.value if isinstance(self.value, dict) else {}


def items(surface: Surface) -> Iterator[Item]:
    """Everything that a surface declares, the instructions first, then in the lockfile's order; the server's own card counts as instructions."""
    if surface.instructions is not None:
        yield Item(INSTRUCTIONS, INSTRUCTIONS, "", ("instructions",), surface.instructions)
    if surface.server_info:
        yield Item(INSTRUCTIONS, INSTRUCTIONS, "", ("serverInfo",), surface.server_info)
    lists = (
        ("tools", "tool", "name", surface.tools),
        ("prompts", "prompt", "name", surface.prompts),
        ("resources", "resource", "uri", surface.resources),
        ("resourceTemplates", "template", "uriTemplate", surface.resource_templates),
    )
    for member, kind, key, definitions in lists:
        for number, definition in enumerate(definitions):
            name = text_of(definition.get(key))
            yield Item(f"{kind}:{name}", kind, name, (member, number, "definition"), definition)


def text_of(value: Json) -> str:
    """The value when it is text, else ""."""
    return value if isinstance(value, str) else ""


def parameters(definition: dict[str, Json]) -> dict[str, Json]:
    """The top-level parameters of a tool, or the arguments of a prompt, by name, with what is declared for each."""
    schema = definition.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    found = dict(properties) if isinstance(properties, dict) else {}
    arguments = definition.get("arguments")
    for argument in arguments if isinstance(arguments, list) else ():
        if isinstance(argument, dict) and isinstance(argument.get("name"), str):
            found[str(argument["name"])] = argument
    return found
