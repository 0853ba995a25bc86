"""`LLMDrafter`: any LlamaIndex LLM as the writer of summaries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.llms import LLM

from context_compaction import Draft, DrafterError, DraftRequest, SummaryDrafter

AT_ONCE = 4
"""Requests that the LLM is asked at the same time."""
NO_NAME = "unknown"
"""LlamaIndex's name of a model that has none."""


class LLMDrafter(SummaryDrafter):
    """Summaries by a LlamaIndex LLM, whose synchronous ``chat`` is called in threads of their own.

    So no event loop waits for it, and an LLM that has no asynchronous methods of its own (those that run
    on this machine, mostly) serves as well as any. ``window`` is in tokens; None takes the one of the LLM's
    metadata, less ``reserve_tokens`` (of a thinking model: what it may think). A longer range is cut into
    pieces that fit, and earlier summaries go along as context. Tools are never passed on.
    """

    def __init__(
        self,
        llm: LLM,
        *,
        window: int | None = None,
        reserve_tokens: int = 0,
        deadline: float | None = None,
    ) -> None:
        if not isinstance(llm, LLM):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"LLMDrafter takes a LlamaIndex LLM, not {type(llm).__name__}")
        self._llm = llm
        name = llm.metadata.model_name
        self.name = name if name and name != NO_NAME else type(llm).__name__
        self.window = window or max(1, llm.metadata.context_window - reserve_tokens)
        self.deadline = deadline

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> list[Draft | str]:
        """One text a request, in order; several are asked for at once."""
        out: list[Draft | str] = []
        for start in range(0, len(requests), AT_ONCE):
            if cancel.is_set():
                break
            out += _together([partial(self._ask, request) for request in requests[start : start + AT_ONCE]])
        return out

    def _ask(self, request: DraftRequest) -> str:
        prompt = request.prompt()
        answer = self._llm.chat(
            [
                ChatMessage(role=self._llm.metadata.system_role, content=prompt.system),
                ChatMessage(role=MessageRole.USER, content=prompt.user),
            ]
        )
        text = answer.message.content
        if text is None:
            raise DrafterError(f"{self.name} answered without text")
        return text


def drafter_of(drafter: Any) -> Any:
    """Whatever was passed as ``drafter=`` or ``llm=``: LlamaIndex LLMs become drafters, all else stays."""
    if isinstance(drafter, LLM):
        return LLMDrafter(drafter)
    if isinstance(drafter, (list, tuple)):
        return [drafter_of(each) for each in cast("Sequence[Any]", drafter)]
    return drafter


def _together(calls: Sequence[Callable[[], str]]) -> list[str]:
    """What the calls give, in order; the first error is raised.

    By daemon threads: those of a pool would keep the process alive for as long as a call hangs.
    """
    if len(calls) == 1:
        return [calls[0]()]
    said: list[str | BaseException] = [""] * len(calls)

    def run(place: int) -> None:
        try:
            said[place] = calls[place]()
        except BaseException as error:  # noqa: BLE001 - raised again, by who asked
            said[place] = error

    threads = [
        threading.Thread(target=copy_context().run, args=(run, place), daemon=True)
        for place in range(len(calls))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in said:
        if isinstance(each, BaseException):
            raise each
    return [str(each) for each in said]
