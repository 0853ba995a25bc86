"""Building HTML so that nothing of a conversation can become markup: whatever is not `Html` is escaped."""

from __future__ import annotations

import html
import re

_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of surrogate pairs, which no notebook's file can hold."""


class Html(str):
    """Markup, safe to put into a page as it is. Made by `tag` and `joined` alone."""

    __slots__ = ()


Child = Html | str | int
Attribute = str | int | float


def escaped(text: str) -> Html:
    """Text as a page shows it: nothing in it is markup."""
    return Html(html.escape(_ODD.sub("\ufffd", text.replace("\r\n", "\n")), quote=True))


def tag(name: str, *children: Child, **attributes: Attribute) -> Html:
    """An element. ``class_`` and ``aria_label`` stand for ``class`` and ``aria-label``.

    Attributes are for our own words and numbers: what was said in a conversation is always a child.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"' for key, value in attributes.items()
    )
    return Html(f"<{name}{given}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Several pieces one behind the other."""
    return Html("".join(child if isinstance(child, Html) else escaped(str(child)) for child in children))
