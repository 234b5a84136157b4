"""markets: limit order books, and markets that live. The venue is compiled; its faces are here.

`OrderBook` is one book, `messages` the orders of a whole day for it; the environments are made by `sekai.make`.
"""

from markets.book import OrderBook
from markets.messages import messages
from markets.rejection import OrderRejected

__all__ = ["OrderBook", "OrderRejected", "messages"]
