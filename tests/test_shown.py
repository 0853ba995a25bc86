"""`Shown` is the list that it stands for, however that is read, and what comes later is not in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from context_compaction import Message, MessageList, Shown

SAID = [Message("user", str(number)) for number in range(8)]
BLOCK = Message("user", "recalled")


@given(st.integers(0, 8), st.data())
def test_it_reads_as_its_list(count: int, data: st.DataObject) -> None:
    place = data.draw(st.none() | st.integers(0, count))
    shown = Shown(SAID, count) if place is None else Shown(SAID, count, BLOCK, place)
    wanted = SAID[:count] if place is None else [*SAID[:place], BLOCK, *SAID[place:count]]
    assert list(shown) == shown.listed() == wanted
    assert isinstance(shown.listed(), MessageList)
    assert len(shown) == len(wanted)
    assert [shown[index] for index in range(-len(wanted), len(wanted))] == [*wanted, *wanted]
    first, last = sorted(data.draw(st.tuples(st.integers(0, 9), st.integers(0, 9))))
    assert (shown[first:last], shown.since(first)) == (wanted[first:last], wanted[first:])


def test_it_knows_what_it_grew_from() -> None:
    growing = SAID[:4]
    before, with_block = Shown(growing, 4), Shown(growing, 4, BLOCK, 1)
    growing.append(SAID[4])
    assert (list(before), len(before)) == (SAID[:4], 4)
    assert Shown(growing, 5).grew_from(before)
    assert Shown(growing, 5, BLOCK, 1).grew_from(with_block)
    for other in (with_block, Shown(growing, 5, BLOCK, 2), Shown(list(growing), 4)):
        assert not Shown(growing, 4).grew_from(other)
    assert not before.grew_from(Shown(growing, 5))
