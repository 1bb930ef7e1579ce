"""``phasediag crosscheck``."""

import os
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext

import click

from phasediag.cli.options import manifold_options, output_options, probe_option, size_options, times_option
from phasediag.cli.output import emit
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Example:
  phasediag crosscheck --var 1 --dims 4 --n 50 --t 1 --replicates 50 --seed 0
"""


@click.command("crosscheck", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@probe_option("origin", "Where the score is seen: origin, displaced:K, test, train or at:x1,x2,...")
@click.option(
    "--replicates", type=click.IntRange(min=2), default=400, show_default=True, help="Number of data sets, at least 2."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of all randomness. [default: fresh]")
@click.option(
    "--rare",
    is_flag=True,
    help="Draw only the lowest levels of the energies, whatever N is. [default: above N = 1e7]",
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes, no more than processors."
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    help="A .npz file to go on from after an interruption; needs --seed.",
)
@output_options
@reads_query
def command(query: Query, replicates: int, seed: int | None, rare: bool, workers: int, checkpoint: str | None) -> int:
    """Hold theory against Monte Carlo: every level with its z-score, and measured critical times.

    Ctrl-C prints what was measured so far and exits with 130. Exit code 1 if the finite level disagrees.
    """
    from phasediag.comparison import crosscheck
    from phasediag.report.crosscheck import crosscheck_record, crosscheck_report

    if checkpoint is not None and seed is None:
        raise click.UsageError("--checkpoint needs --seed to resume from")
    _, log_n, _ = query.one_size
    with _pool(_capped(workers, replicates)) as executor:
        check = crosscheck(
            query.law,
            t=query.t,
            probe=query.where,
            log_n=log_n,
            method="rare" if rare else "auto",
            n_replicates=replicates,
            rng=seed,
            executor=executor,
            checkpoint=checkpoint,
        )
    emit(crosscheck_report(crosscheck_record(check, query.time)), query)
    if check.interrupted:
        return 130
    return 1 if check.disagreements else 0


def _capped(workers: int, replicates: int) -> int:
    """Return no more workers than there is work or cores for, and say so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = min(cores, replicates)
    if workers > most:
        click.echo(f"{most} instead of {workers} workers: {cores} processors, {replicates} data sets", err=True)
    return min(workers, most)


def _pool(workers: int) -> AbstractContextManager[Executor | None]:
    """Return a pool of processes; none for a single worker."""
    if workers == 1:
        return nullcontext()
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(workers, initializer=_follow_parent)


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
