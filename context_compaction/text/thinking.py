"""``<think>`` text that some models write in front of, or between, what they say.

A draft is a model's raw output, where every tag is one. A message may be *about* the tag, so there a tag in
backticks is text, and one that is never closed counts only at the beginning of a line.
"""

from __future__ import annotations

import re

# A pattern that begins with a plain sign is searched much faster.
_OPEN = re.compile(r"<(?<!`<)think(?:ing)?>", re.IGNORECASE)
_CLOSE = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_INDENT = 80
"""Blanks before a tag that begins a line: as far as is looked back."""
_TAGS = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)


def spoken_draft(text: str) -> str:
    """A model's draft less its ``<think>`` and ``<thinking>`` parts. Linear in the text.

    An unclosed tag takes the rest with it; a closing tag that nothing opened takes all before it, for
    there are chat templates that open the tag in the prompt.
    """
    kept: list[str] = []
    start, depth = 0, 0
    for tag in _TAGS.finditer(text):
        if not tag.group(1):
            if depth == 0:
                kept.append(text[start : tag.start()])
            depth += 1
        elif depth == 0:
            kept.clear()
        else:
            depth -= 1
        start = tag.end() if depth == 0 else start
    return "".join(kept).strip() if depth else "".join((*kept, text[start:])).strip()


def without_thinking(text: str) -> str:
    """The text less its ``<think>`` and ``<thinking>`` parts, stripped of blanks if there were any.

    One that is never closed takes the rest along if it begins a line. Linear in the text.
    """
    kept: list[str] = []
    done = 0
    closing = True
    for opened in _OPEN.finditer(text):
        if opened.start() < done:
            continue
        closed = _CLOSE.search(text, opened.end()) if closing else None
        if closed is not None:
            kept.append(text[done : opened.start()])
            done = closed.end()
        elif _begins_line(text[max(done, opened.start() - _INDENT) : opened.start()]):
            kept.append(text[done : opened.start()])
            done = len(text)
        else:
            closing = False
    return "".join([*kept, text[done:]]).strip() if done else text


def _begins_line(before: str) -> bool:
    blanks = before.rstrip(" \t")
    return not blanks or blanks.endswith("\n")
