"""The same venue in the plainest Python, slow and obvious. What the engine does is right if it agrees.

It shares no line with the engine: orders are objects, a queue is a list, and every rule is written out. It never runs
out of room, and takes the same calls as `OrderBook`, with the same answers, events and accounts.
"""

from sekai.markets.referee.reference.book import ReferenceBook
from sekai.markets.referee.reference.records import BUY, SELL, Account, Event, Level, Order, Refusal, Stop

__all__ = ["BUY", "SELL", "Account", "Event", "Level", "Order", "ReferenceBook", "Refusal", "Stop"]
