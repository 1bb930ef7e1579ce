"""``phasediag explore``."""

import click

_EPILOG = """\b
Example:
  phasediag explore --path
"""


@click.command("explore", epilog=_EPILOG)
@click.option("--path", is_flag=True, help="Print where the page lies, and open nothing.")
def command(path: bool) -> None:
    """Open the explorer in a browser: phase diagram, critical times and spectrum, live.

    It is one file that needs no network and no server.
    """
    import webbrowser

    from phasediag.explorer import PAGE

    if not path and webbrowser.open(PAGE.as_uri()):
        return
    click.echo(PAGE)
