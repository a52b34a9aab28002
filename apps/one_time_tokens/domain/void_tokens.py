"""Voiding tokens, for apps that still write on threads."""

from collections.abc import Callable

# Makes every unspent token of an account invalid, in the transaction that is open on the calling thread.
VoidTokens = Callable[[int], None]
