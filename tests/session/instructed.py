"""Sessions in which the user gives a standing instruction, and what is quoted of it."""

from __future__ import annotations

import re
from typing import Any

from context_compaction import Session
from tests.session.talks import session, turns
from tests.windows import assistant, user

RULE = "Always answer in British English."
PINNED = re.compile(r"<pinned(?: ref=\"(m:\d+)\")?>(.*?)</pinned>", re.DOTALL)


def quotes(s: Session) -> list[tuple[str, str]]:
    """What stands under Standing Instructions, with its reference."""
    first = next((message for message in s.context() if message.is_context), None)
    return PINNED.findall(first.text) if first else []


def heard(s: Session) -> list[tuple[str, str]]:
    return [(pin.ref, pin.text) for pin in s.instructions]


def talked(s: Session, first: int = 1, count: int = 7) -> Session:
    """Enough for all that was said before to leave, and that done."""
    s.append(turns(first, count))
    assert s.compact().committed
    return s


def begun(archive: Any = ":memory:", **options: Any) -> Session:
    """A session whose first message, with a rule in it, has left the view."""
    s = session(archive, session_id="s", **options)
    s.append([user(f"Hello there. {RULE} What is a tide?"), assistant("The sea.")])
    return talked(s)
