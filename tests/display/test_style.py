"""Light and dark, and every colour that carries text or a line strong enough to be read."""

from __future__ import annotations

import re

import pytest

from context_compaction import Message
from tests.display.pages import read

STYLE = read(Message("user", "hello")._repr_html_()).style
TEXT = (
    "fg",
    "dim",
    "kept",
    "edited",
    "summarised",
    "archived",
    "pruned",
    "good",
    "budget",
    "trigger",
    "seen",
    "said",
)
"""Colours that words are set in, or lines drawn with."""
BLOCKS = re.findall(r"([^{}]*)\{(--bg[^}]*)\}", STYLE)


def colours(block: str) -> dict[str, str]:
    """Variables by name; of one that takes JupyterLab's, what it is without."""
    plain = re.sub(r"var\([^,]*,([^)]*)\)", r"\1", block)
    return dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", plain))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_there_is_a_light_and_a_dark_one_by_system_and_by_jupyterlab() -> None:
    selectors = [selector for selector, _ in BLOCKS]
    assert len(selectors) == 4
    assert "@media (prefers-color-scheme:dark)" in STYLE
    assert 'data-jp-theme-light="false"' in STYLE
    dark = [luminance(colours(block)["bg"]) < 0.1 for _, block in BLOCKS]
    assert sorted(dark) == [False, False, True, True]


@pytest.mark.parametrize("block", [block for _, block in BLOCKS])
def test_contrast_is_that_of_wcag_aa(block: str) -> None:
    """4.5 to 1, on the ground and on the tiles."""
    found = {"bg": "#fff", "soft": "#f3f5f7", **colours(block)}
    weak = {
        (name, ground): round(contrast(found[name], found[ground]), 2)
        for name in TEXT
        for ground in ("bg", "soft")
        if contrast(found[name], found[ground]) < 4.5
    }
    assert weak == {}
