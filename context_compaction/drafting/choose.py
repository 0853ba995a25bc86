"""Whatever was passed as ``drafter=``, as the members of a chain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import cast

from context_compaction.counting import TokenCounter
from context_compaction.drafting.base import Draft, DraftRequest, SummaryDrafter
from context_compaction.drafting.extractive import ExtractiveDrafter

WriteOne = Callable[[DraftRequest], str | Draft]
DrafterLike = SummaryDrafter | WriteOne | Sequence[SummaryDrafter | WriteOne] | None


class CallableDrafter(SummaryDrafter):
    """A function that writes one summary, as a drafter. Its text counts as a model's."""

    def __init__(self, function: WriteOne) -> None:
        self.function = function
        self.name = getattr(function, "__name__", None) or type(function).__name__

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> list[Draft | str]:
        """The function's text for each request, one after another, until ``cancel`` is set."""
        out: list[Draft | str] = []
        for request in requests:
            if cancel.is_set():
                break
            out.append(self.function(request))
        return out


def choose_drafters(drafter: DrafterLike, counter: TokenCounter) -> tuple[SummaryDrafter, ...]:
    """The members in order, an `ExtractiveDrafter` last. None means that one alone.

    Raises `TypeError` for what is neither a drafter, a function of a `DraftRequest`, nor a sequence of them.
    """
    members = [_member(each) for each in _several(drafter)]
    if not members or not isinstance(members[-1], ExtractiveDrafter):
        members.append(ExtractiveDrafter(counter))
    return tuple(members)


def _several(drafter: object) -> Sequence[object]:
    if drafter is None:
        return ()
    if isinstance(drafter, SummaryDrafter) or callable(drafter):
        return (drafter,)
    if isinstance(drafter, (str, bytes)) or not isinstance(drafter, Sequence):
        raise TypeError(f"drafter= takes a SummaryDrafter, a function or a sequence, not {drafter!r:.80}")
    return cast("Sequence[object]", drafter)


def _member(given: object) -> SummaryDrafter:
    if isinstance(given, SummaryDrafter):
        return given
    if callable(given) and not isinstance(given, type):
        return CallableDrafter(cast("WriteOne", given))
    raise TypeError(
        f"{given!r:.80} is no drafter: subclass SummaryDrafter, or give a function of a DraftRequest"
    )
