"""A tiny drafter that really summarises: its made-up language, its training, its evaluation."""
