"""From what the model wrote to one sectioned text within the cap: joined by code, no second pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import DraftRequest
from context_compaction.drafting.transformers.layout import Layout
from context_compaction.schema import format_sections, parse_sections
from context_compaction.text.facts import normalised

Lines = dict[str, list[str]]


def assembled(layout: Layout, answers: Sequence[Sequence[str]], nothing: str, counter: TokenCounter) -> str:
    """The summary from the answers to each prompt's endings; empty when they say nothing."""
    request = layout.request
    found: Lines = {section.key: [] for section in request.sections}
    for several in answers:
        if layout.mode == "sections":
            parts = {section.key: text for section, text in zip(request.sections, several, strict=True)}
        else:
            parts = parse_sections(several[0], request.sections)
        for key, text in parts.items():
            found[key] += lines_of(text, nothing)
    kept = {key: list(_distinct(lines)) for key, lines in found.items()}
    return _fitted(kept, request, counter)


def lines_of(text: str, nothing: str) -> Iterator[str]:
    """List lines of an answer: headings, blank lines and the word for nothing left out."""
    for raw in text.splitlines():
        line = raw.strip().removeprefix("-").removeprefix("*").strip()
        if line and not line.startswith("#") and normalised(line).strip(" .") != normalised(nothing):
            yield f"- {line}"


def finished(text: str, *, ended: bool) -> str:
    """Without its last line where the model was stopped within it; a single line stays."""
    head, _, _ = text.rpartition("\n")
    return text if ended or not head.strip() else head


def _distinct(lines: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for line in lines:
        key = normalised(line)
        if key not in seen:
            seen.add(key)
            yield line


def _fitted(lines: Lines, request: DraftRequest, counter: TokenCounter) -> str:
    """Within the cap: the longest section gives up its oldest line, the goal its newest."""

    def text() -> str:
        return format_sections({key: "\n".join(each) for key, each in lines.items()}, request.sections)

    costs = {key: [counter.text(line) + 1 for line in each] for key, each in lines.items()}
    headings = {section.key: counter.text(f"## {section.title}\n") for section in request.sections}
    while any(lines.values()):
        total = sum(sum(each) + headings[key] for key, each in costs.items() if each)
        if total <= request.max_tokens or counter.text(text()) <= request.max_tokens:
            break
        longest = max(costs, key=lambda key: sum(costs[key]))
        place = -1 if longest == "goal" else 0
        del lines[longest][place], costs[longest][place]
    return text()
