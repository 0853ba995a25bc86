"""A conversation to measure with: user, assistant with a tool call, tool, assistant, 60-500 tokens each."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

Dict = dict[str, Any]
_WORDS = """
account address archive batch branch budget cache client column commit config context counter cursor
customer data database default deploy driver endpoint entry error event feature field file filter flag
format function handler header history index input invoice issue item key label latency layer ledger limit
log loop memory message method migration model module name node number option order output owner page
parser patch payload payment pool port price process profile query queue range rate record region release
report request response result retry role route row rule sample schema scope script section server service
session setting shard signal size snapshot source stage state status step storage stream table target task
tenant test thread ticket time timeout token trace traffic transaction trigger type update usage user
value version view volume warning window worker writer
""".split()  # noqa: SIM905 - quoted one by one they would be a page
_GLUE = (
    "the",
    "a",
    "of",
    "in",
    "for",
    "with",
    "and",
    "to",
    "is",
    "this",
    "which",
    "before",
    "because",
    "not",
)
_TOOLS = ("read_file", "read_file", "search", "run_tests")
_FILES = tuple(f"src/{folder}/{name}.py" for folder in ("app", "lib") for name in ("main", "store", "views"))


def conversation(count: int, seed: int = 7) -> list[Dict]:
    """The first ``count`` messages, in OpenAI's format."""
    return list(islice(messages(seed), count))


def messages(seed: int = 7) -> Iterator[Dict]:
    """Endless, the same for the same seed. Files are read again now and then, some answers think aloud."""
    chance = random.Random(seed)
    turn = 0
    while True:
        turn += 1
        size = [chance.randint(60, 500) for _ in range(4)]
        tool, path = chance.choice(_TOOLS), chance.choice(_FILES)
        arguments = json.dumps({"path": path, "reason": _prose(chance, size[1] // 3)})
        call = {"id": f"call_{turn}", "type": "function", "function": {"name": tool, "arguments": arguments}}
        yield {"role": "user", "content": _prose(chance, size[0])}
        yield {"role": "assistant", "content": _prose(chance, size[1] // 2), "tool_calls": [call]}
        yield {"role": "tool", "tool_call_id": f"call_{turn}", "content": _listing(chance, path, size[2])}
        thought = f"<think>{_prose(chance, size[3] // 3)}</think>\n" if turn % 4 == 0 else ""
        yield {"role": "assistant", "content": thought + _prose(chance, size[3] - len(thought) // 6)}


def _prose(chance: random.Random, tokens: int) -> str:
    """Sentences of about so many tokens."""
    words = [chance.choice(_GLUE if place % 2 else _WORDS) for place in range(max(1, int(tokens * 0.9)))]
    for place in range(11, len(words), 12):
        words[place] += "."
    return " ".join(words).capitalize() + "."


def _listing(chance: random.Random, path: str, tokens: int) -> str:
    """Lines of a program's output, about so many tokens."""
    lines, left, number = [f"== {path}"], tokens - 8, 0
    while left > 0:
        number += 1
        lines.append(f"{number:>4}  {chance.choice(_WORDS)}_{chance.choice(_WORDS)} = {_prose(chance, 6)}")
        left -= 14
    return "\n".join(lines)
