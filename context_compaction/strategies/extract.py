"""`Extract`: the best whole messages stay word for word, the rest leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from context_compaction.errors import InvalidPolicy
from context_compaction.groups import MessageGroup
from context_compaction.strategies.base import Scene, Strategy
from context_compaction.strategies.truncate import leave
from context_compaction.text.embedding import Embedder, EmbedderLike, cosine
from context_compaction.text.scoring import score_texts
from context_compaction.view import View

CORE_SHARE = 0.8
"""Of what the goal leaves beside the tail: the most that is kept word for word."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    group: MessageGroup
    tokens: int
    score: float


class Extract(Strategy):
    """Keeps the best whole groups among those that may leave, in their order; the others become gaps.

    A group's score is half recency, then length, then the density of its keywords. What is kept has at most
    .8 of the goal less all that stays anyway. ``head`` is the share of that room that goes to the first
    groups before any score counts. With an ``embedder`` the score also counts, by half, how near a group is
    to the newest user message. Summaries stay. Raises `InvalidPolicy` for a ``head`` outside 0 to 1.
    """

    name = "extract"

    def __init__(self, *, head: float = 0.0, embedder: EmbedderLike | None = None) -> None:
        if not 0 <= head <= 1:
            raise InvalidPolicy(f"head is {head}; give a share from 0 to 1")
        self.head = head
        self.embedder = None if embedder is None else Embedder.of(embedder)

    def apply(self, scene: Scene) -> View:
        """The view with the best groups and gaps; itself when that would save nothing."""
        groups = scene.movable()
        if not groups:
            return scene.view
        candidates = self._candidates(scene, groups)
        fixed = scene.tokens - sum(candidate.tokens for candidate in candidates)
        kept = self._kept(candidates, int(CORE_SHARE * (scene.goal - fixed)))
        leaving = [group for group in groups if group.first not in kept]
        after = scene.with_view(leave(scene, leaving)) if leaving else scene
        return after.view if after.tokens < scene.tokens else scene.view

    def _candidates(self, scene: Scene, groups: Sequence[MessageGroup]) -> list[_Candidate]:
        texts = _texts(scene, groups)
        tokens = [scene.group_tokens(group) for group in groups]
        scores = score_texts(texts, tokens)
        if self.embedder is not None:
            scores = _with_nearness(scores, self.embedder, texts, scene)
        return [_Candidate(*each) for each in zip(groups, tokens, scores, strict=True)]

    def _kept(self, candidates: Sequence[_Candidate], room: int) -> set[int]:
        """First sequence numbers of the groups that stay: the head's, then the best that still fit."""
        kept: set[int] = set()
        head = int(self.head * room)
        for candidate in candidates:
            if candidate.tokens > head:
                break
            head -= candidate.tokens
            room -= candidate.tokens
            kept.add(candidate.group.first)
        best = sorted(candidates, key=lambda candidate: (-candidate.score, -candidate.group.last))
        for candidate in best:
            if candidate.tokens <= room and candidate.group.first not in kept:
                room -= candidate.tokens
                kept.add(candidate.group.first)
        return kept


def _texts(scene: Scene, groups: Sequence[MessageGroup]) -> list[str]:
    """What each group says as it is shown now."""
    edited = {edit.seq: edit for _, edit in scene.shown() if edit is not None}
    words: dict[int, str] = {}
    for group in groups:
        for seq in group.seqs:
            shown, edit = scene.log[seq].shown, edited.get(seq)
            words[seq] = shown.with_blocks(edit.blocks).text if edit else shown.text
    return ["\n".join(words[seq] for seq in group.seqs) for group in groups]


def _with_nearness(
    scores: Sequence[float], embedder: Embedder, texts: Sequence[str], scene: Scene
) -> list[float]:
    """Each score averaged with the nearness to what the user said last."""
    asked = scene.log.records.get(scene.turn_start)
    if asked is None:
        return list(scores)
    question, *vectors = embedder.embed([asked.shown.text, *texts])
    near = [max(0.0, cosine(question, vector)) for vector in vectors]
    return [(score + nearness) / 2 for score, nearness in zip(scores, near, strict=True)]
