"""The records of `report` to any number of digits: every real number a string, each of its digits certain."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from phasediag.report.criteria import BOTH, COLUMNS
from phasediag.report.critical import CONDENSATION
from phasediag.report.records import Record
from phasediag.symbolic import evaluate


class Digits:
    """Fills in records, keeping their keys and their order.

    Parameters
    ----------
    manifold : mapping
        ``variances``, ``dims``, ``ambient_dim`` and ``geometry`` as they were written, in decimals.
    time : str
        The clock of all times.
    dps : int
        Significant digits.
    """

    def __init__(self, manifold: Mapping[str, Any], time: str, dps: int) -> None:
        self.manifold = dict(manifold)
        self.common = {"time": time, "dps": dps}
        self.note = f"{dps} digits, each certain: interval arithmetic proves a change of sign at every root"

    def critical_times(self, record: Record, size: Mapping[str, str]) -> None:
        """Fill in condensation and critical times at the data-set size given, as alpha or as n."""
        self._describe(record)
        record.update(self._size(size))
        for name, (probe, closure) in CONDENSATION.items():
            if self.manifold["geometry"] == "gaussian" or closure == "gaussian":
                record["condensation"][name] = self._evaluate("condensation_time", probe=probe, closure=closure, **size)
        for name in self._columns(record["lost_first"]):
            times = self._evaluate("critical_times", **self._column(name), **size)
            for subspace, t in zip(record["subspaces"], times, strict=True):
                subspace[name] = t
            first = self._evaluate("lost_first", **self._column(name), **size)
            record["lost_first"][name] = None if first < 0 else first
        for k, subspace in enumerate(record["subspaces"]):
            subspace.update(self._subspace(record, k))

    def condensation(self, record: Record, sizes: Sequence[Mapping[str, str]], **how: str) -> None:
        """Fill in the condensation time at each data-set size."""
        self._describe(record)
        for row, size in zip(record["rows"], sizes, strict=True):
            row.update(self._size(size))
            row["condensation_time"] = self._evaluate("condensation_time", **how, **size)

    def condensation_sizes(self, record: Record, times: Sequence[str], **how: str) -> None:
        """Fill in the data-set size that condenses at each time."""
        self._describe(record)
        for row, t in zip(record["rows"], times, strict=True):
            row.update({"t": t, **self._evaluate("condensation_size", t=t, **how)})

    def free_energy(self, record: Record, sizes: Sequence[Mapping[str, str]], times: Sequence[str], **how: str) -> None:
        """Fill in the thermodynamics at each data-set size and time."""
        self._describe(record)
        rows = iter(record["rows"])
        for size in sizes:
            for t in times:
                next(rows).update({**self._size(size), "t": t, **self._evaluate("thermodynamics", t=t, **how, **size)})

    def dataset_sizes(self, record: Record, times: Sequence[str]) -> None:
        """Fill in the data-set size that keeps each subspace alive down to each time, by every criterion."""
        self._describe(record)
        rows = iter(record["rows"])
        for t in times:
            for name in self._columns(dict.fromkeys(row["criterion"] for row in record["rows"])):
                sizes = self._evaluate("critical_sizes", t=t, **self._column(name))
                for k, size in enumerate(sizes):
                    next(rows).update({"t": t, **self._subspace(record, k), **size})

    def _describe(self, record: Record) -> None:
        described = record["manifold"]
        described["variances"] = list(self.manifold["variances"])
        described["dims"] = list(map(_unless_integer, described["dims"], self.manifold["dims"]))
        total = self.manifold["ambient_dim"] or str(sum(map(Decimal, self.manifold["dims"])))
        described["ambient_dim"] = _unless_integer(described["ambient_dim"], total)
        record["notes"].append(self.note)

    def _subspace(self, record: Record, k: int) -> Record:
        return {"variance": self.manifold["variances"][k], "dim": record["manifold"]["dims"][k]}

    def _size(self, size: Mapping[str, str]) -> dict[str, str]:
        return {**self._evaluate("size", **size), **size}

    def _columns(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.manifold["geometry"] == "gaussian" or name == "rem_sphere"]

    def _column(self, name: str) -> dict[str, Any]:
        how = COLUMNS[name].at(BOTH)
        return {**how, "geometry": "sphere"} if name == "rem_sphere" else how

    def _evaluate(self, quantity: str, **how: Any) -> Any:
        return evaluate(quantity, **{**self.manifold, **self.common, **how})


def _unless_integer(number: float, text: str) -> int | str:
    return number if isinstance(number, int) else text
