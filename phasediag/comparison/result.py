"""The table of a cross-check: theory and measurement, row by row."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from phasediag.montecarlo import Measurement

__all__ = ["CriticalRow", "CrossCheck", "CrossCheckRow"]


@dataclass(frozen=True)
class CrossCheckRow:
    r"""One quantity at one time, by one theory level and measured.

    ``z`` is mean minus theory by the standard error :math:`\sigma`, the numerical error :math:`\epsilon` of theory and
    arithmetic, and, where fewer than 30 data sets carry the mean, as deep in the condensed phase, the error
    :math:`\rho` of the data sets too rare to be seen, as large as the theory allows:
    :math:`z = (\mathrm{mean} - \mathrm{theory})/\sqrt{\sigma^2 + \epsilon^2 + \rho^2}`.
    """

    t: float
    quantity: str
    level: str
    theory: float
    mean: float
    standard_error: float
    z: float


@dataclass(frozen=True)
class CriticalRow:
    """One critical time, by one theory level and measured: None where noise and signal do not meet.

    ``level`` is a closure of the criterion, ``z`` measured minus theory by the standard error.
    """

    criterion: str
    subspace: int
    level: str
    theory: float
    measured: float | None
    standard_error: float | None
    z: float | None


@dataclass(frozen=True)
class CrossCheck:
    r"""The table of `crosscheck`.

    Attributes
    ----------
    measurement : Measurement
        What was measured.
    rows : tuple of CrossCheckRow
        Every quantity, time and level.
    critical_times : tuple of CriticalRow
        Measured and predicted critical times of ``resolution`` and ``score``.
    threshold : float
        \|z\| beyond which a difference at the ``finite`` level is called a disagreement, corrected for the number of
        comparisons n (Student's t at R - 1 degrees of freedom, the quantile at 1 - 0.001/(2n)).
    interrupted : bool
        Whether Ctrl-C cut it short: data sets, levels or critical times are missing.
    notes : tuple of str
        What limits the numbers.
    """

    measurement: Measurement
    rows: tuple[CrossCheckRow, ...] = field(repr=False)
    critical_times: tuple[CriticalRow, ...] = field(repr=False)
    threshold: float
    interrupted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def disagreements(self) -> tuple[CrossCheckRow, ...]:
        """The rows at the ``finite`` level beyond the threshold: none, if theory and code are right."""
        return tuple(row for row in self.rows if row.level == "finite" and abs(row.z) > self.threshold)

    @property
    def agrees(self) -> bool | None:
        """Whether the ``finite`` level agrees everywhere; None where there is none, or not all of it."""
        if self.interrupted or not any(row.level == "finite" for row in self.rows):
            return None
        return not self.disagreements

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain data, with what made it; None for what is no finite number."""
        return {
            **self.measurement.parameters,
            "threshold": self.threshold,
            "interrupted": self.interrupted,
            "notes": list(self.notes),
            "rows": [_plain(row) for row in self.rows],
            "critical_times": [_plain(row) for row in self.critical_times],
        }

    def to_pandas(self) -> Any:
        """Return the rows as a table (needs pandas); its ``attrs`` hold what made them."""
        from pandas import DataFrame

        table = DataFrame([asdict(row) for row in self.rows])
        table.attrs = {name: value for name, value in self.to_dict().items() if name not in ("rows", "critical_times")}
        return table

    def _repr_html_(self) -> str:
        head = "<tr><th>t</th><th>quantity</th><th>level</th><th>theory</th><th>measured</th><th>z</th></tr>"
        body = "".join(
            f"<tr><td>{r.t:.6g}</td><td>{r.quantity}</td><td>{r.level}</td><td>{r.theory:.6g}</td>"
            f"<td>{r.mean:.6g} ± {r.standard_error:.2g}</td><td>{r.z:.2f}</td></tr>"
            for r in self.rows
        )
        return f"<table>{head}{body}</table>"


def _plain(row: CrossCheckRow | CriticalRow) -> dict[str, Any]:
    numbers = asdict(row)
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in numbers.items()
    }
