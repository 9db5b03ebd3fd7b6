"""The networks that come with the package, each pinned by the SHA-256 of its file."""

from functools import lru_cache
from pathlib import Path

from napari_fusion.errors import CheckpointError
from napari_fusion.nets.checkpoint import file_sha256

SHIPPED: dict[str, str] = {
    "dense": "d2d50564a3d70555ff03136de827ba6be1be239e27510982cbc88a08081aa700",
    "pruned": "81a46f28dc9583bda900c8a1a142001f3803d423c1a123f55414fb1570d54947",
}

WEIGHTS = Path(__file__).parent / "weights"
"""Where their files lie."""


def located(network: str | Path) -> tuple[Path, str]:
    """Give a network's file and its SHA-256: of a shipped one, by name, the one that was released.

    Raises
    ------
    CheckpointError
        There is no such network, or its file cannot be read.
    """
    if network in SHIPPED:
        return WEIGHTS / f"{network}.safetensors", SHIPPED[str(network)]
    path = Path(network)
    if path.suffix != ".safetensors":
        raise CheckpointError(
            f"there is no shipped network {str(network)!r}; there are: {', '.join(sorted(SHIPPED))}"
        )
    try:
        seen = path.stat()
    except OSError:
        return path, file_sha256(path)  # says why it cannot be read
    return path, _sha256(path.absolute(), seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=8)
def _sha256(path: Path, modified_ns: int, size: int) -> str:
    """Hash a file once as long as it stays as it is: every slab asks for its network."""
    return file_sha256(path)
