"""Notebooks become pages, with the outputs that are kept in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from mkdocs.structure.files import File, Files
from nbformat import NotebookNode

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"^<!-- the first display of (notebooks/\S+) -->$", re.MULTILINE)


class NotebookPage(File):
    """A page whose source is a notebook; its path ends as the notebook's does, so that links find it."""

    def is_documentation_page(self) -> bool:
        return True


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = NotebookPage.generated(config, f"notebooks/{path.name}", content=markdown_of(path))
        page.dest_uri = f"notebooks/{path.stem}.html"
        files.append(page)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A comment that names a notebook is replaced by what the notebook shows first."""
    return SHOWN.sub(lambda match: _first_display(ROOT / match[1]), markdown)


def markdown_of(path: Path) -> str:
    """A notebook as Markdown."""
    return "\n\n".join(_cell(cell) for cell in nbformat.read(path, as_version=4).cells) + "\n"


def _first_display(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return next(
        _output(output)
        for cell in cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    )


def _cell(cell: NotebookNode) -> str:
    if cell.cell_type != "code":
        return cell.source
    outputs = [_output(output) for output in cell.outputs]
    return "\n\n".join([f"```python\n{cell.source}\n```", *outputs])


def _output(output: NotebookNode) -> str:
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "text/html" in data:
        return f'<div class="output">{data["text/html"]}</div>'
    if "image/png" in data:
        image = "".join(data["image/png"].split())
        return f'<div class="output"><img alt="A plot" src="data:image/png;base64,{image}"></div>'
    return f"```text\n{data['text/plain'].rstrip()}\n```"
