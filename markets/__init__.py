"""markets: limit order books, and markets that live. The venue is compiled; its faces are here.

`OrderBook` is one book, `messages` the orders of a whole day for it; the environments are made by `sekai.make`.
"""

if __name__ != "sekai.markets":
    raise ImportError("this folder is imported as sekai.markets, not as markets")

from sekai.markets.book.messages import messages
from sekai.markets.book.order_book import OrderBook
from sekai.markets.book.rejection import OrderRejected

__all__ = ["OrderBook", "OrderRejected", "messages"]
