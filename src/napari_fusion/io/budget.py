"""How much a file may ask for, checked before anything is allocated."""

from math import prod

from napari_fusion.errors import ReadError

VOLUME_BYTES = 8 * 2**30
"""Largest float32 volume that is loaded: 1024 × 1024 × 2048 voxels."""

FREE_BYTES = 256 * 2**20
"""A packed file may always unpack to this much …"""

EXPANSION = 200
"""… and beyond it to at most this many times its own size."""

GIB = 2**30


def check_volume(shape: tuple[int, ...], name: str) -> None:
    """Refuse a volume that is empty or larger than the budget.

    Raises
    ------
    ReadError
        An axis has no voxels, or the float32 volume would exceed `VOLUME_BYTES`.
    """
    if not shape or min(shape) < 1:
        raise ReadError(f"{name} holds no voxels: its header gives the size {_size(shape)}")
    wanted = 4 * prod(shape)
    if wanted > VOLUME_BYTES:
        raise ReadError(
            f"{name} claims {_size(shape)} voxels ({wanted / GIB:.1f} GiB in memory); at most "
            f"{VOLUME_BYTES / GIB:.0f} GiB are loaded, crop or subsample it first"
        )


def memory_doubt(shape: tuple[int, ...]) -> list[str]:
    """Say when a volume needs more memory than the machine has free."""
    wanted = 4 * prod(shape)
    if wanted < GIB:
        return []
    import psutil

    free = int(psutil.virtual_memory().available)
    if wanted < free:
        return []
    return [f"needs {wanted / GIB:.1f} GiB of memory, {free / GIB:.1f} GiB are free"]


def check_unpacked(unpacked: int, packed: int, name: str) -> None:
    """Refuse a packed file that claims to unpack to far more than it can honestly hold.

    Raises
    ------
    ReadError
        More than `FREE_BYTES` and more than `EXPANSION` times the packed size.
    """
    if unpacked > max(FREE_BYTES, EXPANSION * packed):
        raise ReadError(
            f"{name} would unpack from {packed / 2**20:.1f} MiB to {unpacked / 2**20:.0f} MiB, "
            f"more than {EXPANSION} times its size: unpack it yourself if you trust it"
        )


def check_present(needed: int, found: int, name: str) -> None:
    """Refuse a file that is shorter than its header says.

    Raises
    ------
    ReadError
        Fewer than `needed` bytes are there.
    """
    if found < needed:
        raise ReadError(
            f"{name} is shorter than its header says: {found} of {needed} bytes are there, "
            "copy or export it again"
        )


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)
