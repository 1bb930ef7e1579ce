"""Sphinx: MyST pages, executed where they compute, with the mathematics served from the site itself."""

import os
import sys
from importlib.metadata import distribution
from pathlib import Path
from tempfile import mkdtemp

import jupytext

import phasediag

HERE = Path(__file__).parent

project = "phasediag"
author = "The phasediag developers"
copyright = author
version = release = phasediag.__version__

# The gallery's pictures are gathered by an extension beside this file.
sys.path.insert(0, str(HERE))
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_click",
    "thumbnails",
]
exclude_patterns = ["_build", "*.py", "schemas"]
source_suffix = {".md": "myst-nb", ".rst": "restructuredtext"}
# A single backtick in a docstring names an object, and a name that leads nowhere stops the build.
default_role = "any"
nitpicky = True
# Quotes and dots may curl, but -- begins an option.
smartquotes_action = "qe"

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"
# Equations are (page.number), so that a reference to another page says which.
numfig = math_numfig = True
numfig_secnum_depth = 1

numpydoc_show_class_members = False

# Pages are computed by a kernel of the environment that builds them, which also finds the helpers beside this file.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
# A kernel on this machine need not warn that it talks to this machine.
os.environ["IPYTHONDIR"] = mkdtemp()
profile = Path(os.environ["IPYTHONDIR"], "profile_default")
profile.mkdir()
(profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n")
nb_execution_mode = "inline"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_render_markdown_format = "myst"
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
nb_eval_name_regex = ".+"
nb_mime_priority_overrides = [("html", "text/markdown", 5)]

# MathJax as one file that draws its own glyphs, so that a page opened from a disk needs neither network nor fonts.
(mathjax,) = (file for file in distribution("sphinx-mathjax-offline").files or [] if file.name == "tex-svg.js")
mathjax_path = mathjax.name
mathjax3_config = {
    "options": {"enableMenu": False},
    "svg": {"fontCache": "global", "mtextInheritFont": True},
}

html_theme = "furo"
html_title = "phasediag"
html_static_path = ["_static", str(mathjax.locate()), "../phasediag/explorer/index.html"]
html_css_files = ["custom.css"]
html_copy_source = False
# Excerpts in search results would be fetched, which a browser refuses for a page opened from a disk.
html_show_search_summary = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}

# Gallery and tutorials are the examples themselves: percent scripts, read as notebooks.
for source, pages in ((HERE.parent / "examples", "gallery"), (HERE.parent / "examples" / "tutorials", "tutorials")):
    for stale in (HERE / pages).glob("*.ipynb"):
        stale.unlink()
    for example in sorted(source.glob("*.py")):
        jupytext.write(jupytext.read(example), HERE / pages / f"{example.stem}.ipynb")
