"""``python -m phasediag.explorer``: write the page anew."""

from phasediag.explorer import PAGE, build

PAGE.write_text(build(), encoding="utf-8")
