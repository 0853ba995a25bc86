"""`Session.sync` of a list that holds rendered messages and leaves the log: it forks at the right place."""

from __future__ import annotations

from typing import Any

import pytest

from context_compaction import Message, Policy, Session, open_archive
from tests.session.kept import Form, each_depth, every_form, in_form, stripped
from tests.session.lists import Dict, said
from tests.session.talks import dicts, session, turns
from tests.session.test_sync_rendered import contexts, worked
from tests.windows import answers, asks, assistant, system, user


def talked(preset: str = "truncating", archive: Any = ":memory:", pin: int = 0) -> tuple[Session, list[Dict]]:
    """Twenty turns, most of which have left the view; what is left is as it was said."""
    s, log = session(archive, policy=Policy.named(preset)), [system("be brief")]
    s.append(log)
    for number in range(1, 21):
        s.append(turns(number, 1))
        log += turns(number, 1)
        if pin and len(log) > pin and not s.pins:
            s.pin(f"m:{pin}")
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
def test_a_kept_message_before_what_left_is_edited(form: Form) -> None:
    """A pinned one stands before the hole: what came behind it in the log is not shared."""
    s, log = talked("truncating", pin=4)
    held = form(s.context())
    place = dicts(s.context()).index(log[3]) if log[3] in dicts(s.context()) else None
    at = len(log) - 1
    if place is not None:
        s.sync([*held[:place], *in_form(form, [user("edited")]), *held[place + 1 :]])
        at = 3
    else:  # it is quoted in the context message
        s.sync([*held[:-1], *in_form(form, [user("edited")])])
    assert said(s)[: at + 1] == [*log[:at], user("edited")]


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
    s.sync([*held[:2], user("on from there")])
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
