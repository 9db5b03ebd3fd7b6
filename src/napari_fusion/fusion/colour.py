"""A functional source in the colours of its palette, over grey anatomy."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ParameterError, expect
from napari_fusion.palette import RGB, Palette, palette
from napari_fusion.slab import Window
from napari_fusion.volume import Volume

Convention = Literal["luminance", "lightness"]
"""What of the palette survives: its hue under the fused brightness, or its lightness as well."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def tint(
    grey: NDArray[np.float32],
    functional: NDArray[np.float32],
    name: Palette = "hot iron",
    convention: Convention = "luminance",
) -> RGB:
    r"""Colour a fused or anatomical picture by a functional one.

    "luminance" is the convention of the fusion literature: luma from `grey`, colour differences
    (full-range BT.601 YCbCr) from the palette. Colours then no longer tell the value, only its hue.
    "lightness" blends :math:`(1 - f)\,g + f\,P(f)`: where the function is strong its palette can be
    read off, where it is nil the anatomy stays grey.

    Parameters
    ----------
    grey, functional
        Arrays of one shape, float32 in [0, 1].
    name
        A name from `napari_fusion.palette.palettes`.
    convention
        "luminance" or "lightness".

    Returns
    -------
    RGB
        Shape of the inputs plus a last axis of 3, in [0, 1].

    Raises
    ------
    ParameterError
        Unknown palette or convention, or shapes that differ.

    Examples
    --------
    >>> import numpy as np
    >>> grey, nothing = np.full(2, 0.5, np.float32), np.zeros(2, np.float32)
    >>> tint(grey, nothing, "hot iron", "lightness")[0]
    array([0.5, 0.5, 0.5], dtype=float32)
    """
    if grey.shape != functional.shape:
        raise ParameterError(f"the shapes differ: {grey.shape} and {functional.shape}")
    colours = palette(name)[np.rint(functional * 255).astype(np.intp).clip(0, 255)]
    if convention == "luminance":
        mixed = relit(colours, grey)
    elif convention == "lightness":
        share = functional[..., None]
        mixed = (1 - share) * grey[..., None] + share * colours
    else:
        raise ParameterError(f"convention is luminance or lightness, not {convention!r}")
    picture: RGB = np.clip(mixed, 0, 1, out=mixed)
    return picture


def relit(colours: RGB, grey: NDArray[np.float32]) -> RGB:
    """Give colours (..., 3) the luma `grey`, with the same Cb and Cr; some may leave [0, 1]."""
    return colours + (grey - colours @ _LUMA)[..., None]  # one number added to R, G and B does that


def colour(
    fused: Volume,
    functional: Volume,
    name: Palette = "hot iron",
    convention: Convention = "luminance",
    *,
    window: Window | str | None = None,
) -> NDArray[np.uint8]:
    """Give a volume's picture (n0, n1, n2, 3), 8 bits a channel, tinted by a functional source.

    Parameters
    ----------
    fused
        Brightness in [0, 1], as `fuse` gives it.
    functional
        PET, SPECT or any other measured volume on the same grid.
    name, convention
        As for `tint`.
    window
        Values of `functional` from the palette's first to its last colour, as for `Volume.window`.

    Returns
    -------
    ndarray
        uint8 on the grid of both, its last axis red, green and blue.

    Raises
    ------
    GeometryError
        The grids differ.
    ParameterError
        Unknown palette, convention or window.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_fusion import Grid
    >>> grid = Grid.regular((1, 1, 2))
    >>> fused, pet = (Volume(np.array([[values]]), grid) for values in ([0.5, 0.5], [0.0, 9.0]))
    >>> colour(fused, pet, "hot iron", "lightness", window="0:9")[0, 0].tolist()
    [[128, 128, 128], [255, 255, 255]]
    """
    expect(Volume, fused=fused, functional=functional)
    expect(str, name=name)
    fused.grid.must_match(functional.grid, "the fused volume", "the functional one")
    scale = functional.window(window)
    picture = np.empty((*fused.grid.shape, 3), np.uint8)
    both = (np.asarray(volume.array) for volume in (fused, functional))  # dask is read once
    for i, (grey, values) in enumerate(zip(*both, strict=True)):
        seen = Window(lower=0, upper=1)(grey)
        picture[i] = np.rint(tint(seen, scale(values), name, convention) * 255)
    return picture
