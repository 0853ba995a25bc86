"""Does a shown message stand for a given message of the log? (design §2, view entries; §3, floor)"""

from __future__ import annotations

import json
import re

from tests.checker.context_message import unescape
from tests.checker.log import Item
from tests.checker.problem import ChatMessage, CountList, call_id, calls, function, role, text

MARKER = re.compile(r"\[[^\[\]]*(?:omitted|clamped|truncated|shortened|removed|…|\.\.\.)[^\[\]]*\]")


def stands_for(shown: ChatMessage, item: Item, original: ChatMessage, references: bool) -> bool:
    """True if the shown message is this item: the original, an edit of it, or what replaces it."""
    if item.kind == "synthetic":
        return role(shown) == "tool" and str(shown.get("tool_call_id")) == item.call and shown != original
    if item.kind == "quoted":
        return is_quote_of(shown, item.seq, references)
    return shown == original or is_edit(shown, original, item.seq, references)


def is_quote_of(shown: ChatMessage, seq: int, references: bool) -> bool:
    """True for a user message that quotes this log message's result (any result, where nothing is named)."""
    named = rf'[^>]*\bref="m:{seq}"' if references else ""
    return role(shown) == "user" and bool(re.search(rf"<quoted_tool_result\b{named}", text(shown)))


def is_edit(shown: ChatMessage, original: ChatMessage, seq: int, references: bool) -> bool:
    """True for a message that may be the original with something cleared, clamped or stripped."""
    if role(shown) != role(original) or shown.get("tool_call_id") != original.get("tool_call_id"):
        return False
    return _calls_kept(shown, original) and _text_kept(text(shown), text(original), seq, references)


def _calls_kept(shown: ChatMessage, original: ChatMessage) -> bool:
    """Ids and names of the calls are untouched; changed arguments are JSON still."""
    pairs = list(zip(calls(shown), calls(original), strict=False))
    return len(calls(shown)) == len(calls(original)) and all(_call_kept(*pair) for pair in pairs)


def _call_kept(shown: ChatMessage, original: ChatMessage) -> bool:
    before, after = function(original), function(shown)
    same = call_id(shown) == call_id(original) and before.get("name") == after.get("name")
    return same and (before.get("arguments") == after.get("arguments") or is_json(after.get("arguments")))


def is_json(arguments: object) -> bool:
    """True if a call's arguments parse as a JSON object."""
    try:
        return isinstance(json.loads(str(arguments)), dict)
    except ValueError:
        return False


def _text_kept(shown: str, original: str, seq: int, references: bool) -> bool:
    """An edit names its original, or, where nothing names it, only leaves parts of it out."""
    if shown == original or (references and re.search(rf"\bm:{seq}\b", shown)):
        return True
    if not references and MARKER.search(shown):
        return True
    return is_subsequence(shown.split(), original.split())


def is_subsequence(part: list[str], whole: list[str]) -> bool:
    """True if `part` is `whole` with words left out."""
    rest = iter(whole)
    return all(word in rest for word in part)


def is_longer(shown: ChatMessage, original: ChatMessage, count: CountList) -> bool:
    """True if an edit costs more than its original did."""
    return count([shown]) > count([original])


def quotes_word_for_word(content: str, payload: str) -> bool:
    """True if the payload stands in the content, escaped or not."""
    return payload.strip() in content or payload.strip() in unescape(content)
