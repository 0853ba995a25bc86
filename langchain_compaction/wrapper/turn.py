"""One turn, without its input and output: what is asked, what is handed to the runnable, what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import BaseMessage

from context_compaction import Message
from langchain_compaction.marks import marked
from langchain_compaction.messages import write_all
from langchain_compaction.values import input_messages, output_messages
from langchain_compaction.wrapper.keys import Keys


class Turn:
    """Anchored by ids: each message asked gets one, and so does each handed over."""

    def __init__(self, keys: Keys, value: Any) -> None:
        """Raises `AmbiguousKeys`, `NotMessages`."""
        self._keys = keys
        self._key = keys.of_input(value)
        self._fields = dict(cast("Mapping[str | None, Any]", value if isinstance(value, Mapping) else {}))
        self._said: Any = self._fields.get(self._key, value)
        where = "the input" if self._key is None else f"the input's {self._key!r}"
        self.asked = marked(input_messages(self._said, where))
        """To be appended before the runnable is run."""
        self._known: set[str | None] = set()

    def handed(self, context: Sequence[Message]) -> Any:
        """What the runnable is given, for the session's context behind `asked`."""
        messages = marked(write_all(context))
        self._known = {message.id for message in (*messages, *self.asked)}
        if self._key is None:
            return messages
        if self._keys.history is None:
            return {**self._fields, self._key: messages}
        ids = {message.id for message in self.asked}
        begin = next((at for at, message in enumerate(messages) if message.id in ids), len(messages))
        shown = [message for message in messages[begin:] if message.id in ids]
        return {**self._fields, self._keys.history: messages[:begin], self._key: self._shown(shown)}

    def answered(self, output: Any) -> list[BaseMessage]:
        """What of the runnable's output is new. Raises `AmbiguousKeys`, `NotMessages`."""
        where = "the output"
        if isinstance(output, Mapping):
            fields = cast("Mapping[str, Any]", output)
            key = self._keys.of_output(fields)
            output, where = fields[key], f"the output's {key!r}"
        return self.new_of(output_messages(output, where))

    def new_of(self, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        """Without what was handed over: agents give it back."""
        return [message for message in messages if message.id is None or message.id not in self._known]

    def _shown(self, shown: list[BaseMessage]) -> Any:
        """The value as it was passed, unless the view shows less of it."""
        if not shown or shown == self.asked:
            return self._said
        if isinstance(self._said, str):
            return "\n".join(str(message.text) for message in shown)
        return shown[0] if isinstance(self._said, BaseMessage) else shown
