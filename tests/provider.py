"""What OpenAI or Anthropic would reject: pairing, roles, ids, content, of requests in the chat format.

Written from the providers' rules, on plain dicts; nothing of the package is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

ID = re.compile(r"[a-zA-Z0-9_-]+")


class Rejected(AssertionError):
    """A request that a provider answers with status 400."""


def check(request: Sequence[dict[str, Any]]) -> None:
    """Raises `Rejected`."""
    if not request:
        raise Rejected("no messages")
    body = [message for message in request if message["role"] != "system"]
    head = request[: len(request) - len(body)]
    if any(message["role"] != "system" for message in head):
        raise Rejected("a system message stands behind the first other message")
    if not body or body[0]["role"] != "user":
        raise Rejected(f"the first message is {body[0]['role'] if body else 'missing'}, not the user's")
    if body[-1]["role"] == "assistant":
        raise Rejected("the last message is the assistant's: a prefill")
    for place, message in enumerate(request):
        _content(place, message)
    _pairs(body)


def _content(place: int, message: dict[str, Any]) -> None:
    if message["role"] not in ("system", "user", "assistant", "tool"):
        raise Rejected(f"message {place} has the role {message['role']!r}")
    if message["role"] == "tool":
        return  # results may be empty
    text = _text(message.get("content"))
    if not text.strip() and not message.get("tool_calls"):
        raise Rejected(f"message {place} ({message['role']}) says nothing")


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    return "\n".join(part.get("text") or f"<{part['type']}>" for part in content)


def _pairs(body: Sequence[dict[str, Any]]) -> None:
    """Calls are answered right behind them, each once, before anything else is said."""
    open_calls: list[str] = []
    for place, message in enumerate(body):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise Rejected(
                    f"the result at {place} answers no call before it: {message.get('tool_call_id')!r}"
                )
            open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            raise Rejected(f"no result for {open_calls} before message {place}")
        open_calls = [_called(place, call) for call in message.get("tool_calls") or ()]
        if len(set(open_calls)) != len(open_calls):
            raise Rejected(f"message {place} calls twice by one id: {open_calls}")
    if open_calls:
        raise Rejected(f"no result for {open_calls} at the end")


def _called(place: int, call: dict[str, Any]) -> str:
    function = call["function"]
    if not isinstance(json.loads(function["arguments"]), dict):
        raise Rejected(f"message {place}: arguments are no object: {function['arguments']!r}")
    if not ID.fullmatch(call["id"] or "") or not ID.fullmatch(function["name"] or ""):
        raise Rejected(f"message {place}: id {call['id']!r}, name {function['name']!r}")
    return call["id"]
