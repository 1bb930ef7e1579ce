"""The explorer: one page that computes phase diagrams in the browser, with formulas from the symbolic room.

``python -m phasediag.explorer`` writes ``index.html`` anew from ``template.html`` and `phasediag.symbolic`.
"""

from pathlib import Path

__all__ = ["PAGE", "build"]

#: The page as it is shipped: self-contained, to be opened from a disk.
PAGE = Path(__file__).with_name("index.html")

#: Formulas the page computes with, and those it shows.
_COMPUTED = (
    "condensation_typical",
    "condensation_origin",
    "rem_exact",
    "rem_gaussian",
    "isolated",
    "resolution",
    "score",
    "resolution_typical",
    "score_typical",
    "spectrum_population",
    "clock_vp",
    "clock_abar",
    "clock_edm",
    "clock_flow",
)
_SHOWN = _COMPUTED[:9]


def build() -> str:
    """Return the text of the page, formulas written by SymPy as JavaScript and as MathML."""
    import sympy as sp

    from phasediag.symbolic import formula, formulas, javascript_source

    template = Path(__file__).with_name("template.html").read_text(encoding="utf-8")
    code = "\n".join(javascript_source(name) for name in _COMPUTED)
    meanings = formulas()
    shown = "\n".join(
        f"<dt><code>{name}</code> {meanings[name]}</dt><dd><math display='block'>"
        f"{sp.mathml(formula(name), printer='presentation')}</math></dd>"
        for name in _SHOWN
    )
    return template.replace("/*FORMULAS*/", code).replace("<!--FORMULAS-->", shown)
