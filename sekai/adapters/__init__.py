"""Adapters to other libraries. Each needs its library, which is installed by the extra of the same name.

Converting an environment and converting it back returns the very same environment.
"""

__all__: list[str] = []
