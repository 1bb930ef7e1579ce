"""What every result of exact averages can do."""

from typing import Any


class Result:
    """A dataclass of arrays."""

    def to_dict(self) -> dict[str, Any]:
        """Return the arrays as plain lists, by name; those that do not exist are left out."""
        return {name: value.tolist() for name, value in vars(self).items() if value is not None}
