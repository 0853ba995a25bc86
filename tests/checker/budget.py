"""Does the request fit? (design §4.6, counted as of §8 but with nothing of the engine's counter)"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tests.checker.problem import ChatMessage, Problem, calls, function, role, text
from tests.checker.request import Request

MESSAGE_TOKENS = 4
"""Frame of one message: its delimiters and its role."""
CALL_TOKENS = 3
"""Frame of one tool call, beside name and arguments; ids are not counted."""


def check_budget(request: Request) -> list[Problem]:
    """Design §4.6: by every counter given, the list is at or under the input tokens."""
    sizes = {name: count(request.shown) for name, count in request.counts.items()}
    return [
        Problem("over-budget", name, f"{size} tokens shown, {request.input_tokens} allowed")
        for name, size in sizes.items()
        if size > request.input_tokens
    ]


def independent_count(messages: Sequence[ChatMessage]) -> int:
    """Tokens of a list: text, names and arguments in o200k_base plus a frame for each message and call.

    Without tiktoken's table on disk, a quarter of the characters. Timestamps, provider usage and other keys
    that no model sees cost nothing.
    """
    return sum(_message(message) for message in messages)


def _message(message: ChatMessage) -> int:
    called = sum(_call(call) for call in calls(message)) if role(message) == "assistant" else 0
    return MESSAGE_TOKENS + _words(text(message)) + called


def _call(call: ChatMessage) -> int:
    asked = function(call)
    arguments = asked.get("arguments")
    words = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return CALL_TOKENS + _words(str(asked.get("name") or "")) + _words(words)


@lru_cache(maxsize=100_000)
def _words(content: str) -> int:
    encode = _encoder()
    return len(content) // 4 if encode is None else len(encode.encode_ordinary(content))


@lru_cache(maxsize=1)
def _encoder():
    folder = _table_folder()
    if folder is None:
        return None
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(folder))
    import tiktoken

    return tiktoken.get_encoding("o200k_base")


def _table_folder() -> Path | None:
    """Where llama-index-core keeps its copy of tiktoken's tables, so that nothing is downloaded."""
    spec = find_spec("llama_index.core") if find_spec("llama_index") else None
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "_static" / "tiktoken_cache"
        if folder.is_dir() and find_spec("tiktoken"):
            return folder
    return None
