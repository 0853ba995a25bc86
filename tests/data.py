"""Conversations in the JSON shape of design §12, read whole: every key has to survive the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).parent.parent
DEFAULT_DATA = ROOT / ".." / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation and the questions asked about it."""

    name: str
    messages: list[dict[str, Any]]
    questions: list[dict[str, Any]]


def read(path: Path) -> Conversation | None:
    """The conversation in this file, or None if it holds none."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not isinstance(cast("dict[str, Any]", found).get("messages"), list):
        return None
    whole = cast("dict[str, Any]", found)
    return Conversation(f"{path.parent.name}/{path.stem}", whole["messages"], whole.get("questions") or [])


def load(path: Path) -> Conversation:
    """The conversation in this file."""
    found = read(path)
    if found is None:
        raise ValueError(f"{path.name} holds no conversation: no list under 'messages'")
    return found


def conversations(folder: Path) -> Iterator[Conversation]:
    """Every conversation under this folder, in the order of their paths."""
    for path in sorted(folder.rglob("*.json")):
        found = read(path)
        if found is not None:
            yield found


def shipped() -> list[Conversation]:
    """The conversations of our own making that come with the package."""
    return list(conversations(ROOT / "context_compaction"))
