"""Train a network: seeded, resumable at any moment, the curve on disk as it goes."""

import hashlib
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from napari_fusion.checked import Settings
from napari_fusion.errors import CheckpointError, ParameterError, Progress, silent
from napari_fusion.io.atomic import write_table, write_verified
from napari_fusion.nets.bands import fuse, fused, votes
from napari_fusion.nets.checkpoint import Checkpoint, tensors_digest
from napari_fusion.nets.data import Sample, batch
from napari_fusion.nets.losses import WEIGHTS, loss
from napari_fusion.nets.model import Decision, FusionNet, NetConfig
from napari_fusion.nets.origin import code_version

logger = logging.getLogger(__name__)

Regulariser = Callable[[FusionNet], None]
"""Called between the gradients and the step: adds what a sparse network asks for."""


class TrainOptions(Settings):
    """How to train; frozen, JSON both ways.

    Parameters
    ----------
    steps, count, side
        Batches, pairs a batch, and pixels along a crop's side.
    rate, decay
        AdamW's highest learning rate (cosine, warmed up) and weight decay.
    synthetic
        Share of pairs with a contrast made from the tissues.
    replay
        Share of pairs drawn from the older data, when a network goes on with new data.
    seed
        Chooses weights, crops and contrasts.
    every
        Steps between files and validations.
    threads
        Threads of torch.
    bf16
        Run the network in bfloat16 where the processor gains by it (`bf16_gains`); the loss stays
        in float32. Two machines may then give different networks.
    weights
        What each term of the loss costs. Validation always uses `losses.WEIGHTS`.
    """

    steps: int = Field(default=2000, ge=1)
    count: int = Field(default=8, ge=1)
    side: int = Field(default=96, ge=64, multiple_of=16)
    rate: float = Field(default=2e-3, gt=0)
    decay: float = Field(default=1e-4, ge=0)
    synthetic: float = Field(default=0.6, ge=0, le=1)
    replay: float = Field(default=0.0, ge=0, lt=1)
    seed: int = Field(default=0, ge=0)
    every: int = Field(default=100, ge=1)
    threads: int = Field(default=1, ge=1)
    bf16: bool = False
    weights: dict[str, float] = Field(default_factory=lambda: dict(WEIGHTS))

    @field_validator("weights")
    @classmethod
    def _known_terms(cls, weights: dict[str, float]) -> dict[str, float]:
        if not set(weights) <= set(WEIGHTS):
            raise ValueError(f"the terms of the loss are {', '.join(WEIGHTS)}")
        return weights


@dataclass(frozen=True)
class TrainData:
    """What to learn from, what to judge by, and what must not be forgotten.

    Parameters
    ----------
    train
        Slices to learn from.
    val
        Slices of other patients.
    replay
        Slices of an earlier training, drawn with `TrainOptions.replay`.
    """

    train: list[Sample]
    val: list[Sample]
    replay: list[Sample] | None = None


def train(
    start: Checkpoint | NetConfig,
    data: TrainData,
    options: TrainOptions,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    regularise: Regulariser | None = None,
) -> Checkpoint:
    """Train from a configuration, or go on from a checkpoint.

    With `out`, `last.safetensors` there lets the same call go on after an interruption, with the
    result it would have had; `curve.csv` and `curve.png` tell how it went.

    Raises
    ------
    ParameterError
        There is nothing to learn from.
    CheckpointError
        The training in `out` began with another network or other slices, or has other options.
    """
    if not data.train:
        raise ParameterError("there are no slices to train on")
    report = progress or silent
    with seeded(options):
        net = (start.build() if isinstance(start, Checkpoint) else FusionNet(start)).train()
        parent = dict(start.card) if isinstance(start, Checkpoint) else {}
        optimiser = torch.optim.AdamW(net.parameters(), options.rate, weight_decay=options.decay)
        last = out / "last.safetensors" if out else None
        asked = {"options": options.model_dump(), "begun_with": _named(start, data)}
        rows, done = _resumed(last, net, optimiser, asked) if last else ([], 0)
        recent: list[float] = []
        for step in range(done, options.steps):
            recent.append(_step(net, optimiser, data, options, step, regularise))
            if (step + 1) % options.every and step + 1 < options.steps:
                continue
            rows.append([step + 1, float(np.mean(recent)), validate(net, data.val)])
            recent = []
            report((step + 1) / options.steps, f"step {step + 1}, validation {rows[-1][2]:.4f}")
            if last:
                _saved(net, optimiser, asked, rows, last)
        card: dict[str, Any] = {
            **parent,
            "seed": options.seed,
            "code": code_version(),
            "options": options.model_dump(),
            "curve": _known(rows),
        }
        return Checkpoint.of(net, card)


@contextmanager
def seeded(options: TrainOptions) -> Iterator[None]:
    """Give torch its seed and its threads, and put back what it had."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def validate(net: FusionNet, samples: list[Sample], most: int = 24) -> float:
    """Give the mean loss over up to `most` whole slices spread over the samples; NaN if none."""
    chosen = samples[:: max(1, math.ceil(len(samples) / most))]
    training = net.training
    net.eval()
    with torch.inference_mode():
        values = [_loss(net, whole(sample)) for sample in chosen]
    net.train(training)
    return float(np.mean(values)) if values else math.nan


def whole(sample: Sample) -> Tensor:
    """Give the first two contrasts of a slice (2, 1, h, w) in [0, 1], cut to even sides."""
    planes = sample.planes[:2, None]
    h, w = (n // 2 * 2 for n in planes.shape[2:])
    return torch.from_numpy(planes[..., :h, :w].astype(np.float32) / 255)


def _loss(net: FusionNet, sources: Tensor) -> float:
    return float(loss(fused(net, sources), sources))


def _step(
    net: FusionNet,
    optimiser: torch.optim.Optimizer,
    data: TrainData,
    options: TrainOptions,
    step: int,
    regularise: Regulariser | None,
) -> float:
    rng = np.random.default_rng([options.seed, step])  # the same crops after an interruption
    older = data.replay and rng.random() < options.replay
    drawn = batch(
        (data.replay or []) if older else data.train,
        rng,
        count=options.count,
        side=options.side,
        synthetic=options.synthetic,
    )
    for group in optimiser.param_groups:
        group["lr"] = options.rate * _pace(step, options.steps)
    seen, meant = (torch.from_numpy(pictures) for pictures in drawn)
    value = loss(_fused(net, seen, options), meant, options.weights)
    optimiser.zero_grad()
    value.backward()
    if regularise is not None:
        regularise(net)
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    return float(value.detach())


def _fused(net: FusionNet, seen: Tensor, options: TrainOptions) -> Tensor:
    """Fuse as `bands.fused`, the network alone in bfloat16 where that is asked for and gains."""
    asked, standard = votes(seen, net.config.levels)
    with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16 and bf16_gains()):
        decision = net(seen, asked)
    whole_precision = Decision(*(part.float() for part in decision))
    return fuse(seen, standard, whole_precision, net.config.levels)


def bf16_gains() -> bool:
    """Tell whether this processor multiplies bfloat16 faster than float32: only with AMX tiles.

    Without them torch emulates it, many times slower.
    """
    return bool(torch.cpu._is_amx_tile_supported())


def _pace(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / max(1, min(100, steps // 10)))
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _named(start: Checkpoint | NetConfig, data: TrainData) -> str:
    """Name what a training begins with, weights and slices, by their hash."""
    tensors = start.tensors if isinstance(start, Checkpoint) else {}
    total = hashlib.sha256(tensors_digest(tensors, {}).encode())
    for sample in (*data.train, *data.val, *(data.replay or [])):
        total.update(f"{sample.group}/{sample.name} {sample.planes.shape}".encode())
        total.update(sample.planes.tobytes())
    return total.hexdigest()


def _saved(
    net: FusionNet,
    optimiser: torch.optim.Optimizer,
    asked: dict[str, Any],
    rows: list[list[float]],
    path: Path,
) -> None:
    names = [name for name, _ in net.named_parameters()]
    moments = {
        f"{names[i]}:{key}": value.detach().clone().reshape(value.shape or (1,))
        for i, entry in optimiser.state_dict()["state"].items()
        for key, value in entry.items()
    }
    card = {**asked, "curve": _known(rows)}
    replace(Checkpoint.of(net, card), state=moments).save(path)
    draw_curve(rows, path.parent)


def _known(rows: list[list[float]]) -> list[list[float | None]]:
    """Put None for NaN, which JSON does not have."""
    return [[None if math.isnan(value) else value for value in row] for row in rows]


def _resumed(
    path: Path, net: FusionNet, optimiser: torch.optim.Optimizer, asked: dict[str, Any]
) -> tuple[list[list[float]], int]:
    """Take up an unfinished training where it was left; from the start when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return [], 0
    found = Checkpoint.load(path)
    if found.config != net.config or {k: found.card.get(k) for k in asked} != asked:
        raise CheckpointError(
            f"{path} is of a training that began with another network or other slices, or has "
            "other options: choose another folder, or delete it"
        )
    net.load_state_dict(found.build().state_dict())
    names = {name: i for i, (name, _) in enumerate(net.named_parameters())}
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in found.state.items():
        name, kind = key.rsplit(":", 1)
        state.setdefault(names[name], {})[kind] = value.reshape(()) if kind == "step" else value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    curve = found.card["curve"]
    rows = [[math.nan if v is None else float(v) for v in row] for row in curve]  # type: ignore
    return rows, int(rows[-1][0])


def draw_curve(rows: list[list[float]], folder: Path) -> None:
    """Write `curve.csv` and a plain picture of it, `curve.png`: training grey, validation red."""
    from PIL import Image, ImageDraw

    columns = ("step", "training loss", "validation loss")
    told = [[f"{value:.6g}" for value in row] for row in rows]
    write_table(
        folder / "curve.csv", columns, [dict(zip(columns, row, strict=True)) for row in told]
    )
    values = np.array(rows, float)
    known = values[:, 1:][np.isfinite(values[:, 1:])]
    low, high = known.min(), known.max()
    image = Image.new("RGB", (640, 400), "white")
    pen = ImageDraw.Draw(image)
    for column, colour in ((1, "grey"), (2, "red")):
        points = [
            (
                40 + 580 * row[0] / values[-1, 0],
                370 - 340 * (row[column] - low) / (high - low + 1e-9),
            )
            for row in values
            if np.isfinite(row[column])
        ]
        if len(points) > 1:
            pen.line(points, fill=colour, width=2)
    pen.text((40, 380), f"{int(values[-1, 0])} steps", fill="black")
    pen.text((4, 24), f"{high:.3f}", fill="black")
    pen.text((4, 364), f"{low:.3f}", fill="black")
    write_verified(folder / "curve.png", image.save)
