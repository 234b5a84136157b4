"""The order book as Python sees it: `OrderBook` and what it needs, its feeds, and pictures of it."""

__all__: list[str] = []
