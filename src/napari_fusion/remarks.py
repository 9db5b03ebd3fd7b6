"""What is to be known of a result, remarked deep inside the work, for the result's history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENING: ContextVar[set[str] | None] = ContextVar("listening", default=None)


@contextmanager
def heard() -> Iterator[set[str]]:
    """Collect what is remarked inside, on this thread; of nested ones the innermost hears it."""
    said: set[str] = set()
    token = _LISTENING.set(said)
    try:
        yield said
    finally:
        _LISTENING.reset(token)


def remark(sentence: str) -> None:
    """Say something about the result that is being made; lost where nobody listens."""
    said = _LISTENING.get()
    if said is not None:
        said.add(sentence)
