"""From views to messages: the context message, quoting, valid tool batches."""

from context_compaction.render.context_message import RenderOptions, context_message, context_text
from context_compaction.render.quoting import escape, quoted_result, synthetic_result, unescape
from context_compaction.render.recalled import (
    GAP,
    Quote,
    Spans,
    quote,
    quoted_by,
    recalled_message,
    recalled_text,
)
from context_compaction.render.renderer import Meter, Renderer
from context_compaction.render.requoting import passages_in, recalled_quotes, spans_of

__all__ = [
    "GAP",
    "Meter",
    "Quote",
    "RenderOptions",
    "Renderer",
    "Spans",
    "context_message",
    "context_text",
    "escape",
    "passages_in",
    "quote",
    "quoted_by",
    "quoted_result",
    "recalled_message",
    "recalled_quotes",
    "recalled_text",
    "spans_of",
    "synthetic_result",
    "unescape",
]
