"""Days from outside: tapes and their file formats, recorded days, their replay, and the order flow made of them."""

__all__: list[str] = []
