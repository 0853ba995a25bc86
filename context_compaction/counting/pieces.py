"""Text made safe for a tokenizer: no lone surrogates, no endless runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_RUN = 1024
"""Characters of one kind in a row that are handed to a tokenizer at once."""

_MARKS = r"!-/:-@\[-`{-~"
# A tokenizer first cuts text into words, then merges bytes inside a word; its time can be quadratic in the
# length of one word. No word crosses these kinds of run (letters, signs, blanks, line ends with slashes), so
# only such runs need cutting. The look-behinds make the search linear.
_KINDS = (rf"[^\s{_MARKS}]", r"(?:[^\w\s]|_)", r"\s", r"[\r\n/]")
_LONG_RUN = re.compile("|".join(f"(?<!{kind}){kind}{{{MAX_RUN + 1},}}" for kind in _KINDS))
# Wherever a longer run lies, one of the blocks that the text is cut into is of its kind from end to end.
_BLOCK = MAX_RUN // 2
_ONE_KIND = re.compile("|".join(f"{kind}++" for kind in _KINDS))


def tidy(text: str) -> str:
    """The text with lone surrogates replaced, so that it can be encoded as UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # utf-16 joins pairs that belong together; only what stays alone is replaced
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def pieces(text: str) -> Iterator[str]:
    """The text in order, cut only inside runs longer than `MAX_RUN`.

    Each cut may cost a token more than the whole run would: at most one in a thousand characters.
    """
    blocks = range(0, len(text) - _BLOCK + 1, _BLOCK)
    if len(text) <= MAX_RUN or not any(_ONE_KIND.fullmatch(text, at, at + _BLOCK) for at in blocks):
        yield text
        return
    done = 0
    for run in _LONG_RUN.finditer(text):
        for start in range(run.start() + MAX_RUN, run.end(), MAX_RUN):
            yield text[done:start]
            done = start
    yield text[done:]
