"""From views to messages: the context message, quoting, valid tool batches."""

from context_compaction.render.context_message import RenderOptions, context_message, context_text
from context_compaction.render.quoting import escape, quoted_result, synthetic_result, unescape
from context_compaction.render.recalled import quotable, quote, recalled_message, recalled_refs, recalled_text
from context_compaction.render.renderer import Meter, Renderer

__all__ = [
    "Meter",
    "RenderOptions",
    "Renderer",
    "context_message",
    "context_text",
    "escape",
    "quotable",
    "quote",
    "quoted_result",
    "recalled_message",
    "recalled_refs",
    "recalled_text",
    "synthetic_result",
    "unescape",
]
