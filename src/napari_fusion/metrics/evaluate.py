"""Judge a fused slice or slab by many metrics at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError
from napari_fusion.metrics.known import known_mean
from napari_fusion.metrics.registry import Metric, lookup, metrics

BEYOND = 0.5
"""A fused picture may leave [0, 1] by a little; measured values do so by more."""

TWO_SIDED = ("q_abf", "vif", "ssim_foreground", "fmi")
"""Metrics whose geometric mean over the sources says whether one of them was ignored."""


def evaluate(
    fused: NDArray[Any],
    sources: Sequence[NDArray[Any]] | NDArray[Any],
    names: Sequence[str] | None = None,
) -> dict[str, float]:
    """Give every metric asked for, averaged over slices.

    Parameters
    ----------
    fused
        (h, w) or (n, h, w), in [0, 1].
    sources
        k arrays of the same shape, in [0, 1].
    names
        Which metrics; by default the fast ones.

    Returns
    -------
    dict
        Name to value, the mean over the slices where the metric has a meaning; NaN if nowhere.

    Raises
    ------
    ParameterError
        Unknown metric, or shapes that do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.linspace(0, 1, 256).reshape(16, 16)
    >>> round(evaluate(ramp, [ramp, ramp])["ssim"], 3)
    1.0
    """
    wanted = [lookup(name) for name in names] if names is not None else _fast()
    slab, stack = _checked(fused, sources)
    return {m.name: known_mean(m(slab[i], stack[:, i]) for i in range(len(slab))) for m in wanted}


def two_sided(
    fused: NDArray[Any],
    sources: Sequence[NDArray[Any]] | NDArray[Any],
    names: Sequence[str] = TWO_SIDED,
) -> dict[str, float]:
    """Give the geometric mean over the sources of how well each survives.

    Near zero when one source is ignored, where the usual sums still look good; negative values of
    a side count as zero. Arguments and errors as for `evaluate`.
    """
    slab, stack = _checked(fused, sources)
    return {
        name: known_mean(
            _geometric(lookup(name).sides(slab[i], stack[:, i])) for i in range(len(slab))
        )
        for name in names
    }


def _geometric(sides: list[float]) -> float:
    return float(np.prod(np.clip(sides, 0, None)) ** (1 / len(sides)))


def _checked(
    fused: NDArray[Any], sources: Sequence[NDArray[Any]] | NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give the fused slab (n, h, w) and the sources (k, n, h, w)."""
    fused, arrays = np.asarray(fused), [np.asarray(source) for source in sources]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1:
        found = " and ".join(map(str, sorted(shapes)))
        told = f"the sources have shapes {found}" if shapes else "there are no sources"
        raise ParameterError(f"{told}: give arrays of the same slice or slab")
    stack = np.stack(arrays)
    if object in (fused.dtype, stack.dtype):
        raise ParameterError("metrics take arrays, not volumes: give what the windows make of them")
    if stack.shape[1:] != fused.shape or fused.ndim not in (2, 3) or not fused.size:
        raise ParameterError(
            f"the fused array has shape {fused.shape}, its sources {stack.shape[1:]}: "
            "they must be arrays of the same slice or slab, in [0, 1]"
        )
    for array in (fused, stack):
        low, high = float(array.min()), float(array.max())
        if not (low >= -BEYOND and high <= 1 + BEYOND):
            raise ParameterError(
                f"metrics are of pictures in [0, 1], these values run from {low:g} to {high:g}: "
                "give what the windows make of the volumes"
            )
    return (fused, stack) if fused.ndim == 3 else (fused[None], stack[:, None])


def _fast() -> list[Metric]:
    return [m for m in metrics() if m.fast]
