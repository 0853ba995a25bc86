"""Extract: the best whole groups stay, word for word."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from context_compaction.errors import InvalidPolicy
from context_compaction.strategies import Extract
from context_compaction.view import Gap, Summary, SummaryRecord, View
from tests.builders import after, assistant, edits, lines, problem, scene_of, shown, used, user


def talk(count: int) -> list[dict[str, object]]:
    return [
        message
        for number in range(count)
        for message in (user(f"ask {number}"), assistant(lines(20, f"w{number}")))
    ]


def test_the_core_is_capped_and_in_log_order() -> None:
    scene = scene_of(talk(10), goal=500, keep=2)
    cut = after(scene, Extract())
    tail = sum(scene.tokens_by_seq[seq] for seq in (19, 20))
    core = [seq for seq in shown(cut) if seq < 19]
    assert core == sorted(core)
    assert 0 < sum(scene.tokens_by_seq[seq] for seq in core) <= 0.8 * (500 - tail)
    assert edits(cut) == {}
    assert problem(scene, cut) is None


def test_newer_and_longer_messages_are_preferred() -> None:
    cut = after(scene_of(talk(10), goal=500, keep=2), Extract())
    assert {16, 18} <= set(shown(cut))
    assert 2 not in shown(cut)


def test_a_share_for_the_head() -> None:
    cut = after(scene_of(talk(10), goal=600, keep=2), Extract(head=0.5))
    assert {1, 2} <= set(shown(cut))


def test_groups_are_never_split() -> None:
    messages = [
        user("q"),
        *(m for n in range(6) for m in used(f"c{n}", "run", "{}", lines(15, f"r{n}"))),
        user("q2"),
    ]
    scene = scene_of(messages, goal=300)
    assert problem(scene, after(scene, Extract())) is None


def test_summaries_stay_and_without_room_all_leaves() -> None:
    summary = SummaryRecord(1, "## Goal\nx", 5, 0, ((1, 2),))
    view = View(head=(Summary(1),), head_end=2)
    cut = after(scene_of(talk(6), goal=0, summaries=[summary], view=view), Extract())
    assert cut.view.summaries == (1,)
    assert cut.view.gaps == (Gap(3, 10),)


def test_an_embedder_prefers_what_is_near_the_question() -> None:
    class Embedder:
        def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
            return [(1.0, 0.0) if "w2 " in text or text == "ask 9" else (0.0, 1.0) for text in texts]

    scene = scene_of(talk(10), goal=500, keep=2)
    assert 6 not in shown(after(scene, Extract()))
    assert 6 in shown(after(scene, Extract(embedder=Embedder())))


def test_nothing_movable_and_wrong_options() -> None:
    scene = scene_of([user("q")])
    assert Extract().apply(scene) is scene.view
    with pytest.raises(InvalidPolicy):
        Extract(head=1.5)
