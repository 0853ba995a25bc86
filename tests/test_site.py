"""The site builds without a warning, fetches nothing from anywhere, and shows every public name."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "hooks" / "reference.toml"
FETCHED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*?\bsrc=["']?((?:https?:)?//[^"' >]+)|"""
                     r"""<link\b[^>]*?\bhref=["']?((?:https?:)?//[^"' >]+)""")  # fmt: skip
LOCAL = re.compile(r"""<(?:link|a|img|script)\b[^>]*?\b(?:href|src)=["']?([^"'#:?>\s]+)[#?"'>\s]""")
SECONDS = 300


PACKAGES = ("context_compaction", "langchain_compaction", "llamaindex_compaction")


def public_names() -> list[str]:
    exported = ((package, importlib.import_module(package).__all__) for package in PACKAGES)
    return [f"{package}.{name}" for package, names in exported for name in names if name != "__version__"]


def named_in_the_reference() -> list[str]:
    groups = tomllib.loads(REFERENCE.read_text(encoding="utf-8")).values()
    return [f"{group['package']}.{name}" for group in groups for name in group["names"].split()]


def undocumented(site: Path) -> list[str]:
    """Public names without an entry that says something."""
    text = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").glob("*.html"))
    entries = re.split(r'<h2 id="(?=\w+_compaction\.)', text)[1:]
    said = {entry.partition('"')[0]: "<p>" in entry.partition("<h2")[0] for entry in entries}
    return [name for name in named_in_the_reference() if not said.get(name)]


def test_every_public_name_has_one_place_in_the_reference():
    named = named_in_the_reference()
    assert set(public_names()) <= set(named)
    assert len(set(named)) == len(named)


def leads_nowhere(site: Path, pages: dict[str, str]) -> list[tuple[str, str]]:
    """Links, styles, scripts and images of the pages that are not there."""
    return [
        (name, target)
        for name, text in pages.items()
        for target in LOCAL.findall(text)
        if name != "404.html" and not (site / name).parent.joinpath(unquote(target)).exists()
    ]


def test_the_site(tmp_path: Path):
    """One build for all that is looked at: it takes some seconds."""
    pytest.importorskip("mkdocs", reason="the site is built with the extra docs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = sorted(tmp_path.rglob("*.html"))
    pages = {page.relative_to(tmp_path).as_posix(): page.read_text(encoding="utf-8") for page in found}
    assert {name: FETCHED.findall(text) for name, text in pages.items() if FETCHED.search(text)} == {}
    assert leads_nowhere(tmp_path, pages) == []
    assert [name for name, text in pages.items() if "<p>```" in text] == [], (
        "a block that was not seen as one"
    )
    assert undocumented(tmp_path) == []
    notebooks = list(ROOT.glob("notebooks/*.ipynb"))
    assert all('class="ctxc' in pages[f"notebooks/{notebook.stem}.html"] for notebook in notebooks)
    assert 'class="ctxc' in pages["how-it-works.html"]
    decisions = list(ROOT.glob("docs/decisions/[0-9]*.md"))
    assert all(f'href="{record.stem}.html"' in pages["decisions/index.html"] for record in decisions)


def test_what_is_fetched_is_found():
    """The reader itself."""
    page = '<script src="https://a.example/x.js"></script><a href="https://b.example">b</a><img src=//c/d>'
    assert [script or link for script, link in FETCHED.findall(page)] == [
        "https://a.example/x.js",
        "//c/d",
    ]
