"""HTML read back by an independent parser: its elements, attributes and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass
class Page:
    """What a browser would make of it."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    """All that is shown, one piece behind the other, the style sheet aside."""
    style: str = ""
    faults: list[str] = field(default_factory=list)
    """What is not as it should be: an element that is not closed, a comment, a declaration."""

    @property
    def tags(self) -> set[str]:
        return {name for name, _ in self.elements}

    @property
    def attributes(self) -> list[tuple[str, str]]:
        return [(key, value or "") for _, given in self.elements for key, value in given.items()]

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [given for _, given in self.elements if name in (given.get("class") or "").split()]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({key for key, _ in attrs}) < len(attrs):
            self.page.faults.append(f"{tag} has an attribute twice")
        self.page.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.page.faults.append(f"{tag} is closed and was not open")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.page.style += data
        else:
            self.page.text += data

    def handle_comment(self, data: str) -> None:
        self.page.faults.append(f"comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        self.page.faults.append(f"declaration {decl!r}")

    def handle_pi(self, data: str) -> None:
        self.page.faults.append(f"instruction {data!r}")

    def unknown_decl(self, data: str) -> None:
        self.page.faults.append(f"declaration {data!r}")


def read(html: str) -> Page:
    """The page; text must be text that can be written to a file."""
    html.encode("utf-8")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.page.faults += [f"{tag} is not closed" for tag in reader.open]
    return reader.page
