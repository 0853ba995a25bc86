"""``<think>`` text that some models write in front of, or between, what they say."""

from __future__ import annotations

import re

_TAGS = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)


def without_thinking(text: str) -> str:
    """The text less its ``<think>`` and ``<thinking>`` parts. Linear in the text.

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
