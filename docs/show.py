"""What a computed page shows, as Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


class Table:
    """Rows under a header; floats with four significant digits."""

    def __init__(self, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self.lines = [list(header), ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]

    def _repr_markdown_(self) -> str:
        return "\n".join(f"| {' | '.join(line)} |" for line in self.lines)


class Schema:
    """The definitions of a JSON Schema, one table for each command."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions

    def _repr_markdown_(self) -> str:
        return "\n\n".join(self._section(name) for name in self.definitions if name not in ("real", "real_or_null"))

    def _section(self, name: str) -> str:
        definition = self.definitions[name]
        text = f"**{name}**\n\n{definition['description']}"
        if "properties" in definition:
            text += "\n\n" + Table(["key", "type", "meaning"], self._rows(definition))._repr_markdown_()
        return text

    def _rows(self, definition: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
        for key, value in definition["properties"].items():
            optional = "" if key in definition["required"] else ", optional"
            meaning = " ".join(filter(None, (value["description"], _choices(value))))
            yield f"`{prefix}{key}`", _type(value) + optional, meaning
            inner = value.get("items", value)
            if "properties" in inner:
                yield from self._rows(inner, f"{prefix}{key}{'[]' if 'items' in value else ''}.")


class Benchmarks:
    """The output of ``make bench``: the machine, and a block of text for each benchmark."""

    def __init__(self, text: str) -> None:
        self.machine, *self.sections = text.strip().split("\n== ")

    def _repr_markdown_(self) -> str:
        return "\n\n".join([f"Measured on {self.machine.strip()}.", *map(self._section, self.sections)])

    def _section(self, section: str) -> str:
        name, _, rest = section.partition(": ")
        title, _, table = rest.partition("\n")
        return f"**{name}.** {title}\n\n```text\n{table.rstrip()}\n```"


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        return value["$ref"].removeprefix("#/$defs/").replace("_", " ")
    kind = value["type"]
    return " or ".join(kind) if isinstance(kind, list) else kind


def _choices(value: Mapping[str, Any]) -> str:
    return " or ".join(f"`{choice}`" for choice in value.get("enum", ()))
