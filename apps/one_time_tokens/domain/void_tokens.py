"""What the rooms ask of single-use tokens without knowing the room that keeps them."""

from collections.abc import Callable

# Makes every single-use token of an account good no more, in the transaction that is open on the calling thread.
VoidTokens = Callable[[int], None]
