"""One file for a network: its tensors, its configuration and its card. Never pickle.

The file is safetensors; configuration and card are JSON in its metadata, with a SHA-256 of both
and of every tensor, so that a file that was changed is refused.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from napari_fusion.errors import CheckpointError
from napari_fusion.io.atomic import write_verified
from napari_fusion.nets.model import FusionNet, NetConfig
from napari_fusion.volume import JSON

KIND = "napari-fusion network"
FORMAT = f"{KIND} 3"
SCALE = ".scale"
"""Suffix of the tensor that holds the scales of an int8 one."""

MOST_BYTES = 64 << 20
"""A larger file is none of ours."""


@dataclass(frozen=True)
class Checkpoint:
    """A network that can be built: what it is, what it learned, and what is known about it.

    Parameters
    ----------
    config
        Shape of the network.
    tensors
        Its state by name; a weight may be int8 with float32 scales beside it (see `quantise`).
    card
        The model card, JSON: data, seed, figures, licence, limits.
    state
        What training needs to go on (moments of the optimiser); empty in a finished network.
    """

    config: NetConfig
    tensors: Mapping[str, Tensor]
    card: Mapping[str, JSON] = field(default_factory=dict)
    state: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, net: FusionNet, card: Mapping[str, JSON] | None = None) -> Self:
        """Take a network's parameters and statistics."""
        tensors = {n: t.detach().clone().contiguous() for n, t in net.state_dict().items()}
        return cls(net.config, {n: t for n, t in tensors.items() if t.dim()}, card or {})

    def build(self) -> FusionNet:
        """Make the network, in evaluation mode.

        Raises
        ------
        CheckpointError
            The tensors do not fit the configuration.
        """
        net = FusionNet(self.config)
        state = net.state_dict()
        given = {n: self._plain(n) for n in self.tensors if not n.endswith(SCALE)}
        counters = {n for n, t in state.items() if not t.dim()}
        if set(given) != set(state) - counters:
            raise CheckpointError("the network's tensors are not those its configuration asks for")
        for name, tensor in given.items():
            if tensor.shape != state[name].shape or not torch.isfinite(tensor).all():
                raise CheckpointError(f"the tensor {name} has a wrong shape or is not finite")
        net.load_state_dict(given, strict=False)
        net.eval()
        return net

    def described(self, **card: JSON) -> Self:
        """Give a copy with more on its card."""
        return replace(self, card={**self.card, **card})

    def save(self, path: str | Path) -> Path:
        """Write the file whole and verified, or leave the older one as it was.

        Raises
        ------
        WriteError
            Nothing was written.
        """
        return write_verified(path, self._write, lambda part: _read(part))

    @classmethod
    def load(cls, path: str | Path, *, sha256: str | None = None) -> Self:
        """Read a file; with `sha256`, exactly the file that has it.

        Raises
        ------
        CheckpointError
            Missing, not a network of ours, truncated, changed, or not the file expected.
        """
        path = Path(path)
        if sha256 is not None and file_sha256(path) != sha256:
            raise CheckpointError(
                f"{path.name} is not the file expected: its SHA-256 differs; install the package "
                "again or train the network again"
            )
        config, tensors, card, state = _read(path)
        return cls(config, tensors, card, state)

    def _plain(self, name: str) -> Tensor:
        tensor = self.tensors[name]
        if tensor.dtype != torch.int8:
            return tensor
        scale = self.tensors.get(name + SCALE)
        if scale is None:
            raise CheckpointError(f"the int8 tensor {name} has no scales")
        return tensor.float() * scale.view(-1, *[1] * (tensor.dim() - 1))

    def _write(self, part: Path) -> None:
        from safetensors.torch import save

        tensors = {**self.tensors, **{f"state:{n}": t for n, t in self.state.items()}}
        told = {
            "format": FORMAT,
            "config": self.config.model_dump_json(),
            "card": json.dumps(dict(self.card), sort_keys=True),
        }
        made = save(tensors, metadata={**told, "sha256": tensors_digest(tensors, told)})
        part.write_bytes(_in_order(made))


def _in_order(made: bytes) -> bytes:
    """Put the header in order, which safetensors shuffles: one network has one SHA-256."""
    start = 8 + int.from_bytes(made[:8], "little")
    header = json.dumps(json.loads(made[8:start]), sort_keys=True, ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + made[start:]


def file_sha256(path: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal.

    Raises
    ------
    CheckpointError
        The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as fault:
        raise CheckpointError(
            f"the network file {path.name} cannot be read: {fault.strerror}"
        ) from fault


def _read(
    path: Path,
) -> tuple[NetConfig, dict[str, Tensor], dict[str, JSON], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise CheckpointError(f"there is no network file {path.name}")
    if path.stat().st_size > MOST_BYTES:
        raise CheckpointError(f"{path.name} is too large to be a network of this package")
    try:
        with safe_open(path, framework="pt") as file:
            told = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as fault:
        raise CheckpointError(
            f"{path.name} is not a whole safetensors file: it is damaged or of another kind"
        ) from fault
    kind = told.get("format")
    if kind != FORMAT and str(kind).startswith(KIND):
        raise CheckpointError(
            f"{path.name} is a network of another version of this package ({kind!r}, not "
            f"{FORMAT!r}): train it again"
        )
    if kind != FORMAT:
        raise CheckpointError(f"{path.name} holds no network of this package ({FORMAT!r})")
    if told.pop("sha256", None) != tensors_digest(tensors, told):
        raise CheckpointError(f"{path.name} was changed after it was written: its digest differs")
    try:
        config = NetConfig.model_validate_json(told["config"])
        card = json.loads(told["card"])
    except (KeyError, ValidationError, ValueError) as fault:
        raise CheckpointError(f"{path.name} has no configuration that can be read") from fault
    state = {n.removeprefix("state:"): t for n, t in tensors.items() if n.startswith("state:")}
    rest = {n: t for n, t in tensors.items() if not n.startswith("state:")}
    return config, rest, card, state


def tensors_digest(tensors: Mapping[str, Tensor], told: Mapping[str, str]) -> str:
    """Give the SHA-256 of tensors and of what is told about them, in hexadecimal."""
    total = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in sorted(tensors):
        array: np.ndarray = tensors[name].contiguous().numpy()
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()
