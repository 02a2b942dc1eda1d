"""A plain reader of HTML, to ask what a page holds."""

from __future__ import annotations

from html.parser import HTMLParser

from pictree.report.page import write_report
from pictree.store import Run

VOID = {"area", "base", "br", "col", "img", "input", "link", "meta", "rect", "line", "circle"}


class Page(HTMLParser):
    """Elements as (tag, attributes), the texts, and the text of each element by id."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.pieces.append(data)

    @property
    def text(self) -> str:
        """All visible text with single spaces."""
        return " ".join(" ".join(self.pieces).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """Attributes of the elements of this name that have these attributes."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}.items()
        return [a for t, a in self.elements if t == tag and wanted <= a.items()]


def read_page(run: Run) -> Page:
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert page.open == []
    return page
