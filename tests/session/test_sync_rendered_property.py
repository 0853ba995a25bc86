"""`Session.sync` of lists that hold our own rendered messages, over generated conversations."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_compaction import Budget, CannotCompact, Policy, Session, open_archive
from context_compaction.archive import Archive
from tests.histories import histories
from tests.session.kept import FORMS, Form, Kept, in_form
from tests.session.lists import said
from tests.test_properties import QUIET, WORDS

PRESETS = ("layered", "masking", "truncating", "extractive", "anchored")
STORM = os.environ.get("HYPOTHESIS_PROFILE") == "storm"
"""Only a storm looks for what nobody has seen yet: `make test` is the same each time."""
EXAMPLES = 600 if STORM else 40
Dict = dict[str, Any]


class Caller:
    """Keeps a list of its own, and now and then puts what the session shows in its place."""

    def __init__(self, archive: Archive, draw: Any, policy: Policy, window: int, form: Form) -> None:
        self._archive, self._draw, self._policy, self._window, self._form = (
            archive,
            draw,
            policy,
            window,
            form,
        )
        self._session = self._opened()
        self.held: Kept = []
        self.log: list[Dict] = []

    def _opened(self) -> Session:
        return Session(
            self._archive,
            budget=Budget(self._window, reserve_tokens=self._window // 10),
            policy=self._policy,
            counter=WORDS,
        )

    def turn(self, batch: list[Dict]) -> None:
        """New messages behind the list; the log has them behind all that it had."""
        if self._may_be_waiting(batch):
            return
        if self._draw(st.booleans()):
            self._session.close()
            self._session = self._opened()
        self.held += in_form(self._form, batch)
        self.log += batch
        deep = self._draw(st.booleans())
        done = self._session.sync(list(self.held), deep)
        assert (_bare(said(self._session)), done.forked_at) == (_bare(self.log), None)
        assert len(self._session.branches()) == 1
        self.between()

    def _may_be_waiting(self, batch: list[Dict]) -> bool:
        """Whether a result without an id says what one does that no view shows as long as its batch is open:
        then nothing tells it from that one.
        """
        results = [message for message in batch if message["role"] == "tool" and "id" not in message]
        return any(message in self.log for message in results)

    def between(self) -> None:
        """Compactions, and the list may be what they left."""
        what = self._draw(st.sampled_from(("nothing", "compact", "pin", "shown", "shown", "shown")))
        if what == "nothing":
            return
        if what == "pin":
            self._session.pin(f"m:{self._draw(st.integers(1, len(self.log)))}")
        if what == "compact":
            self._session.compact()
            self._session.after_turn()
            return
        try:
            self.held = self._form(self._session.context())
        except CannotCompact:
            return
        assert self._session.sync(list(self.held), self._draw(st.booleans())).kind == "unchanged"


def _bare(messages: list[Dict]) -> list[Dict]:
    """Without ids: some callers do not keep them."""
    return [{key: value for key, value in message.items() if key != "id"} for message in messages]


@pytest.mark.parametrize("preset", PRESETS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=QUIET, derandomize=not STORM)
@given(data=st.data())
def test_only_what_is_new_is_appended(preset: str, data: st.DataObject) -> None:
    """Whatever was compacted, however the caller keeps the list, however old the rendered part of it is."""
    draw = data.draw
    window, form = draw(st.integers(150, 1500)), draw(st.sampled_from(FORMS))
    batches = draw(histories())
    if draw(st.booleans()):
        batches = [[{**m, "id": f"{n}-{k}"} for k, m in enumerate(batch)] for n, batch in enumerate(batches)]
    with open_archive(":memory:") as archive:
        caller = Caller(archive, draw, Policy.named(preset), window, form)
        for batch in batches:
            caller.turn(batch)
