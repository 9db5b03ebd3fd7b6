"""Name the values of an array by their hash."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

BLOCK_BYTES = 1 << 25
"""How much of an array is copied or computed at a time."""


def array_digest(array: Any, kind: DTypeLike | None = None) -> str:
    """Give the SHA-256 of an array's bytes in C order, as another `kind` of number if asked.

    Numpy and dask arrays are read some planes at a time, so that none is copied whole.

    Examples
    --------
    >>> array_digest(np.zeros((2, 3), ">f8"), np.float32) == array_digest(np.zeros(6, np.float32))
    True
    """
    total = hashlib.sha256()
    planes = max(1, int(BLOCK_BYTES // max(1, array.nbytes / max(1, len(array)))))
    for start in range(0, len(array), planes):
        block = np.asarray(array[start : start + planes])
        total.update(np.ascontiguousarray(block, kind).data)
    return total.hexdigest()
