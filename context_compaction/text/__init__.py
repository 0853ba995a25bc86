"""What texts say, by rule: features, hard facts, cues, terms, dates, secrets; and the embedder protocol."""
