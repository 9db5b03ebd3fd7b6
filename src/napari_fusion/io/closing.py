"""What is closed when the block that uses it ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Literal, Self


class Closing(ABC):
    """A context that gives itself and is closed at the end, whatever happens."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        self.close()
        return False

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held open."""
