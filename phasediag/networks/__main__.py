"""Train the networks of an experiment: ``python -m phasediag.networks gaussian``."""

from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import click

from phasediag.networks.experiments import EXPERIMENTS, run


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice(list(EXPERIMENTS)))
@click.option("--sizes", type=str, help="Some of its numbers of samples, a,b,c. [default: all]")
@click.option("--seeds", default="0,1,2", show_default=True, help="A network for each.")
@click.option("--quick", is_flag=True, help="A small part, to no file.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
def main(names: tuple[str, ...], sizes: str | None, seeds: str, quick: bool, workers: int) -> None:
    """Train what is not yet in the results of these experiments."""
    chosen = None if sizes is None else tuple(map(int, sizes.split(",")))
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn")) if workers > 1 else nullcontext()
    with pool as executor:
        for name in names:
            path = None if quick else Path(__file__).parent / "results" / f"{name}.json"
            found = run(
                name, sizes=chosen, seeds=tuple(map(int, seeds.split(","))), quick=quick, path=path, executor=executor
            )
            click.echo(f"{name}: {len(found.records)} networks")


if __name__ == "__main__":
    main()
