"""The local drafter: a `transformers` model, batched, over a cache that lives as long as it does.

Nothing but this package and the tokenizer counter imports torch or transformers.
"""

from context_compaction.drafting.transformers.drafter import TransformersDrafter

__all__ = ["TransformersDrafter"]
