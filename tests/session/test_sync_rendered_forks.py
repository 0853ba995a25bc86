"""`Session.sync` of a list that holds rendered messages and leaves the log: it forks at the right place."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from context_compaction import Budget, Message, Policy, Session, open_archive
from tests.session.kept import Form, each_depth, every_form, in_form, stripped
from tests.session.lists import Dict, said
from tests.session.talks import dicts, session, turns
from tests.session.test_sync_rendered import contexts, worked
from tests.windows import answers, asks, assistant, system, user


def talked(preset: str = "truncating", archive: Any = ":memory:") -> tuple[Session, list[Dict]]:
    """Twenty turns, most of which have left the view; what is left is as it was said."""
    s, log = session(archive, policy=Policy.named(preset)), [system("be brief")]
    s.append(log)
    for number in range(1, 21):
        s.append(turns(number, 1))
        log += turns(number, 1)
        s.context()
    assert contexts(dicts(s.context())) == [1]
    return s, log


@every_form
@each_depth
@pytest.mark.parametrize("reopened", [False, True], ids=["known", "reopened"])
def test_the_last_answer_is_regenerated(form: Form, *, deep: bool, reopened: bool) -> None:
    """What had left is shared, and so is the context message; the other branch is found again."""
    archive = open_archive(":memory:")
    s, log = talked(archive=archive)
    held = form(s.context())
    other = [*held[:-1], *in_form(form, [assistant("other")])]
    s = session(archive, policy=Policy.truncating()) if reopened else s
    done = s.sync(other, deep)
    assert (done.kind, done.forked_at, said(s)) == ("forked", len(log) - 1, [*log[:-1], assistant("other")])
    assert dicts(s.context())[1] == dicts([s.context()[1]])[0]
    assert s.sync(other, deep).kind == "unchanged"
    assert s.sync(held, deep).kind == "switched"
    assert said(s) == log
    assert s.sync([*other, *in_form(form, [user("on")])], deep).kind == "switched"
    assert said(s) == [*log[:-1], assistant("other"), user("on")]
    assert len(s.branches()) == 2


@every_form
@each_depth
@pytest.mark.parametrize("preset", ["layered", "truncating", "anchored", "extractive"])
def test_the_first_message_behind_the_context_message_is_edited(
    form: Form, preset: str, *, deep: bool
) -> None:
    """All that the context message stands for is shared."""
    s, log = talked(preset)
    held = form(s.context())
    first = log.index(dicts(s.context())[2])
    for text, behind, rest in (("edited", [], []), ("otherwise", held[3:], log[first + 1 :])):
        done = s.sync([*held[:2], *in_form(form, [user(text)]), *behind], deep)
        assert (done.kind, done.forked_at) == ("forked", first)
        assert said(s) == [*log[:first], user(text), *rest]
        assert s.sync(held, deep).kind == "switched"


@every_form
@each_depth
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_rewind_to_what_a_view_kept_from_the_beginning(form: Form, cut: int, *, deep: bool) -> None:
    """Without its context message, what a view hid behind its first messages is not taken to be shared."""
    s = Session(budget=Budget(2048, reserve_tokens=0), policy=Policy.extractive(head=0.5))
    log = [
        (user if number % 2 else assistant)(f"message {number} " + "boat " * 60) for number in range(1, 25)
    ]
    held = in_form(form, log)
    s.sync(held, deep)
    s.compact()
    assert next(message for message in dicts(s.context()) if message in log) == log[0]
    assert len(s.context()) < len(log)
    other = [*held[:cut], *in_form(form, [assistant("regenerated")])]
    assert s.sync(other, deep).forked_at == cut
    assert said(s) == [*log[:cut], assistant("regenerated")]
    assert s.sync(held, deep).kind == "switched"


def holed() -> tuple[Session, list[Dict], list[int]]:
    """A session whose view shows messages before and behind a hole; its log, and where they stand there."""
    s, log = session(policy=Policy.extractive()), [system("be brief")]
    for number in range(1, 41):
        decided = f"Decided: port 80{number} for /srv/a{number}.py must stay "
        log += [user(f"ok {number} hm hm hm"), assistant(decided + "text " * 20 * (number % 3 == 0))]
    s.append(log)
    s.compact()
    shown = [log.index(message) for message in dicts(s.context())[2:]]
    assert any(after - before > 1 for before, after in pairwise(shown))
    return s, log, shown


@every_form
@each_depth
def test_a_list_leaves_the_log_on_either_side_of_a_hole(form: Form, *, deep: bool) -> None:
    """What the context message stands for is shared as far as it lies before the first difference."""
    for cut in (False, True):
        for place in (0, 1, 2, len(holed()[2]) - 1):
            s, log, shown = holed()
            held = form(s.context())
            behind = [] if cut else held[place + 3 :]
            done = s.sync([*held[: place + 2], *in_form(form, [user("edited")]), *behind], deep)
            first = shown[place]
            if cut and not place:  # all of what was shown was taken away: nothing tells what is changed
                first = max(set(range(shown[-1])) - set(shown)) + 1
            assert done.forked_at == first
            rest = [] if cut else [log[at] for at in shown[place + 1 :]]
            assert said(s) == [*log[:first], user("edited"), *rest]


@every_form
@each_depth
def test_a_hole_is_known_without_the_context_message(form: Form, *, deep: bool) -> None:
    """By what stands on either side of it."""
    s, log, _ = holed()
    held = form(s.context())
    for known in ([held[0], *held[2:]], held[2:], held[3:]):
        assert s.sync(known, deep).kind == "unchanged"
    s.sync([*held[2:], *in_form(form, [user("on")])], deep)
    assert (said(s), len(s.branches())) == ([*log, user("on")], 1)


@every_form
@each_depth
@pytest.mark.parametrize("reopened", [False, True], ids=["known", "reopened"])
def test_time_travel_to_what_an_older_view_showed(form: Form, *, deep: bool, reopened: bool) -> None:
    """Each list goes back to where it was taken, and forth again, without a copy of anything."""
    archive = open_archive(":memory:")
    s, log = session(archive, policy=Policy.truncating()), [system("be brief")]
    s.append(log)
    taken: list[tuple[list[Any], list[Dict]]] = []
    for number in range(1, 31):
        s.append(turns(number, 1))
        log = [*log, *turns(number, 1)]
        taken.append((form(s.context()), log))
    for held, then in (taken[12], taken[25], taken[-1], taken[12], taken[25]):
        s = session(archive, policy=Policy.truncating()) if reopened else s
        assert s.sync(held, deep).kind in ("forked", "switched")
        assert said(s) == then
        assert s.sync(held, deep).kind == "unchanged"
    assert len(s.branches()) == 3
    assert sum(branch.last_seq - branch.fork_at for branch in s.branches()) == len(log)
    held, then = taken[20]
    s.sync([*held, *in_form(form, [user("another way")])], deep)
    assert said(s) == [*then, user("another way")]


@every_form
@pytest.mark.parametrize("preset", ["layered", "masking"])
def test_behind_an_edit_what_was_rendered_is_written_as_it_was_said(form: Form, preset: str) -> None:
    """Placeholders and quoted results go into the fork as what they stand for, stand-ins not at all."""
    archive = open_archive(":memory:")
    s = session(archive, window=2000, policy=Policy.named(preset))
    log = [system("s"), user("begin"), assistant("yes"), *reading(1, 8)]
    s.append(log)
    s.compact()
    held = form(s.context())
    texts = [message.text for message in s.context()]
    assert any(text.startswith("[output omitted") for text in texts)
    assert "[no result: the call was not answered]" in texts
    assert any(text.startswith("<quoted_tool_result") for text in texts)
    place = next(
        place for place, m in enumerate(s.context()) if m.role == "user" and m.text in ("begin", *asked(8))
    )
    changed = [*held[:place], *in_form(form, [user("edited")]), *held[place + 1 :]]
    done = s.sync(changed)
    assert done.kind == "forked"
    assert done.forked_at is not None
    at = done.forked_at
    assert said(s) == [*log[:at], user("edited"), *log[at + 1 :]]
    for again in (s, session(archive, window=2000)):
        assert again.sync(changed, deep=True).kind == "unchanged"
    assert s.sync(form(s.context())).kind == "unchanged"


def asked(count: int) -> list[str]:
    return [f"read number {number}" for number in range(1, count + 1)]


def reading(first: int, count: int) -> list[Dict]:
    """Turns with long results, one call that is never answered, and one result that nobody asked for."""
    out: list[Dict] = []
    for number in range(first, first + count):
        ids = [f"r-{number}"] if number != count - 1 else [f"r-{number}", "never"]
        out += [
            user(f"read number {number}"),
            asks(*ids),
            answers(f"r-{number}", "\n".join(f"line {line} of {number}" for line in range(60))),
            *([answers("foreign", "nobody asked")] if number == count - 1 else []),
            assistant(f"seen {number}"),
        ]
    return out


def test_a_list_cut_to_our_context_message() -> None:
    """It says what it stands for, and nothing else: the log ends there."""
    s, log = talked()
    held = stripped(s.context())
    first = log.index(dicts(s.context())[2])
    assert s.sync(held[:2]).forked_at == first
    assert said(s) == log[:first]
    assert s.sync([*held[:2], user("on from there")]).kind == "grown"
    assert said(s) == [*log[:first], user("on from there")]


@every_form
def test_what_another_branch_showed_is_edited(form: Form) -> None:
    """The list is of the branch that was left, so it forks from that one."""
    s, log = talked()
    early = form(s.context())
    s.sync([*early[:-1], *in_form(form, [assistant("other")])])
    changed = [*early, *in_form(form, [user("more")])]
    assert s.sync(changed).kind == "switched"
    assert said(s) == [*log, user("more")]


def test_busy_lists_fork_at_the_last_message_that_agrees() -> None:
    """With stand-ins and quoted results all over them."""
    for preset in ("layered", "anchored", "masking"):
        s, log = worked(preset)
        held: list[Any] = s.context()
        changed = [*held[:-1], Message("assistant", "other")]
        assert s.sync(changed).forked_at == len(log) - 1
        assert said(s) == [*log[:-1], assistant("other")]
        assert s.sync(held).kind == "switched"
