"""What can be wrong with what LangChain hands over. All are the engine's `CompactionError`, too.

CompactionError
├── MissingSessionId    (also ValueError)   the config names no session
├── AmbiguousKeys       (also ValueError)   several inputs or outputs, and nothing says which one is meant
├── MissingKey          (also KeyError)     the input or output that was named is not there
├── NotMessages         (also TypeError)    a value that is neither text nor messages
├── MissingWindow       (also ValueError)   nothing says how much the model can read
└── TwoCompactions      (also ValueError)   an agent has two middlewares that would both compact
"""

from __future__ import annotations

from collections.abc import Iterable

from context_compaction import CompactionError, MissingPackage

__all__ = [
    "AmbiguousKeys",
    "MissingKey",
    "MissingPackage",
    "MissingSessionId",
    "MissingWindow",
    "NotMessages",
    "TwoCompactions",
]


class MissingSessionId(CompactionError, ValueError):
    """The config of a run names no session. Nothing was stored."""

    def __init__(self) -> None:
        super().__init__(
            "the config names no session; call with "
            'config={"configurable": {"session_id": "..."}} (LangGraph\'s "thread_id" will do, too)'
        )


class AmbiguousKeys(CompactionError, ValueError):
    """Which of several keys holds what was said? Nothing was stored."""

    def __init__(self, what: str, keys: Iterable[str], option: str) -> None:
        self.keys: tuple[str, ...] = tuple(keys)
        super().__init__(f"{what} has the keys {list(self.keys)}; say which one is meant with {option}")


class MissingKey(CompactionError, KeyError):
    """The key that was named is not among those of a run. Nothing was stored."""

    def __init__(self, key: str, what: str, keys: Iterable[str], option: str) -> None:
        self.key = key
        self.keys: tuple[str, ...] = tuple(keys)
        super().__init__(f"{what} has no {key!r}, which {option} names; its keys are {list(self.keys)}")

    def __str__(self) -> str:
        """As said; a KeyError's own text would be in quotes."""
        return str(self.args[0])


class NotMessages(CompactionError, TypeError):
    """A value that is neither text nor messages, with where it was found. Nothing of it was stored."""

    def __init__(self, value: object, where: str) -> None:
        super().__init__(
            f"{where} is {type(value).__name__}; "
            "expected text, a message, a list of messages or a prompt value"
        )


class MissingWindow(CompactionError, ValueError):
    """Nothing says how many tokens the agent's model can read. Nothing was sent."""

    def __init__(self, model: object) -> None:
        super().__init__(
            f"{'no model, and so' if model is None else f'{type(model).__name__} has'} no profile with "
            "max_input_tokens; say what it can read with max_input_tokens=..."
        )


class TwoCompactions(CompactionError, ValueError):
    """Two compaction middlewares stand around one model call. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__("this agent has two CompactionMiddlewares around each other: keep one")
