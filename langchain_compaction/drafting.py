"""`ChatModelDrafter`: any LangChain model as the writer of summaries."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, cast

from langchain_core.language_models import BaseLanguageModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompt_values import ChatPromptValue

from context_compaction import Draft, DrafterError, DraftRequest, SummaryDrafter
from langchain_compaction.profiles import max_input_tokens, profile_of

UNKNOWN_WINDOW = 16_384
"""Tokens that a model is taken to read and write at once when its profile does not say."""
THINKING_TOKENS = 8_192
"""Of a window kept free for a thinking model's reasoning, a quarter of it at most."""
AT_ONCE = 4
"""Requests that the model is asked at the same time."""
NO_STREAM = "nostream"
"""LangGraph's tag for a call whose tokens are no part of the stream."""


class ChatModelDrafter(SummaryDrafter):
    """Summaries by a LangChain chat model (or a plain language model), called in a thread of its own.

    ``window`` is in tokens; None takes it from the model's profile, less ``reserve_tokens``, which is by
    default what a thinking model may think. A longer range is cut into pieces that fit, and earlier
    summaries go along as context. The call is tagged so that no token of it reaches a user's stream.
    """

    def __init__(
        self,
        model: BaseLanguageModel[Any],
        *,
        window: int | None = None,
        reserve_tokens: int | None = None,
        deadline: float | None = None,
    ) -> None:
        if not isinstance(model, BaseLanguageModel):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"ChatModelDrafter takes a LangChain model, not {type(model).__name__}")
        self._model = model
        names = (getattr(model, key, None) for key in ("model_name", "model"))
        self.name = next((name for name in names if isinstance(name, str) and name), type(model).__name__)
        self.window = window or _window(model, reserve_tokens)
        self.deadline = deadline

    def draft(self, requests: Sequence[DraftRequest], *, cancel: threading.Event) -> list[Draft | str]:
        """One text a request, in order; several are asked for at once."""
        out: list[Draft | str] = []
        for start in range(0, len(requests), AT_ONCE):
            if cancel.is_set():
                break
            prompts: list[Any] = [_prompt(request) for request in requests[start : start + AT_ONCE]]
            answers = self._model.batch(prompts, config=_CONFIG)
            out += [_text(answer) for answer in answers]
        return out


_CONFIG: Any = {
    "tags": [NO_STREAM],
    "run_name": "context_compaction",
    "metadata": {"lc_source": "summarization"},
    "max_concurrency": AT_ONCE,
}


def drafter_of(drafter: Any) -> Any:
    """Whatever was passed as ``drafter=`` or ``llm=``: LangChain models become drafters, all else stays."""
    if isinstance(drafter, BaseLanguageModel):
        return ChatModelDrafter(cast("BaseLanguageModel[Any]", drafter))
    if isinstance(drafter, (list, tuple)):
        return [drafter_of(each) for each in cast("Sequence[Any]", drafter)]
    return drafter


def _prompt(request: DraftRequest) -> ChatPromptValue:
    prompt = request.prompt()
    return ChatPromptValue(messages=[SystemMessage(prompt.system), HumanMessage(prompt.user)])


def _text(answer: object) -> str:
    if isinstance(answer, BaseMessage):
        return str(answer.text)
    if isinstance(answer, str):
        return answer
    raise DrafterError(f"the model answered with {type(answer).__name__}, not a message")


def _window(model: BaseLanguageModel[Any], reserve_tokens: int | None) -> int:
    profile = profile_of(model)
    window = max_input_tokens(profile) or UNKNOWN_WINDOW
    thinks = bool(profile.get("reasoning_output"))
    if reserve_tokens is None:
        reserve_tokens = min(THINKING_TOKENS, window // 4) if thinks else 0
    return max(1, window - reserve_tokens)
