"""Which LangChain message class stands for which role, and how the old function calls are told as calls."""

from __future__ import annotations

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

FORMAT = "langchain"
"""`Message.format` of what came from LangChain."""
CLASSES: dict[str, type[BaseMessage]] = {
    "human": HumanMessage,
    "ai": AIMessage,
    "system": SystemMessage,
    "tool": ToolMessage,
    "function": FunctionMessage,
    "chat": ChatMessage,
}
"""By the ``type`` that each writes. Nothing else is ever instantiated."""
ROLES = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
}
CHAT_ROLES = {
    "ai": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "system": "system",
    "developer": "developer",
}
"""Roles of a `ChatMessage` that are somebody else's than a participant's, who speaks as the user does."""
OPENAI_ROLE = "__openai_role__"
"""LangChain's mark, in ``additional_kwargs``, of a system message with the developer role."""
STANDS_FOR = "compaction_context"
"""Our mark, in ``additional_kwargs``, of a context message that has another one's id: its own is under it."""
_FUNCTION = "function_call:"


def function_call_id(name: str) -> str:
    """Function messages answer a name: the latest call of this id is the one that they answer."""
    return _FUNCTION + name


def function_of(call_id: str) -> str | None:
    """The function that an id of `function_call_id` names; None for the id of a tool call."""
    return call_id.removeprefix(_FUNCTION) if call_id.startswith(_FUNCTION) else None
