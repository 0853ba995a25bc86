"""What real people and models said, and what they are asked about it: to fill archives with."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from benchmarks._conversation import Dict
from benchmarks._conversation import messages as made_messages

SETS = ("locomo/*.json", "longmemeval/*.json")
OWN_KEYS = ("role", "name", "content", "timestamp")
"""Of a message: its id and session are those of the recording."""
MADE = 5000
MADE_QUERIES = ("why does the parser time out", "schema migration of the ledger", "which token has a limit")


def said(data: Path | None) -> tuple[list[Dict], list[str]]:
    """Messages in OpenAI's format, one conversation after another, and questions; made ones without data."""
    paths = [path for one in SETS for path in sorted(data.glob(one))] if data else []
    found = [json.loads(path.read_text("utf-8")) for path in paths]
    messages = [
        {key: message[key] for key in OWN_KEYS if key in message}
        for whole in found
        for message in whole["messages"]
    ]
    if not messages:
        return list(islice(made_messages(), MADE)), list(MADE_QUERIES)
    return messages, [question["question"] for whole in found for question in whole["questions"]]
