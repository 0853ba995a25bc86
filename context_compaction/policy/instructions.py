"""`StandingInstructions`: how sentences like "always answer in English" pin themselves."""

from __future__ import annotations

from dataclasses import dataclass

from context_compaction.errors import InvalidPolicy
from context_compaction.policy.sizes import Size, SizeLike, as_size, in_tokens
from context_compaction.text.cues import PLAIN_CUES, Cues


@dataclass(frozen=True, slots=True, init=False)
class StandingInstructions:
    """Sentences of user text that are to hold from now on stay word for word, though nobody pins them.

    Nothing that assistant or tools say, or that the user quotes, is ever one. Of those that hold, the latest
    are kept, as many as both limits allow; the others can be recalled still.
    Raises `InvalidPolicy` for a limit that means nothing.
    """

    cues: tuple[Cues, ...]
    """By which they are told, a value for each language. English and the plainest cues of a few others."""
    most: int
    """How many there may be."""
    share: Size
    """Of the input tokens that all of them together may take."""

    def __init__(
        self, cues: tuple[Cues, ...] = PLAIN_CUES, *, most: int = 20, share: SizeLike = 0.05
    ) -> None:
        if not isinstance(most, int) or isinstance(most, bool) or most < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidPolicy(f"most is {most!r}; give a number of instructions")
        size = as_size(share, "share")
        if size[0] == "messages":
            raise InvalidPolicy(f"share is {share!r}; give a fraction of the input or a number of tokens")
        for name, value in (("cues", tuple(cues)), ("most", most), ("share", size)):
            object.__setattr__(self, name, value)

    def room(self, input_tokens: int) -> int:
        """Tokens that all of them together may take."""
        return in_tokens(self.share, input_tokens) or 0
