"""Ways to other libraries and back. Each adapter imports its library, which comes with the extra of its name.

Going there and back gives the very environment that set out.
"""

__all__: list[str] = []
