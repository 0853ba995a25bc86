"""Reading a conversation: any list of OpenAI chat messages, or an object that holds one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

JsonDict = dict[str, Any]
SAMPLE = "harbour.json"
TINY_SAMPLE = "workshop.json"
"""In the made-up language of the tiny drafter, the only one it knows."""


class UnreadableConversation(ValueError):
    """The file is missing, no JSON, or holds no chat messages."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked about the conversation, and the messages (from 1) that hold the answer."""

    text: str
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages to replay, in OpenAI's chat format."""

    name: str
    messages: list[JsonDict]
    questions: list[Question] = field(default_factory=list[Question])

    def early_question(self) -> Question | None:
        """The question whose evidence is oldest, early details first."""
        asked = [question for question in self.questions if question.evidence]
        return min(asked, key=lambda question: max(question.evidence), default=None)


def load(path: Path | None, sample: str = SAMPLE) -> Conversation:
    """The conversation in a file, or a sample that ships. Raises `UnreadableConversation`."""
    try:
        text = (
            path.read_text("utf-8")
            if path
            else (files(__package__ or "") / "data" / sample).read_text("utf-8")
        )
        data: Any = json.loads(text)
    except (OSError, ValueError) as error:
        raise UnreadableConversation(f"cannot read {path}: {error}") from error
    return from_json(data, path.stem if path else sample.removesuffix(".json"))


def from_json(data: Any, name: str) -> Conversation:
    """A conversation from parsed JSON: a list of messages, or ``{"messages": [...], "questions": [...]}``."""
    held: Any = cast("JsonDict", data).get("messages") if isinstance(data, dict) else data
    if not isinstance(held, list) or not all(isinstance(item, dict) for item in cast("list[Any]", held)):
        raise UnreadableConversation(f"{name}: no list of chat messages, and no object with 'messages'")
    asked: list[JsonDict] = cast("JsonDict", data).get("questions", []) if isinstance(data, dict) else []
    questions = [
        Question(str(item["question"]), tuple(int(index) + 1 for index in item.get("evidence", [])))
        for item in asked
    ]
    return Conversation(name, cast("list[JsonDict]", held), questions)
