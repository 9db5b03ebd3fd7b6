"""One dict of metrics; each says its paper, its range and what can push it up without merit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fusion.checked import meant
from napari_fusion.errors import ParameterError

Picture = NDArray[np.float64]
"""(h, w) in [0, 1]: one slice."""

Pictures = NDArray[np.float64]
"""(k, h, w) in [0, 1]: the same slice of k sources."""

Direction = Literal["higher", "lower", "neither"]

_METRICS: dict[str, "Metric"] = {}


@dataclass(frozen=True)
class Metric:
    """A number that judges one fused slice against its sources.

    Parameters
    ----------
    name, title
        The word used in code and tables, and the one shown to people.
    paper
        Where it comes from.
    range
        Smallest and largest value it can take.
    direction
        Which way is better; "neither" for those that describe the picture and judge nothing.
    gamed_by
        What raises it without making a better fusion, in a few words; empty when neither contrast
        nor noise alone does.
    fast
        Whether it belongs to the set computed by default.
    function
        ``(fused (h, w), sources (k, h, w)) -> float``. With a single source it judges how well
        that source survives.
    """

    name: str
    title: str
    paper: str
    range: tuple[float, float]
    direction: Direction
    gamed_by: str
    fast: bool
    function: Callable[[Picture, Pictures], float]

    def __call__(self, fused: NDArray[Any], sources: NDArray[Any]) -> float:
        """Judge one slice; NaN where the metric has no meaning, as on an empty slice.

        Raises
        ------
        ParameterError
            The shapes do not fit.
        """
        if fused.ndim != 2 or sources.ndim != 3 or sources.shape[1:] != fused.shape:
            raise ParameterError(
                "a metric needs a fused slice (rows, columns) and sources (k, rows, columns), "
                f"these are {fused.shape} and {sources.shape}"
            )
        if not np.any(sources):
            return float("nan")
        return float(self.function(fused.astype(np.float64), sources.astype(np.float64)))

    def sides(self, fused: NDArray[Any], sources: NDArray[Any]) -> list[float]:
        """Judge how well each source by itself survives."""
        return [self(fused, sources[i : i + 1]) for i in range(len(sources))]


def metric(
    title: str,
    paper: str,
    *,
    range: tuple[float, float],
    direction: Direction = "higher",
    gamed_by: str = "",
    fast: bool = False,
) -> Callable[[Callable[[Picture, Pictures], float]], Callable[[Picture, Pictures], float]]:
    """Register a function under its own name as a metric; called by hand, it is checked too."""

    def register(
        function: Callable[[Picture, Pictures], float],
    ) -> Callable[[Picture, Pictures], float]:
        name = function.__name__
        made = Metric(name, title, paper, range, direction, gamed_by, fast, function)
        _METRICS[name] = made

        @wraps(function)
        def judged(fused: Picture, sources: Pictures) -> float:
            return made(np.asarray(fused), np.asarray(sources))

        return judged

    return register


def metrics() -> tuple[Metric, ...]:
    """Give every registered metric."""
    return tuple(_METRICS.values())


def lookup(name: str) -> Metric:
    """Find a metric by name.

    Raises
    ------
    ParameterError
        There is no such metric; the nearest name is suggested.
    """
    if name not in _METRICS:
        raise ParameterError(
            f"there is no metric {name!r}{meant(name, _METRICS)}; there are: {', '.join(_METRICS)}"
        )
    return _METRICS[name]
