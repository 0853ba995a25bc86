"""A request that is too long for its drafter: cut into pieces that fit, their drafts folded into one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import DraftRequest, Passage
from context_compaction.drafting.checks import trimmed
from context_compaction.drafting.extractive import ExtractiveDrafter
from context_compaction.drafting.transcript import passage_tokens
from context_compaction.errors import DrafterError
from context_compaction.schema import format_sections, parse_sections
from context_compaction.text.facts import fidelity, hard_facts

PROMPT_TOKENS = 700
"""Kept free for a drafter's own instructions, a quarter of its window at most."""
CONTEXT_SHARE = 8
"""Earlier summaries take an eighth of the window at most, the newest first, which is never left out."""
MARGIN = 0.9
"""The drafter's tokenizer is not the session's counter."""
EVEN = 1.05
"""Passages are no sand: pieces of one length need a little more than their even share."""
LOST = 0.1
"""A fold that carries less of a piece's hard facts has dropped the piece."""

Write = Callable[[Sequence[DraftRequest]], list[str]]
"""Asks a drafter; returns checked texts, raises `DrafterError`."""


def write_all(
    requests: Sequence[DraftRequest], window: int | None, counter: TokenCounter, write: Write
) -> list[str]:
    """One text a request: all pieces in one call of the drafter, then a call for each level of folding.

    Raises whatever ``write`` raises for the pieces. Where a fold fails or drops a piece, the drafts of the
    pieces are joined by code instead, so that every piece keeps its share of the cap.
    """
    pieces = [chunked(request, window, counter) for request in requests]
    drafts = iter(write([piece for cut in pieces for piece in cut]))
    parts = [[next(drafts) for _ in cut] for cut in pieces]
    fold = _Fold(window, counter, write)
    return [fold.text(*each) for each in zip(requests, pieces, parts, strict=True)]


def chunked(request: DraftRequest, window: int | None, counter: TokenCounter) -> list[DraftRequest]:
    """The request as one or more that fit into ``window`` tokens, with all passages in order.

    A draft takes a quarter of the window at most. A passage that is too long alone is cut, at line ends
    where it can be.
    """
    if window is None:
        return [request]
    output = min(request.max_tokens, window // 4)
    room = window - output - min(PROMPT_TOKENS, window // 4)
    pieces = cut(request, room, counter, context=window // CONTEXT_SHARE)
    return [replace(piece, max_tokens=output) for piece in pieces]


def cut(
    request: DraftRequest, room: int, counter: TokenCounter, *, context: int, most: int | None = None
) -> list[DraftRequest]:
    """The request as pieces whose passages and earlier summaries take at most ``room`` tokens together.

    The summaries take at most ``context`` of that, the passages at most ``most``, in pieces of even length.
    """
    kept = _newest(request.context, context, counter)
    left = max(16, int((room - sum(map(counter.text, kept))) * MARGIN))
    if most is not None:
        total = sum(passage_tokens(passage, counter) for passage in request.passages)
        even = total / math.ceil(total / min(most, left)) if total else left
        left = min(left, math.ceil(EVEN * even))
    packs = _packed(request.passages, left, counter)
    return [replace(request, passages=pack, context=kept) for pack in packs]


def joined(request: DraftRequest, parts: Sequence[str], counter: TokenCounter) -> str:
    """The drafts of pieces by code, section by section in order, each piece within its share of the cap."""
    extractive = ExtractiveDrafter(counter)
    share = max(1, request.max_tokens // max(1, len(parts)))
    bodies: dict[str, list[str]] = {}
    for part in parts:
        text = part
        if counter.text(part) > share:
            alone = replace(
                request, kind="distill", passages=(Passage("", "summary", part),), max_tokens=share
            )
            text = extractive.write(alone)
        for key, body in (parse_sections(text, request.sections) or {request.sections[-1].key: text}).items():
            bodies.setdefault(key, []).append(body)
    text = format_sections({key: "\n".join(texts) for key, texts in bodies.items()}, request.sections)
    return text if counter.text(text) <= request.max_tokens else trimmed(text, request.max_tokens, counter)


@dataclass(frozen=True, slots=True)
class _Fold:
    """Brings the drafts of pieces together."""

    window: int | None
    counter: TokenCounter
    write: Write

    def text(self, request: DraftRequest, pieces: Sequence[DraftRequest], texts: Sequence[str]) -> str:
        """One text out of many, by further drafts as long as each level has fewer of them."""
        if len(texts) == 1:
            return texts[0]
        passages = tuple(
            Passage(_span(piece.passages), "summary", text) for piece, text in zip(pieces, texts, strict=True)
        )
        again = chunked(replace(request, kind="distill", passages=passages), self.window, self.counter)
        drafts = self._drafts(again) if len(again) < len(texts) else None
        return joined(request, texts, self.counter) if drafts is None else self.text(request, again, drafts)

    def _drafts(self, pieces: Sequence[DraftRequest]) -> list[str] | None:
        """The drafts of one level; None when they failed or lost what one of their sources had."""
        try:
            drafts = self.write(pieces)
        except DrafterError:
            return None
        lost = any(_dropped(piece, text) for piece, text in zip(pieces, drafts, strict=True))
        return None if lost else drafts


def _dropped(piece: DraftRequest, text: str) -> bool:
    """Whether one of the drafts that went in left no trace in what came out."""
    return any(
        hard_facts(passage.text) and fidelity([passage.text], [text]) < LOST for passage in piece.passages
    )


def _span(passages: Sequence[Passage]) -> str:
    """From the first to the last reference of passages that have one: ``m:3-m:40``."""
    refs = [passage.ref for passage in passages if passage.ref]
    if not refs:
        return ""
    first, last = refs[0].split("-")[0], refs[-1].split("-")[-1]
    return first if first == last else f"{first}-{last}"


def _newest(context: Sequence[str], room: int, counter: TokenCounter) -> tuple[str, ...]:
    """The last of these texts that fit into ``room`` tokens together; of the newest as much as fits."""
    kept: list[str] = []
    for text in reversed(context):
        tokens = counter.text(text)
        if tokens > room:
            break
        room -= tokens
        kept.append(text)
    if context and not kept:
        with suppress(DrafterError):  # not one line of it fits
            kept.append(trimmed(context[-1], room, counter))
    return tuple(reversed(kept))


def _packed(passages: Sequence[Passage], room: int, counter: TokenCounter) -> Iterator[tuple[Passage, ...]]:
    """Passages in packs of at most ``room`` tokens, in order."""
    pack: list[Passage] = []
    spent = 0
    for passage in (piece for whole in passages for piece in _cut(whole, room, counter)):
        cost = passage_tokens(passage, counter)
        if pack and spent + cost > room:
            yield tuple(pack)
            pack, spent = [], 0
        pack.append(passage)
        spent += cost
    yield tuple(pack)


def _cut(passage: Passage, room: int, counter: TokenCounter) -> Iterator[Passage]:
    """A passage as pieces of at most ``room`` tokens, halved until they fit."""
    waiting = [passage.text]
    while waiting:
        text = waiting.pop()
        piece = replace(passage, text=text)
        if len(text) < 2 or passage_tokens(piece, counter) <= room:
            yield piece
            continue
        half = len(text) // 2
        line = text.rfind("\n", half // 2, half) + 1
        at = line or text.rfind(" ", half // 2, half) + 1 or half
        waiting += [text[at:], text[:at]]
