"""Truncate: the oldest groups leave, whole."""

from __future__ import annotations

from context_compaction.strategies import Truncate
from context_compaction.strategies.search import smallest
from context_compaction.view import Gap, Summary, SummaryRecord, View
from tests.builders import after, assistant, lines, problem, scene_of, shown, used, user


def talk(count: int) -> list[dict[str, object]]:
    return [
        message
        for number in range(count)
        for message in (user(lines(20)), assistant(lines(10, f"a{number}")))
    ]


def test_as_few_as_the_goal_asks_for_oldest_first() -> None:
    before = scene_of(talk(8))
    scene = scene_of(talk(8), goal=before.tokens * 6 // 10)
    cut = after(scene, Truncate())
    assert cut.view.gaps[0].first == 1
    assert cut.tokens <= scene.goal
    one_less = scene.view.without(range(1, cut.view.gaps[0].last), [Gap(1, cut.view.gaps[0].last - 1)])
    assert scene.measure(one_less, {}) > scene.goal


def test_groups_leave_whole_and_the_protected_stay() -> None:
    messages = [user("q"), *used("c", "run", "{}", lines(60)), *talk(2)]
    cut = after(scene_of(messages, goal=10, keep=2), Truncate())
    assert shown(cut) == [6, 7]
    assert cut.view.gaps == (Gap(1, 5),)
    assert problem(scene_of(messages, goal=10, keep=2), cut) is None


def test_a_cut_that_would_grow_the_view_is_none() -> None:
    scene = scene_of([user("a"), assistant("b"), user("c")], goal=5)
    assert Truncate().apply(scene) is scene.view


def test_summaries_leave_last_oldest_first_and_only_on_hard() -> None:
    old, new = (SummaryRecord(number, lines(60), 300, 0, ((number, number),)) for number in (1, 2))
    view = View(head=(Summary(1), Summary(2)), head_end=2)
    options = {"summaries": [old, new], "view": view}
    soft = after(scene_of(talk(3), goal=0, window=200, **options), Truncate())
    assert soft.view.summaries == (1, 2)
    assert after(
        scene_of(talk(3), goal=0, hard=True, **options), Truncate(summaries=False)
    ).view.summaries == (1, 2)
    window = soft.tokens - 10
    hard = after(scene_of(talk(3), goal=0, hard=True, window=window, **options), Truncate())
    assert hard.view.summaries == (2,)
    assert hard.view.gaps == (Gap(1, 1), Gap(3, 4))
    assert hard.tokens <= window


def test_nothing_to_do_under_the_goal() -> None:
    scene = scene_of(talk(3), goal=10_000)
    assert Truncate().apply(scene) is scene.view


def test_the_smallest_number_that_is_enough_is_found_from_any_guess() -> None:
    for answer in range(1, 41):
        for guess in range(-2, 45, 3):
            for step in (1, 4):
                assert smallest(lambda n, a=answer: n >= a, guess, 1, 40, step=step) == answer
    assert smallest(lambda n: False, 3, 1, 40) is None
