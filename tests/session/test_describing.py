"""`describe`: the tree of a session, whose stretches hold every message once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import Description, Policy, Session, SQLiteArchive, Stretch
from context_compaction.policy import layered
from context_compaction.testing.drafters import ScriptedDrafter
from context_compaction.view import Edited, Kept
from tests.builders import assistant, user
from tests.histories import Dict, histories
from tests.session.talks import session, turns
from tests.windows import system

POLICIES = (
    Policy.both(layered(max_leaves=1, trigger=0.3, target=0.2, keep=0.1, min_reclaim=0)),
    Policy.truncating(trigger=0.3, target=0.2),
    Policy.masking(trigger=0.3, target=0.1),
    Policy.off(),
)


def numbers(stretch: Stretch) -> list[int]:
    return [seq for first, last in stretch.ranges for seq in range(first, last + 1)]


def tiles(s: Session, described: Description) -> None:
    """Each message of the log stands in one stretch, and what was made of others stands for what they do."""
    seqs = sorted(seq for stretch in described.stretches for seq in numbers(stretch))
    assert seqs == list(range(1, s.stats.messages_said + 1))
    assert (described.messages, described.tokens_said) == (s.stats.messages_said, s.stats.tokens_said)
    assert described.tokens_seen == seen(s)
    for stretch in described.stretches:
        assert (stretch.kind == "summary") == stretch.ref.startswith("s:")
        below(stretch)


def turns_of(stretch: Stretch) -> list[int]:
    return [(seq - 1) // 2 for seq in numbers(stretch)]


def seen(s: Session) -> int:
    """Of every entry of the view and of the tail, without system messages that others replaced."""
    state, branch = s.archive.state(s._current()), s._current()
    said = {row.seq: row.tokens for row in s.archive.messages(branch)}
    shown = {seq: tokens for seq, tokens in said.items() if seq > s.view.head_end}
    shown |= {entry.seq: said[entry.seq] for entry in s.view.head if isinstance(entry, Kept)}
    shown |= {entry.seq: entry.tokens for entry in s.view.head if isinstance(entry, Edited)}
    for replaced in state.superseding.values():
        shown.pop(replaced, None)
    return sum(shown.values()) + sum(record.tokens for record in state.summaries.values())


def below(stretch: Stretch) -> None:
    for source in stretch.sources:
        assert set(numbers(source)) <= set(numbers(stretch))
        assert source.generation is not None
        assert stretch.generation is not None
        assert source.generation < stretch.generation
        below(source)


@given(histories(), st.sampled_from(POLICIES), st.integers(0, 30))
@settings(max_examples=25, deadline=None)
def test_the_stretches_tile_the_log(batches: list[list[Dict]], policy: Policy, at: int) -> None:
    """Whatever was compacted, and in a branch, too."""
    with session(window=1500, policy=policy, drafter=ScriptedDrafter()) as s:
        for batch in batches:
            s.append(batch)
            s.after_turn()
        described = s.describe()
        tiles(s, described)
        assert [stretch.ref for stretch in described.stretches if stretch.kind == "summary"] == [
            f"s:{number}" for number in sorted(s.view.summaries, key=lambda n: first_of(described, n))
        ]
        title, *lines = described.text(10**6).splitlines()
        for room in (200, 1000, 5000):
            assert len(described.text(room)) <= max(room, len(lines[0]) + 30) + len(title) + 1
        s.fork(min(at, s.stats.messages_said))
        tiles(s, s.describe())


def first_of(described: Description, number: int) -> tuple[tuple[int, int], ...]:
    [ranges] = [stretch.ranges for stretch in described.stretches if stretch.ref == f"s:{number}"]
    return ranges


async def test_generations_times_tokens_and_topics() -> None:
    """What a reader needs to know where to look, and the same from both twins."""
    with session(window=2000, policy=Policy.both(layered(max_leaves=2))) as s:
        for number, subject in enumerate(("harbour crane", "violin lesson", "tomato seedling", "tax return")):
            for turn in range(12):
                at = f"2023-0{number + 3}-{turn + 1:02}T10:00:00Z"
                s.append(user(f"weekday {subject} " + f"word{turn} " * 50, timestamp=at))
                s.append(assistant(f"weekday, {subject}, yes " + f"text{turn} " * 50, timestamp=at))
                s.after_turn()
        described = s.describe()
        assert described == await s.adescribe()
        summaries = [stretch for stretch in described.stretches if stretch.kind == "summary"]
        assert any(stretch.sources for stretch in summaries)
        first, last = described.stretches[0], described.stretches[-1]
        for stretch in described.stretches:
            days = [f"2023-0{turn // 12 + 3}-{turn % 12 + 1:02}" for turn in turns_of(stretch)]
            assert stretch.days == f"{days[0]} to {days[-1]}"
        assert {"tax", "return"} <= set(last.topics)
        assert all("weekday" not in stretch.topics for stretch in described.stretches)
        deepest = first
        while deepest.sources:
            deepest = deepest.sources[0]
        assert {"harbour", "crane"} <= set(deepest.topics)
        assert (last.kind, last.tokens_seen) == ("shown", last.tokens_said)
        assert deepest is not first
        assert (first.tokens_seen > 0, deepest.tokens_seen) == (True, 0)
        text = str(described)
        assert text.splitlines()[0] == (
            f"default: 96 messages, {s.stats.tokens_said:,} tokens said, {described.tokens_seen:,} seen"
        )
        assert f"{first.ref} summary (generation {first.generation}) of {first.place}: " in text
        assert f"\n  {first.sources[0].ref} summary" in text
        assert len(text) <= 2200


def test_a_short_text_is_shallower_then_has_fewer_lines() -> None:
    with session(window=2000, policy=Policy.both(layered(max_leaves=2))) as s:
        for number in range(80):
            s.append(turns(number, 1, words=60))
            s.after_turn()
        described = s.describe()
        assert "\n    " in described.text(100_000)
        top = described.text(
            max(len(str(stretch)) for stretch in described.stretches) * len(described.stretches) + 9
        )
        assert "\n  " not in top
        assert len(top.splitlines()) == 1 + len(described.stretches)
        few = described.text(len(str(described.stretches[0])) + len(str(described.stretches[-1])) + 40)
        assert few.splitlines()[2] == f"... {len(described.stretches) - 2} more ..."
        assert few.splitlines()[-1] == str(described.stretches[-1])


def test_a_system_message_that_was_replaced_is_said_and_not_seen() -> None:
    with session() as s:
        s.sync([system("be brief and kind"), user("one two three")])
        s.sync([system("be long"), user("one two three")])
        described = s.describe()
        assert (described.messages, described.tokens_said, described.tokens_seen) == (3, 8 + 7 + 6, 7 + 6)


def test_a_session_without_messages() -> None:
    with session() as s:
        described = s.describe()
        assert described.stretches == ()
        assert str(described) == "default: 0 messages, 0 tokens said, 0 seen"


def test_what_was_pruned_is_told() -> None:
    with SQLiteArchive() as archive:
        s = session(archive, policy=Policy.layered(fidelity_floor=0.0), drafter=ScriptedDrafter())
        s.append(turns(1, 12))
        assert s.compact().committed
        gone = archive.prune(max_age=0).messages
        [summary, shown] = s.describe().stretches
        assert (summary.pruned, shown.pruned, summary.topics) == (gone, 0, ())
        assert f", {gone} pruned" in str(summary)


@pytest.mark.parametrize("kind", ["gap", "shown"])
def test_gaps_and_what_is_shown_are_told_apart(kind: str) -> None:
    with session(policy=Policy.truncating()) as s:
        s.append([*turns(1, 12), user("now")])
        s.context()
        found = [stretch for stretch in s.describe().stretches if stretch.kind == kind]
        assert sum(stretch.tokens_seen for stretch in found) == (
            0 if kind == "gap" else sum(stretch.tokens_said for stretch in found)
        )
        assert found
