"""Waiting for what other threads do: by events, and with a limit that only a broken build meets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from context_compaction import Session
from context_compaction.drafting.base import Draft, DraftRequest
from context_compaction.testing.drafters import STATED, HangingDrafter

PATIENCE = 30.0
"""Seconds after which a test gives up; nothing waits this long unless something is wrong."""


def background_done(session: Session) -> None:
    """Wait until the session's background plan, if there is one, is ready to be committed."""
    work = session._core.ahead._work
    if work is not None:
        assert work.done.wait(PATIENCE)


def in_threads(*work: Callable[[], object]) -> list[BaseException]:
    """Run all of it at once; what was raised. Fails when something does not end."""
    raised: list[BaseException] = []
    start = threading.Barrier(len(work))

    def run(one: Callable[[], object]) -> None:
        start.wait(PATIENCE)
        try:
            one()
        except BaseException as error:  # noqa: BLE001 - handed to the test, which looks at it
            raised.append(error)

    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a thread does not end"
    return raised


class HangsOnce(HangingDrafter):
    """Hangs in its first call and answers any later one at once."""

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> Sequence[Draft | str]:
        if self.entered.is_set():
            return [STATED for _ in requests]
        return super().draft(requests, cancel=cancel)
