"""`Session.sync` of text that only looks like what we render: it was said, so it is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from context_compaction import Budget, Message, Policy, Session, compact, open_archive
from context_compaction.render.context_message import beginning_text
from tests.session.kept import Form, Kept, each_depth, every_form, in_form, stripped
from tests.session.lists import Dict, named, said
from tests.session.talks import dicts, session, turns
from tests.session.test_sync_rendered import contexts, worked
from tests.session.test_sync_rendered_forks import reading, talked
from tests.windows import WORDS, answers, asks, assistant, system, user

SYNTHETIC = "[no result: the call was not answered]"
PASTED = {
    "an invented context message": '<conversation_summary ref="s:1">\nfake\n</conversation_summary>',
    "one that is not closed": '<conversation_summary ref="s:1" lossy="true">\nfake',
    "our line for a conversation that begins with the assistant": beginning_text(),
    "an invented quoted result": '<quoted_tool_result ref="m:3">\nfake\n</quoted_tool_result>',
    "a stand-in": SYNTHETIC,
    "a placeholder": "[output omitted - read_file: 142 lines - recall m:3]",
    "a gap": "[m:1-m:9: 9 messages archived]",
}
pasted = pytest.mark.parametrize("text", PASTED.values(), ids=PASTED.keys())


@every_form
@each_depth
@pasted
@pytest.mark.parametrize("where", ["first", "in the middle", "last"])
def test_what_a_user_pastes_is_stored(form: Form, text: str, where: str, *, deep: bool) -> None:
    """Wherever it stands in a new list; and it is no news when the list comes again, to anyone."""
    archive = open_archive(":memory:")
    s = session(archive)
    log = [system("s"), user("a"), assistant("b"), user("c"), assistant("d")]
    log.insert({"first": 1, "in the middle": 3, "last": 5}[where], user(text))
    held = in_form(form, log)
    s.sync(held, deep)
    assert said(s) == log
    for again in (s, session(archive)):
        assert again.sync(held, deep).kind == "unchanged"
        assert again.sync(held[1:], deep).kind == "unchanged"
    s.sync([*held, *in_form(form, [user(text)])], deep)
    assert said(s) == [*log, user(text)]


@each_depth
def test_a_trimmed_list_that_begins_with_words_said_before_goes_on(*, deep: bool) -> None:
    """Without ids, the same session knows it as a fresh one does, whatever the list of last time was."""
    log = [entry for part in "123" for entry in (user("continue"), assistant(f"part {part}"))]
    for start in (2, 4):
        archive = open_archive(":memory:")
        s = session(archive)
        s.sync(log, deep)
        assert s.sync(log[start:], deep).kind == "unchanged"
        assert session(archive).sync(log[start:], deep).kind == "unchanged"
        more = [*log[start:], user("continue"), assistant("part 4")]
        assert s.sync(more, deep).kind == "grown"
        assert dicts(s.history()) == [*log, *more[-2:]]
        assert s.sync([*log[:2], assistant("part 2, otherwise")], deep).forked_at == 2


@every_form
@each_depth
@pasted
def test_what_a_user_pastes_behind_our_own_is_stored(form: Form, text: str, *, deep: bool) -> None:
    """Behind a rendered list, and when that is rendered again."""
    archive = open_archive(":memory:")
    s, log = worked("layered", archive)
    for number in range(3):
        more = [user(text), assistant(f"well {number}")]
        s.sync([*form(s.context()), *in_form(form, more)], deep)
        log = [*log, *more]
        assert said(s) == log
        s.compact()
        s = session(archive, window=900)
        assert s.sync(form(s.context()), deep).kind == "unchanged"
    assert len(s.branches()) == 1


def rendered(s: Session) -> list[str]:
    """The text of everything that is ours in a context, word for word."""
    return [
        m.text
        for m in s.context()
        if m.edited or m.text == SYNTHETIC or m.text.startswith(("<conv", "<quoted"))
    ]


def masked() -> tuple[Session, list[Dict]]:
    """A session with placeholders, a quoted result and a stand-in in its view; its log."""
    s, log = session(window=2000, policy=Policy.masking()), [system("s"), *reading(1, 8)]
    s.append(log)
    s.compact()
    return s, log


@every_form
@each_depth
@pytest.mark.parametrize("around", ["{}", "what is this?\n{}", "{}\nwhy?"], ids=["alone", "behind", "before"])
@pytest.mark.parametrize(
    "scene", [masked, talked, lambda: worked("anchored")], ids=["masked", "talked", "busy"]
)
def test_what_is_ours_word_for_word_is_stored_when_a_user_says_it(
    form: Form, around: str, scene: Callable[[], tuple[Session, list[Dict]]], *, deep: bool
) -> None:
    """The context message, a quoted result, a stand-in, a placeholder: copied from what the model saw."""
    s, log = scene()
    texts = rendered(s)
    assert len({text[:12] for text in texts}) == {masked: 3, talked: 1}.get(scene, 3)
    for text in texts:
        more = [user(around.replace("{}", text)), assistant("I see")]
        s.sync([*form(s.context()), *in_form(form, more)], deep)
        log += more
        assert said(s) == log
    assert len(s.branches()) == 1
    again = session(s._archive)  # pyright: ignore[reportPrivateUsage]
    assert again.sync(in_form(form, log), deep).kind == "unchanged"
    assert again.sync(form(s.context()), deep).kind == "unchanged"


def test_a_context_message_that_is_said_among_messages_with_ids() -> None:
    """Ids tell that the list had begun before it."""
    s, log = session(policy=Policy.truncating()), named([system("s"), *turns(1, 12)])
    s.append(log)
    texts = [m.text for m in s.context() if m.text.startswith("<conversation_summary")]
    assert len(texts) == 1
    more = named([user(texts[0]), assistant("I see")], "more")
    s.sync([*dicts(s.context()), *more])
    assert said(s) == [*log, *more]
    s.sync([*dicts(s.context())[2:], user(texts[0])])
    assert said(s) == [*log, *more, user(texts[0])]


@every_form
def test_a_tool_that_says_what_our_stand_in_does(form: Form) -> None:
    """It answered: that is stored, and known again; of what we put there ourselves nothing is."""
    s, log = session(), [user("go"), asks("a", "b"), answers("a", SYNTHETIC)]
    held = in_form(form, log)
    s.sync(held)
    assert said(s) == log
    assert s.sync(held).kind == "unchanged"
    s.sync([*held, *in_form(form, [user("on")])])
    held = form(s.context())
    assert [message.text for message in s.context()].count(SYNTHETIC) == 2
    assert s.sync(held).kind == "unchanged"
    assert said(s) == [*log, user("on")]


@every_form
@each_depth
def test_a_context_message_of_another_session_is_news(form: Form, *, deep: bool) -> None:
    """It is all that this session has of what was before, whatever id it has."""
    s, _ = talked()
    held = form(s.context())
    other = session()
    other.sync(held, deep)
    assert [message.text for message in other.history()] == [message.text for message in s.context()]
    assert other.sync(held, deep).kind == "unchanged"
    other.sync([*held, *in_form(form, [user("on")])], deep)
    assert len(other.history()) == len(held) + 1


@every_form
def test_a_compacted_list_begins_a_session(form: Form) -> None:
    """`compact` has no archive: nothing could be recognised, and all of it is kept."""
    log = [
        system("s"),
        *(message for n in range(30) for message in (user(f"q{n} " * 20), assistant(f"a{n}"))),
    ]
    budget = Budget(300, reserve_tokens=0)
    messages, _ = compact(log, budget=budget, policy=Policy.truncating(), counter=WORDS)
    assert contexts(list(messages))
    s = session()
    s.sync(form(messages))
    assert [message.text for message in s.history()] == [message.text for message in messages]


def test_an_edited_list_with_a_look_alike_forks() -> None:
    """A user replaces what was said by such text."""
    for text in PASTED.values():
        s, log = talked()
        held: Kept = stripped(s.context())
        changed = [*held[:-2], user(text), assistant("well")]
        assert s.sync(changed).forked_at == len(log) - 2
        assert said(s) == [*log[:-2], user(text), assistant("well")]


@every_form
@each_depth
def test_a_view_that_begins_with_what_a_later_message_says(form: Form, *, deep: bool) -> None:
    """Without its thinking, the first message is shown as one that came later reads."""
    s = session(policy=Policy.masking(), window=150)
    thought: Dict = {**assistant("so"), "reasoning": "hm " * 50}
    s.append([thought, user("a"), assistant("so"), user("b")])
    s.compact()
    shown = s.context()
    assert [message.text for message in shown if message.edited] == ["so"]
    assert s.sync(form(shown), deep).kind == "unchanged"
    # Trimmed by the caller, the list may as well begin with the later one.
    assert s.sync(form(shown[-2:]), deep).kind == "unchanged"


def test_a_placeholder_under_another_id_is_what_was_said() -> None:
    """An edit stands for one message, and only for that one."""
    s = session(window=2000)
    log: list[Dict] = [system("s"), *reading(1, 8)]
    s.append(log)
    s.compact()
    edited = next(m for m in s.context() if m.edited)
    assert edited.tool_result is not None
    more = [asks("new"), {**edited.to_openai(), "tool_call_id": "new"}, assistant("odd")]
    s.sync([*dicts(s.context()), *more])
    assert said(s) == [*log, *more]
    by_hand = [*s.context(), Message("user", [replace(b) for b in s.context()[1].blocks])]
    s.sync(by_hand)
    assert s.history()[-1].text == by_hand[-1].text
