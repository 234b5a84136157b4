"""What judges the engine: a slow and obvious book, cases in a neutral format, and a hunt with random commands."""

__all__: list[str] = []
