"""Sums and means of what has a value: NaN counts for nothing, and is the answer where all are."""

from collections.abc import Iterable

import numpy as np


def known_sum(values: Iterable[float]) -> float:
    """Add up what is no NaN."""
    known = [value for value in values if not np.isnan(value)]
    return float(sum(known)) if known else np.nan


def known_mean(values: Iterable[float]) -> float:
    """Average what is no NaN."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else np.nan
