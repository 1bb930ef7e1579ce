"""The gallery: a picture of every named figure and of every example, taken from the page that draws it.

``{thumbnails} figures`` shows ``phasediag.figures.FIGURES``, each drawn below a label ``figure-NAME`` on some page;
``{thumbnails} FOLDER`` the first picture of each page in that folder beside the current one. Nothing is drawn twice.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from phasediag.figures import FIGURES


class thumbnails(nodes.General, nodes.Element):  # noqa: N801 (docutils names its nodes so)
    """Stands for the pictures until every page is read."""


class Thumbnails(SphinxDirective):
    """Leave the place of the pictures."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the placeholder."""
        return [thumbnails(what=self.arguments[0])]


def fill(app: Sphinx, doctree: nodes.document, here: str) -> None:
    """Put the pictures in their place, now that every page is read."""
    for place in list(doctree.findall(thumbnails)):
        cards = _figures(app) if place["what"] == "figures" else _pages(app, place["what"])
        box = nodes.container(classes=["thumbnails"])
        for title, text, page, anchor, picture in cards:
            uri = app.builder.get_relative_uri(here, page) + (f"#{anchor}" if anchor else "")
            link = nodes.reference("", "", refuri=uri, internal=True)
            if picture is not None:
                link += nodes.image(uri=picture["uri"], candidates=picture["candidates"], alt=text or title)
            link += nodes.strong(text=title)
            box += nodes.container("", nodes.paragraph("", "", link), nodes.paragraph(text=text), classes=["card"])
        place.replace_self(box)


def _figures(app: Sphinx) -> list[tuple[Any, ...]]:
    labels = app.env.domains.standard_domain.anonlabels
    missing = [name for name in FIGURES if f"figure-{name}" not in labels]
    if missing:
        raise ValueError(f"no page has the labels {', '.join(f'(figure-{name})=' for name in missing)}")
    cards = []
    for name, (_, text) in FIGURES.items():
        page, anchor, *_ = labels[f"figure-{name}"]
        cards.append((name, text, page, anchor, _picture(app, page, anchor)))
    return cards


def _pages(app: Sphinx, folder: str) -> list[tuple[Any, ...]]:
    pages = sorted(page for page in app.env.found_docs if page.startswith(f"{folder}/"))
    pages = [page for page in pages if page.rpartition("/")[2] not in ("index", "figures")]
    return [(app.env.titles[page].astext(), "", page, "", _picture(app, page)) for page in pages]


def _picture(app: Sphinx, page: str, anchor: str = "") -> nodes.image | None:
    """Return the first picture of a page, behind an anchor if there is one."""
    found = not anchor
    for node in app.env.get_doctree(page).findall(nodes.Element):
        found = found or anchor in node.get("ids", ())
        if found and isinstance(node, nodes.image):
            return node
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_node(thumbnails)
    app.add_directive("thumbnails", Thumbnails)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
