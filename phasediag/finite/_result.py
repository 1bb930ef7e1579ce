"""What every result of exact averages can do."""

from typing import Any

import numpy as np

from phasediag._arrays import Float


class Result:
    """A dataclass of arrays: over a grid of t and alpha, some with one more axis."""

    def to_dict(self) -> dict[str, Any]:
        """Return the arrays as plain lists, by name; those that do not exist are left out."""
        return {name: value.tolist() for name, value in self._arrays().items()}

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame, one row for each point of the grid; needs ``pip install 'phasediag[pandas]'``."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'phasediag[pandas]'") from error
        return pandas.DataFrame(self._columns())

    def _repr_html_(self) -> str:
        columns = self._columns()
        head = "".join(f"<th>{name}</th>" for name in columns)
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        body = "".join("<tr>" + "".join(f"<td>{value:.6g}</td>" for value in row) + "</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _arrays(self) -> dict[str, Float]:
        return {name: np.asarray(value) for name, value in vars(self).items() if value is not None}

    def _columns(self) -> dict[str, Float]:
        """Return one column for each value, with the index of its last axis where it has one."""
        arrays = self._arrays()
        grid = min(value.ndim for value in arrays.values())
        columns = {}
        for name, value in arrays.items():
            flat = value.reshape(int(np.prod(value.shape[:grid])), -1)
            for k, column in enumerate(flat.T):
                columns[name if value.ndim == grid else f"{name}:{k}"] = column
        return columns
