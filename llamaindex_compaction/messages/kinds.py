"""Which of LlamaIndex's roles stands for which of the engine's."""

from __future__ import annotations

from llama_index.core.base.llms.types import MessageRole

FORMAT = "llamaindex"
"""`Message.format` of what came from LlamaIndex."""
ROLES = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "developer",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}
RESULT_KEYS = ("tool_call_id", "call_id", "name")
"""Where, in ``additional_kwargs``, a result says which call it answers: providers without ids have names."""
NO_CALL = "no_call"
"""What a result answers that says nothing of it: no call has this id."""
