"""Every relative link of the pages leads somewhere: to a file or folder, and to a heading that is there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "index.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("notebooks/*.md"))]
FENCE = re.compile(r"^[ \t]*(```+|~~~+).*?^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
TARGET = re.compile(r"\]\(\s*<?([^)\s>]+)|^[ ]{0,3}\[[^\]]+\]:[ \t]*<?([^\s>]+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
"""How an address begins that is none of ours to follow."""


def links_of(text: str) -> list[str]:
    """What the links of a page lead to, here; what stands in code is no link."""
    text = SPAN.sub("`", FENCE.sub("", text))
    found = [inline or reference for inline, reference in TARGET.findall(text)]
    return [target for target in found if not ELSEWHERE.match(target)]


def anchors_of(text: str) -> set[str]:
    """The names that GitHub gives the headings of a page."""
    seen: Counter[str] = Counter()
    names: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        names.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def broken(page: Path, root: Path) -> list[str]:
    """The links of a page that lead nowhere, or out of ``root``."""
    out: list[str] = []
    for target in links_of(page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        path = (page.parent / unquote(name)).resolve() if name else page
        there = path.is_relative_to(root) and path.exists()
        if not there or (anchor and unquote(anchor) not in anchors_of(path.read_text(encoding="utf-8"))):
            out.append(target)
    return out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    assert broken(page, ROOT) == []


def test_the_index_leads_to_every_page_and_notebook():
    targets = {target.partition("#")[0] for target in links_of(INDEX.read_text(encoding="utf-8"))}
    led_to = {(INDEX.parent / target).resolve() for target in targets}
    pages = {*ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb")} - {INDEX}
    assert pages - led_to == set()


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path):
    """The reader itself."""
    (tmp_path / "b.md").write_text(
        "# B\n## What's `here`?\n## A\n## A\n```\n# Not this\n```\n", encoding="utf-8"
    )
    page = tmp_path / "a.md"
    page.write_text(
        "# Top\n[a](b.md) [two\nlines](b.md#whats-here) ![i](#top) [r]\n[w](https://x.example/#y) "
        "[s](b.md#a-1)\n[x](c.md) `[code](d.md)` [y](b.md#not-this) [z](#nope) [o](../) [f](b.md#a-2)\n\n"
        "```python\n[in a block](e.md)\n```\n\n[r]: g.md\n",
        encoding="utf-8",
    )
    assert broken(page, tmp_path) == ["c.md", "b.md#not-this", "#nope", "../", "b.md#a-2", "g.md"]
