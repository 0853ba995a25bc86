"""Pages keep the path that they have in the repository, and get an address of the site.

So a link between two files, README and notebooks included, leads to the right page here as it does where the
repository is browsed, and nothing is written twice.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
ADDRESSES = {
    "README.md": "first-lines.html",
    "CHANGELOG.md": "changelog.html",
    "CONTRIBUTING.md": "contributing.html",
    "notebooks/README.md": "notebooks/index.html",
}
"""Of the pages outside `docs`."""
DECISIONS = "docs/decisions/README.md"
MARK = re.compile(r"(?<=^```python) no-run$", re.MULTILINE)


def on_config(config: MkDocsConfig) -> None:
    """Entries of the navigation whose page is not written (the report of a run, say) are left out."""
    config.nav = _there(config.nav)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
            files.append(_file(config, f"docs/{file.src_uri}", file.dest_uri))
    for path, address in ADDRESSES.items():
        files.append(_file(config, path, address))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Code blocks lose the mark that tests read; the list of decisions is made from their headings.

    In the search, pages that explain come before those that record.
    """
    if page.file.src_uri.startswith(("docs/decisions/", "CHANGELOG")):
        page.meta["search"] = {"boost": 0.5}
    if page.file.src_uri == DECISIONS:
        records = sorted((ROOT / DECISIONS).parent.glob("[0-9]*.md"))
        markdown += "\n" + "\n".join(_entry(record) for record in records)
    return MARK.sub("", markdown)


def _file(config: MkDocsConfig, path: str, address: str) -> File:
    file = File.generated(config, path, abs_src_path=str(ROOT / path))
    file.dest_uri = address
    return file


def _entry(record: Path) -> str:
    heading = re.match(r"# (\d+)\. (.+)\n", record.read_text(encoding="utf-8"))
    if heading is None:
        raise PluginError(f"{record}: a decision begins with a line `# NUMBER. TITLE`")
    return f"- **{heading[1]}** [{heading[2]}]({record.name})"


def _there(nav: Any) -> Any:
    """The navigation without what names a page of `docs` that does not exist."""
    match nav:
        case str():
            return nav if not nav.startswith("docs/") or (ROOT / nav).exists() else None
        case dict():
            return {title: part for title, below in nav.items() if (part := _there(below))} or None
        case list():
            return [part for entry in nav if (part := _there(entry))]
        case _:
            return nav
