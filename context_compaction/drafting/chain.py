"""The drafter chain: who is asked for a summary, and who next when that fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import DraftRequest, DraftResult
from context_compaction.drafting.choose import DrafterLike, choose_drafters
from context_compaction.drafting.member import Cancelled, Clock, Member
from context_compaction.drafting.transcript import source_tokens
from context_compaction.errors import DrafterError

DEADLINE = 30.0
"""Seconds that a member has when nobody says otherwise."""

logger = logging.getLogger(__name__)


class DrafterChain:
    """Drafters in order, the extractive one last. Each has its own deadline; the last needs none.

    ``clock`` gives monotonic seconds, for cooling down.
    """

    def __init__(
        self,
        drafter: DrafterLike,
        counter: TokenCounter,
        *,
        deadline: float = DEADLINE,
        clock: Clock = time.monotonic,
    ) -> None:
        self.deadline = deadline
        self.counter = counter
        *members, last = choose_drafters(drafter, counter)
        self._members = [Member(member, counter, clock) for member in members]
        self._last = Member(last, counter, clock)

    @classmethod
    def of(
        cls, drafter: DrafterLike, counter: TokenCounter | Callable[[str], int] | str | None
    ) -> DrafterChain:
        """The chain for what was passed as ``drafter=`` and ``counter=``."""
        return cls(drafter, TokenCounter.of(counter))

    @property
    def window(self) -> int | None:
        """Tokens that the first configured drafter can read and write at once; None without a limit."""
        return self._members[0].window if self._members else None

    @property
    def names(self) -> tuple[str, ...]:
        """The members, in order."""
        return tuple(member.drafter.name for member in (*self._members, self._last))

    def starter(
        self, deadline: float
    ) -> Callable[[tuple[DraftRequest, ...], threading.Event], Future[DraftResult]]:
        """`start` with this deadline, as the planner's drivers call it."""
        return lambda requests, cancel: self.start(requests, cancel, deadline=deadline)

    def start(
        self,
        requests: Sequence[DraftRequest],
        cancel: threading.Event | None = None,
        *,
        deadline: float | None = None,
    ) -> Future[DraftResult]:
        """Start drafting in a daemon thread; the future always gets a result.

        ``deadline`` is in seconds for each member, the chain's own when None. ``cancel`` ends it at once:
        the result then has ``cancelled``, no texts.
        """
        future: Future[DraftResult] = Future()
        future.set_running_or_notify_cancel()
        stop = cancel or threading.Event()
        seconds = self.deadline if deadline is None else deadline
        threading.Thread(
            target=self._work,
            args=(future, tuple(requests), seconds, stop),
            name="drafter-chain",
            daemon=True,
        ).start()
        return future

    def _work(
        self,
        future: Future[DraftResult],
        requests: Sequence[DraftRequest],
        seconds: float,
        cancel: threading.Event,
    ) -> None:
        try:
            future.set_result(self._run([self._capped(request) for request in requests], seconds, cancel))
        except BaseException as error:  # noqa: BLE001  whoever waits must be told
            future.set_exception(error)

    def _capped(self, request: DraftRequest) -> DraftRequest:
        """No summary may be longer than what it stands for."""
        most = max(1, min(request.max_tokens, source_tokens(request, self.counter)))
        return replace(request, max_tokens=most, counter=self.counter)

    def _run(self, requests: Sequence[DraftRequest], seconds: float, cancel: threading.Event) -> DraftResult:
        failed: list[str] = []
        reasons: list[str] = []
        for member in (*self._members, self._last):
            # The archive keeps it: a folder's name may hold bytes that are no text.
            name = member.drafter.name.encode("utf-8", "replace").decode("utf-8")
            try:
                if cancel.is_set():
                    raise Cancelled("cancelled before it was drafted")
                if member is self._last:
                    written = member.write_here(requests)
                else:
                    written = member.write(requests, deadline=seconds, cancel=cancel)
            except Cancelled as error:
                reasons.append(f"{name}: {error}")
                return DraftResult(None, None, False, tuple(failed), "; ".join(reasons), cancelled=True)
            except DrafterError as error:
                failed.append(name)
                reasons.append(f"{name}: {error}")
                logger.warning("drafter %s failed (%s)", name, type(error.__cause__ or error).__name__)
            else:
                reasons += [f"{name}: {note}" for note in written.notes]
                is_model = member.drafter.is_model
                return DraftResult(written.texts, name, is_model, tuple(failed), "; ".join(reasons))
        return DraftResult(None, None, False, tuple(failed), "; ".join(reasons))
