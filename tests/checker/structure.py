"""Is the list one that a provider accepts, and is its frame as designed? (design §4.1, §4.2, §4.4)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.checker.context_message import is_context, is_recalled
from tests.checker.problem import ChatMessage, Problem, call_id, calls, excerpt, role
from tests.checker.request import Request


def check_structure(request: Request) -> list[Problem]:
    """All structural rules."""
    return [
        *_head(request),
        *_first(request),
        *_context_place(request),
        *_recalled_place(request),
        *tool_runs(request.shown),
    ]


def _head(request: Request) -> list[Problem]:
    """Design §4.2: system messages stay word for word, all of them, in front."""
    shown = request.shown[: len(request.head)]
    if list(shown) == request.head:
        return []
    return [Problem("system-head", "head", f"{len(request.head)} head messages are not shown word for word")]


def _first(request: Request) -> list[Problem]:
    """Design §4.4: the first message after the system head has user role."""
    after = request.shown[len(request.head) : len(request.head) + 1]
    if not after or role(after[0]) == "user":
        return []
    return [Problem("first-user", f"shown[{len(request.head)}]", excerpt(after[0]))]


def _context_place(request: Request) -> list[Problem]:
    """Design §5: one context message at most, directly behind the head."""
    places = [place for place, message in enumerate(request.shown) if is_context(message, request.log)]
    return [
        Problem("context-place", f"shown[{place}]", "a context message away from the head")
        for place in places
        if place != len(request.head)
    ]


def _recalled_place(request: Request) -> list[Problem]:
    """Design §5: one recalled block at most, right before the newest user message."""
    places = [place for place, message in enumerate(request.shown) if is_recalled(message, request.log)]
    problems = [
        Problem("recalled-place", f"shown[{place}]", "a second recalled block") for place in places[1:]
    ]
    for place in places[:1]:
        behind = request.shown[place + 1 :]
        users = sum(role(message) == "user" and not is_quoted(message, request.log) for message in behind)
        if users != 1 or role(behind[0]) != "user":
            problems.append(
                Problem("recalled-place", f"shown[{place}]", "not before the newest user message")
            )
    return problems


def is_quoted(message: ChatMessage, log: Sequence[ChatMessage]) -> bool:
    """True for a user message that carries a late or orphan tool result."""
    return (
        role(message) == "user"
        and "<quoted_tool_result" in str(message.get("content"))
        and message not in log
    )


def tool_runs(shown: Sequence[ChatMessage]) -> list[Problem]:
    """Design §4.1: each call answered exactly once, in the unbroken run behind its assistant message."""
    problems: list[Problem] = []
    place = 0
    while place < len(shown):
        end = place + 1
        while end < len(shown) and role(shown[end]) == "tool":
            end += 1
        problems += _run(shown[place], shown[place + 1 : end], place, end == len(shown))
        place = end
    return problems


def _run(caller: ChatMessage, results: Sequence[ChatMessage], place: int, last: bool) -> list[Problem]:
    if role(caller) == "tool":
        return [Problem("tool-orphan", f"shown[{place}]", "a tool result at the very front")]
    asked = (
        Counter(call_id(call) for call in calls(caller)) if role(caller) == "assistant" else Counter[str]()
    )
    given = Counter(str(result.get("tool_call_id")) for result in results)
    problems = [
        Problem("tool-orphan", f"shown[{place}] ff.", f"result without a call before it: {name}")
        for name in (given - asked)
    ]
    if not last:
        problems += [
            Problem("tool-unanswered", f"shown[{place}]", f"call without a result behind it: {name}")
            for name in (asked - given)
        ]
    return problems
