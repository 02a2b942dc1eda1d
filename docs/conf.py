"""The documentation's site, `make docs`; nothing in it is loaded from elsewhere."""

from __future__ import annotations

project = "Pictree"
html_title = "Pictree"
html_static_path = ["static"]
html_css_files = ["pictree.css"]
extensions = ["myst_parser"]
exclude_patterns = ["*.py", "gallery/*.txt"]
nitpicky = True
myst_heading_anchors = 3  # so that links to "page.md#a-heading" are checked too
html_theme = "furo"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
smartquotes = False  # what is quoted here is typed
