"""What each scanner adds: noise, blur and a bias field."""

from __future__ import annotations

import numpy as np

from napari_fusion.grid import Grid
from napari_fusion.phantom.shapes import Floats
from napari_fusion.slab import cut

FWHM_MM = {"PET": 5.0, "SPECT": 9.0}
CT_NOISE_HU = 6.0
MR_NOISE = 14.0


def degrade(ideal: Floats, grid: Grid, kind: str, seed: int) -> Floats:
    """Make an ideal image look as if it had been measured; the same seed, the same noise."""
    rng = np.random.default_rng([seed, *kind.encode()])
    if kind == "CT":
        return _ct(ideal, rng)
    if kind in ("T1", "T2"):
        return _mr(ideal, grid, rng)
    return _emission(ideal, grid, FWHM_MM[kind], rng)


def _ct(ideal: Floats, rng: np.random.Generator) -> Floats:
    """Add noise with the grain of a reconstruction kernel; whole HU, never below -1024."""
    import cv2

    out = ideal.copy()
    for plane in out:
        grain = rng.standard_normal(plane.shape, np.float32)
        grain = cv2.GaussianBlur(grain, (3, 3), 0.7)
        plane += grain * np.float32(CT_NOISE_HU / 0.42)
    np.rint(out, out=out)
    return np.maximum(out, np.float32(-1024), out=out)


def _mr(ideal: Floats, grid: Grid, rng: np.random.Generator) -> Floats:
    """Multiply by a smooth coil profile and take the magnitude of a noisy complex signal."""
    out = np.empty_like(ideal)
    tilt = rng.uniform(-0.12, 0.12, 3)
    bowl = rng.uniform(-0.16, 0.02, 3)
    u = [np.linspace(-1, 1, n, dtype=np.float32) for n in grid.shape]
    profile = [
        np.float32(t) * v + np.float32(b) * v * v for t, b, v in zip(tilt, bowl, u, strict=True)
    ]
    for run in cut(grid.shape[0], 8):
        gain = profile[0][run, None, None] + profile[1][None, :, None] + profile[2][None, None]
        signal = ideal[run] * np.exp(gain)
        real, imaginary = rng.standard_normal((2, *signal.shape), np.float32) * np.float32(MR_NOISE)
        out[run] = np.hypot(signal + real, imaginary)
    return out


def _emission(ideal: Floats, grid: Grid, fwhm: float, rng: np.random.Generator) -> Floats:
    """Blur by the scanner's resolution, with counting noise that the blur has made blobby."""
    from scipy import ndimage

    sigma = fwhm / 2.3548 / grid.spacing
    blurred = ndimage.gaussian_filter(ideal, sigma)
    level = np.float32(np.percentile(blurred, 99))
    noise = rng.standard_normal(grid.shape, np.float32) * np.sqrt(np.maximum(blurred, 0) * level)
    noise = ndimage.gaussian_filter(noise, sigma * 0.6)
    # Smoothing white noise divides its deviation by about sqrt(2 sqrt(pi) sigma) an axis.
    kept = float(np.prod(np.minimum(1, 1 / np.sqrt(2 * np.sqrt(np.pi) * sigma * 0.6))))
    out: Floats = np.maximum(blurred + noise * np.float32(0.035 / kept), 0).astype(np.float32)
    return out
