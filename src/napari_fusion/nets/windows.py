"""Filters of torch tensors as products of matrices: many times faster here than convolving."""

import torch
from torch import Tensor


def blur(x: Tensor, taps: Tensor) -> Tensor:
    """Filter rows and columns of (..., h, w) by taps, only where they lie inside the picture."""
    rows, columns = (_banded(n, taps) for n in x.shape[-2:])
    return rows @ x @ columns.mT


def _banded(length: int, taps: Tensor) -> Tensor:
    """Give the matrix (length - taps + 1, length) that filters a row."""
    matrix = torch.zeros(length - len(taps) + 1, length)
    for i, tap in enumerate(taps):
        matrix.diagonal(i).fill_(tap)
    return matrix


def gaussian(side: int, sigma: float) -> Tensor:
    """Give a Gaussian of `side` taps that sums to 1."""
    x = torch.arange(side) - side // 2
    taps = torch.exp(-(x**2) / (2 * sigma**2))
    return taps / taps.sum()
