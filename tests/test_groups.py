"""Design §4.1: how calls and results are paired, message by message."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from context_compaction.groups import Call, Pairing, Placement
from context_compaction.messages import Message, ToolCallBlock, ToolResultBlock
from tests.histories import histories


def asking(*ids: str) -> Message:
    return Message("assistant", tuple(ToolCallBlock(i, "f", "{}") for i in ids))


def result(call_id: str) -> Message:
    return Message("tool", (ToolResultBlock(call_id, "ok"),))


def place(*messages: Message) -> list[Placement]:
    pairing = Pairing()
    return [pairing.place(seq, message) for seq, message in enumerate(messages, 1)]


USER = Message("user", "hi")


def test_parallel_results_join_their_call() -> None:
    """Results in any order are live and in the group of their assistant message."""
    placed = place(asking("a", "b"), result("b"), result("a"), USER)
    assert [(p.group, p.kind) for p in placed] == [(1, "call"), (1, "live"), (1, "live"), (4, "plain")]
    assert placed[3].closed == ()


def test_a_message_that_is_no_result_closes_open_calls() -> None:
    """Unanswered calls are closed by it, and a result that comes later is late but in their group."""
    placed = place(asking("a", "b"), result("a"), USER, result("b"))
    assert placed[2].closed == (Call(1, 1, "b"),)
    assert (placed[3].group, placed[3].kind, placed[3].answers) == (1, "late", Call(1, 1, "b"))


def test_recurring_ids_pair_with_the_latest_unanswered_call() -> None:
    """The second call of an id gets the next result; a third result has nobody left."""
    placed = place(asking("a"), USER, asking("a"), result("a"), result("a"), result("a"))
    assert [(p.group, p.kind) for p in placed[3:]] == [(3, "live"), (1, "late"), (6, "orphan")]


def test_an_orphan_does_not_close_the_batch() -> None:
    """A foreign result between two results leaves the batch open."""
    placed = place(asking("a", "b"), result("a"), result("zzz"), result("b"))
    assert [p.kind for p in placed] == ["call", "live", "orphan", "live"]


def test_the_next_call_closes_the_one_before() -> None:
    """Interleaved: the first call's result comes after the second call, so it is late."""
    placed = place(asking("a"), asking("b"), result("a"), result("b"))
    assert placed[1].closed == (Call(1, 0, "a"),)
    assert [(p.group, p.kind) for p in placed[2:]] == [(1, "late"), (2, "live")]


@given(histories())
def test_restored_pairing_goes_on_alike(history: list[list[dict[str, Any]]]) -> None:
    """State taken up from stored calls places the rest of a log as the original state would."""
    messages = [Message.from_openai(data) for batch in history for data in batch]
    middle = len(messages) // 2
    whole = Pairing()
    for seq, message in enumerate(messages[:middle], 1):
        whole.place(seq, message)
    closed = sorted(
        (call for waiting in whole.unanswered.values() for call in waiting if call not in whole.open_calls),
        key=lambda call: (call.seq, call.position),
    )
    restored = Pairing.restore(closed, whole.open_calls)
    for seq, message in enumerate(messages[middle:], middle + 1):
        assert restored.place(seq, message) == whole.place(seq, message)


def test_an_id_used_twice_in_one_message_is_answered_in_order() -> None:
    """Parallel calls that share an id: the first result is the first call's."""
    placed = place(asking("a", "b", "a"), result("a"), USER)
    assert placed[1].answers == Call(1, 0, "a")
    assert placed[2].closed == (Call(1, 1, "b"), Call(1, 2, "a"))
