"""``phasediag crosscheck``."""

import os
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from phasediag.cli.options import manifold_options, output_options, size_options, times_option
from phasediag.cli.output import (
    Row,
    clock_line,
    dims_notes,
    echo_csv,
    echo_json,
    echo_lines,
    echo_notes,
    echo_table,
    title,
)

_EPILOG = """\b
Example:
  phasediag crosscheck --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.23 --t 0.03:1:4 --replicates 50 --seed 0
"""

_MEANING = (
    "Levels: exact and gaussian are the closures of the random energy model, asymptotic in log N: z shows their bias.",
    "  finite is the exact average at this N: expected to agree; beyond the threshold the exit code is 1.",
    "Quantities: log Z on the manifold, Y2, and C_ii, J_ii averaged over subspace k.",
    "z is (mean - theory)/standard_error; where fewer than 30 data sets carry the mean, with the largest error added",
    "  that the theory allows for those not seen. The threshold leaves 1 false alarm in 1000 runs.",
)
_CRITICAL = (
    "Critical times: where the standard deviation over data sets of J_ii at the origin is 1/(t + s_k) (resolution),",
    "  and that of the score, displaced along the subspace, equals its mean (score); errors are bootstrapped.",
)


@click.command("crosscheck", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@click.option("--probe", default="origin", show_default=True, help="origin, displaced:K, test, train or at:x1,x2,...")
@click.option(
    "--replicates", type=click.IntRange(min=2), default=400, show_default=True, help="Number of data sets, at least 2."
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of all randomness. [default: fresh]")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes, no more than this machine has processors.",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    help="A .npz file to go on from after an interruption; needs --seed.",
)
@output_options
def command(style: str, time: str, ambient_dim: Any, **options: Any) -> int:
    """Theory against Monte Carlo: every level with its z-score, and measured critical times.

    Ctrl-C prints what was measured so far, and exits with 130. Exit code 1 if the finite level disagrees.
    """
    check = _run(time=time, ambient_dim=ambient_dim, **options)
    record = _record(check, time)
    record["notes"] += dims_notes(record["manifold"]["ambient_dim"], ambient_dim)
    if check.interrupted:
        record["notes"].append(_interrupted(check))
    if style == "json":
        echo_json(record)
    elif style == "csv":
        echo_csv([{"time": time, **row} for row in (*record["rows"], *map(_flat, record["critical_times"]))])
    else:
        _echo_tables(record, interrupted=check.interrupted)
    if check.interrupted:
        return 130
    return 1 if check.disagreements else 0


def _run(
    var: Any,
    dims: Any,
    ambient_dim: Any,
    geometry: str,
    alpha: Any,
    n: Any,
    times: Any,
    time: str,
    probe: str,
    replicates: int,
    seed: int | None,
    workers: int,
    checkpoint: str | None,
) -> Any:
    from phasediag.cli.inputs import manifold_of, sizes_of, times_of
    from phasediag.comparison import crosscheck

    m = manifold_of(var, dims, ambient_dim, geometry)
    alphas, _ = sizes_of(m, alpha, n)
    if len(alphas) != 1:
        raise click.UsageError("crosscheck takes one --alpha or --n")
    if checkpoint is not None and seed is None:
        raise click.UsageError("--checkpoint needs --seed to resume from")
    t = times_of(times, time)
    with _pool(workers) as executor:
        return crosscheck(
            m,
            t=t,
            probe=probe,
            log_n=float(alphas[0] * m.ambient_dim),
            n_replicates=replicates,
            rng=seed,
            executor=executor,
            checkpoint=checkpoint,
        )


def _interrupted(check: Any) -> str:
    found = check.measurement
    if found.interrupted:
        return f"interrupted after {found.n_replicates} data sets of {found.requested}"
    return "interrupted: the table is not complete"


def _pool(workers: int) -> AbstractContextManager[Executor | None]:
    """Return a pool of processes, as many as there are processors at most; none for a single worker."""
    useful = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers > useful:
        click.echo(f"{useful} workers instead of {workers}: one for each processor", err=True)
    if min(workers, useful) == 1:
        return nullcontext()
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(min(workers, useful), initializer=_follow_parent)


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent process, and end when it is killed, which pools do not."""
    import signal
    from multiprocessing import parent_process
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def _record(check: Any, time: str) -> Row:
    import numpy as np

    from phasediag.noise import from_ve
    from phasediag.report.asymptotic import manifold_record, size_record

    found = check.measurement
    m, rows = found.manifold, check.to_dict()
    for row in rows["rows"]:
        row["t"] = float(from_ve(row["t"], time))
    return {
        "manifold": manifold_record(m),
        **size_record(m, found.alpha, np.inf if found.n is None else found.n),
        "time": time,
        "probe": str(found.probe),
        "replicates": found.n_replicates,
        "seed": found.seed,
        "threshold": check.threshold,
        "rows": rows["rows"],
        "critical_times": rows["critical_times"],
        "notes": list(check.notes),
    }


def _flat(row: Row) -> Row:
    """Return a critical time as a row like the others; it has no time of its own."""
    names = {"theory": "theory", "mean": "measured", "standard_error": "standard_error", "z": "z"}
    quantity = f"critical_time:{row['criterion']}:{row['subspace']}"
    return {"t": None, "quantity": quantity, "level": row["level"], **{new: row[old] for new, old in names.items()}}


def _shown(row: Row) -> Row:
    """Return a row with two decimals of z."""
    return {**row, "z": None if row["z"] is None else f"{row['z']:.2f}"}


def _echo_tables(record: Row, *, interrupted: bool) -> None:
    click.echo(title(record))
    click.echo(f"{record['replicates']} data sets, {record['probe']} probe, seed {record['seed']}\n")
    echo_table([_shown(row) for row in record["rows"]])
    if record["critical_times"]:
        click.echo()
        echo_table([_shown(row) for row in record["critical_times"]])
    echo_lines((*_MEANING, *(_CRITICAL if record["critical_times"] else ()), clock_line(record["time"])))
    scores = [abs(row["z"]) for row in record["rows"] if row["level"] == "finite" and row["z"] is not None]
    if scores and not interrupted:
        verdict = "agrees" if max(scores) <= record["threshold"] else "DISAGREES"
        echo_lines([f"finite {verdict}: largest |z| = {max(scores):.2f}, threshold {record['threshold']:.2f}"])
    echo_notes([record])
