"""``python -m phasediag``."""

from phasediag.cli import main

main()
