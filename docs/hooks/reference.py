"""The API reference: a page for each group of public names, its text made from their docstrings."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

INTRODUCTION = """# API reference

What can be imported from the three packages, and the presets and rungs of ladders. All of it is public,
and changes as [versions](../docs/versions.md) says; what is not here may change at any time. A method with
an `a` in front is the async twin of the one without.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    groups = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    index = "\n".join([INTRODUCTION, *(_line(page, group) for page, group in groups.items())])
    for page, text in {"index": index, **{page: _page(group) for page, group in groups.items()}}.items():
        files.append(File.generated(config, f"reference/{page}.md", content=text))
    return files


def _page(group: dict[str, str]) -> str:
    entries = [f"::: {group['package']}.{name}" for name in group["names"].split()]
    return "\n\n".join([f"# {group['heading']}", f"Imported from `{group['package']}`.", *entries])


def _line(page: str, group: dict[str, str]) -> str:
    names = (f"[`{name}`]({page}.md#{group['package']}.{name})" for name in group["names"].split())
    return f"**[{group['heading']}]({page}.md)**: {', '.join(names)}\n"
