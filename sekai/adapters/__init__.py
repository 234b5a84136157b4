"""Ways to other libraries and back. Each adapter imports its library, which is an extra: `sekai[gymnasium]`, ...

Going there and back gives the very environment that set out.
"""

__all__: list[str] = []
