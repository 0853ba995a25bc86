"""The seven sections of a summary. Own sections can be given; empty ones are omitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a summary."""

    key: str
    title: str
    """Stands in the text as ``## title``."""
    guidance: str
    """One line that tells a drafter what belongs here."""


SECTIONS: tuple[Section, ...] = (
    Section(
        "goal", "Goal and Standing Instructions", "what the user wants, and rules they gave, in their words"
    ),
    Section("state", "Current State", "where things stand now: done, in progress, blocked"),
    Section("decisions", "Key Decisions", "what was decided and why, alternatives that were dropped"),
    Section(
        "artifacts",
        "Technical Changes and Artifacts",
        "files, commands, identifiers, values; exactly as written",
    ),
    Section("errors", "Errors and Fixes", "what failed, the cause, what fixed it"),
    Section("open", "Open Questions and Next Steps", "what is unanswered or to be done next"),
    Section("timeline", "Timeline", "what happened when, oldest first"),
)


def format_sections(bodies: Mapping[str, str], sections: Sequence[Section] = SECTIONS) -> str:
    """Sectioned text from bodies by section key; sections without a body are left out."""
    parts = [
        f"## {section.title}\n{body}" for section in sections if (body := bodies.get(section.key, "").strip())
    ]
    return "\n".join(parts)


def parse_sections(text: str, sections: Sequence[Section] = SECTIONS) -> dict[str, str]:
    """Bodies by section key; text before the first known heading is ignored, unknown headings stay."""
    keys = {section.title.casefold(): section.key for section in sections}
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        key = keys.get(line[3:].strip().casefold()) if line.startswith("## ") else None
        if key is not None:
            current = found.setdefault(key, [])
        elif current is not None:
            current.append(line)
    return {key: body for key, lines in found.items() if (body := "\n".join(lines).strip())}
