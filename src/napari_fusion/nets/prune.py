"""Cut a network down to a budget: candidates by several criteria, and the one that learns best.

Whole channels go (structured pruning; zeros inside dense kernels would save nothing). Every
candidate ends at the same budget and gets the same steps, and so do two controls: channels chosen
at random, and the same widths trained from scratch.
"""

import copy
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from pydantic import Field
from torch import nn

from napari_fusion.checked import Settings
from napari_fusion.errors import MissingExtra, ParameterError, Progress, between, silent
from napari_fusion.nets.bands import fused
from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.data import batch
from napari_fusion.nets.infer import cost_ms
from napari_fusion.nets.losses import loss
from napari_fusion.nets.model import FusionNet, NetConfig, size
from napari_fusion.nets.quantise import quantise
from napari_fusion.nets.train import TrainData, TrainOptions, seeded, train, validate
from napari_fusion.volume import JSON

Criterion = Literal["taylor", "l2", "bn", "random"]

CRITERIA: tuple[Criterion, ...] = ("taylor", "l2", "bn", "random")

STEPS = 200
"""Small bites, so that every criterion ends close to the budget."""


class PruneOptions(Settings):
    """How to prune; frozen, JSON both ways.

    Parameters
    ----------
    macs
        Budget: multiply-accumulates of two 256 × 256 slices. Each criterion spends it on the
        layers it likes.
    round_to
        Widths are multiples of this; kernels run fast at 8 and 16.
    widths
        Widths that every candidate must end with, instead of a budget: then criteria choose
        channels only, and are compared at exactly equal cost.
    criteria
        What makes a channel worth keeping; one candidate each.
    scratch
        Whether to train the winner's widths from scratch as well.
    layer
        A convolution to take out whole, for one more candidate; the others are then cut by "l2" to
        the same budget. None for no such candidate.
    zeros
        Share of the dense weights to set to zero instead, for a row that tells what that saves:
        bytes once zipped, no time. It is no candidate. 0 for no such row.
    sparse_steps
        Steps with a regulariser that makes whole channels small, before any is cut.
    trial_steps
        Steps every candidate gets before the best is chosen.
    tune
        How the winner is then trained on.
    """

    macs: float = Field(default=250e6, gt=0)
    round_to: int = Field(default=8, ge=1)
    widths: tuple[int, ...] | None = None
    criteria: tuple[Criterion, ...] = Field(default=CRITERIA, min_length=1)
    scratch: bool = True
    layer: int | None = None
    zeros: float = Field(default=0, ge=0, lt=1)
    sparse_steps: int = Field(default=300, ge=0)
    trial_steps: int = Field(default=150, ge=1)
    tune: TrainOptions = TrainOptions()


def prune(
    dense: Checkpoint,
    data: TrainData,
    options: PruneOptions,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Checkpoint, list[dict[str, JSON]]]:
    """Make a sparse, then a smaller network; choose by validation; train the winner on.

    Returns
    -------
    Checkpoint
        The winner.
    list of dict
        One row per candidate: criterion, widths, parameters, MACs, and validation loss right
        after the cut and after the trial.

    Raises
    ------
    ParameterError
        The budget cannot be met.
    MissingExtra
        torch-pruning is not installed.
    """
    report = progress or silent
    quick = options.tune.model_copy(update={"steps": options.trial_steps})
    with seeded(options.tune):
        sparse = sparsened(dense, data, options, out=out, progress=between(report, 0, 0.2))
        rows: list[dict[str, JSON]] = []
        candidates: list[Checkpoint] = []
        tries: list[str] = [*options.criteria]
        tries += ["layer"] if options.layer is not None else []
        tries += ["scratch"] if options.scratch else []
        for i, name in enumerate(tries):
            part = between(report, 0.2 + 0.4 * i / len(tries), 0.2 + 0.4 * (i + 1) / len(tries))
            part(0, f"candidate {name}")
            start = (
                candidates[_best(rows)].config
                if name == "scratch"
                else _cut(sparse, name, data, options)
            )
            folder = out / f"trial-{name}" if out else None
            tried = train(start, data, quick, out=folder, progress=part)
            candidates.append(tried)
            rows.append(_row(name, start, tried, data))
        best = _best(rows)
        if options.zeros:
            rows.append(_row("zeros", dense, with_zeros(dense, options.zeros), data))
        folder = out / "tune" if out else None
        tuned = train(
            candidates[best], data, options.tune, out=folder, progress=between(report, 0.6, 1)
        )
        return tuned.described(pruned_by=tries[best], candidates=list(rows)), rows


def _cut(sparse: Checkpoint, name: str, data: TrainData, options: PruneOptions) -> Checkpoint:
    """Make a candidate by a criterion, or by taking a layer out."""
    if name != "layer" or options.layer is None:
        return cut(sparse, cast(Criterion, name), data, options)
    budget = options.macs
    if options.widths is not None:
        budget = size(sparse.config.model_copy(update={"widths": options.widths}))[1]
    asked = options.model_copy(update={"widths": None, "macs": budget})
    return cut(without_layer(sparse, options.layer), "l2", data, asked)


def with_zeros(checkpoint: Checkpoint, share: float) -> Checkpoint:
    """Set the smallest weights of every convolution to zero: unstructured pruning.

    The file can be zipped smaller; the arithmetic, and the time, stay the same.
    """
    tensors = dict(checkpoint.tensors)
    for name, tensor in tensors.items():
        if tensor.dim() == 4:
            least = torch.quantile(tensor.abs().flatten(), share)
            tensors[name] = tensor * (tensor.abs() > least)
    return Checkpoint(checkpoint.config, tensors, checkpoint.card)


def sparsened(
    dense: Checkpoint,
    data: TrainData,
    options: PruneOptions,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Checkpoint:
    """Train on with a regulariser on whole groups of channels (DepGraph)."""
    if not options.sparse_steps:
        return dense
    tuned = options.tune.model_copy(
        update={"steps": options.sparse_steps, "rate": options.tune.rate / 4}
    )
    folder = out / "sparse" if out else None
    return train(dense, data, tuned, out=folder, progress=progress, regularise=_regulariser())


def cut(
    checkpoint: Checkpoint, criterion: Criterion, data: TrainData, options: PruneOptions
) -> Checkpoint:
    """Remove the least important channels until the budget is met.

    Raises
    ------
    ParameterError
        Even the narrowest network of these layers costs more.
    """
    net = checkpoint.build()
    with seeded(options.tune):
        if criterion == "taylor":
            _gather_gradients(net, data, options.tune)
        if options.widths is not None:
            return _cut_to(net, checkpoint, criterion, options.widths)
        pruner = _pruner(net, criterion, steps=STEPS, ratio=1 - 1 / 32, round_to=options.round_to)
        for _ in range(STEPS):
            pruned = _rebuilt(net, checkpoint)
            if size(pruned.config)[1] <= options.macs:
                return pruned
            pruner.step()
    raise ParameterError(
        f"no choice of widths brings these layers to {options.macs:.3g} multiply-accumulates; "
        "raise the budget or begin with fewer layers"
    )


def _cut_to(
    net: FusionNet, checkpoint: Checkpoint, criterion: Criterion, widths: tuple[int, ...]
) -> Checkpoint:
    """Leave every layer the channels asked for."""
    before = checkpoint.config.widths
    if len(widths) != len(before) or any(
        w > b or w < 1 for w, b in zip(widths, before, strict=True)
    ):
        raise ParameterError(
            f"widths to prune to are one a layer and not above {list(before)}, not {list(widths)}"
        )
    ratios = {
        _widening(layer): max(0.0, 1 - (width + 0.5) / was)  # what is left is rounded down
        for layer, width, was in zip(net.layers, widths, before, strict=True)
    }
    _pruner(net, criterion, steps=1, ratio=0.0, ratios=ratios).step()
    return _rebuilt(net, checkpoint)


def _widening(layer: nn.Sequential) -> nn.Conv2d:
    """Give the convolution whose output channels are the layer's."""
    at = next(i for i, m in enumerate(layer) if isinstance(m, nn.BatchNorm2d))
    before = layer[at - 1]
    return before if isinstance(before, nn.Conv2d) else before.fine


def without_layer(checkpoint: Checkpoint, index: int) -> Checkpoint:
    """Remove one convolution whose input and output are as wide as each other.

    Raises
    ------
    ParameterError
        There is no such layer, or its sides differ.
    """
    config = checkpoint.config
    if not 0 < index < len(config.widths) or config.widths[index] != config.widths[index - 1]:
        raise ParameterError(f"layer {index} cannot be taken out: its neighbours would not fit")

    def moved(i: int) -> int:
        return i - 1 if i > index else i

    smaller = config.model_copy(
        update={
            "widths": tuple(np.delete(config.widths, index).tolist()),
            "dilations": tuple(np.delete(config.dilations, index).tolist()),
            "context": tuple(moved(i) for i in config.context if i != index),
        }
    )
    tensors = {}
    for name, tensor in checkpoint.tensors.items():
        room, _, rest = name.partition(".")
        if room in ("layers", "mixes"):
            number, _, tail = rest.partition(".")
            if int(number) == index:
                continue
            name = f"{room}.{moved(int(number))}.{tail}"
        tensors[name] = tensor
    return Checkpoint(smaller, tensors, checkpoint.card)


def _rebuilt(net: FusionNet, parent: Checkpoint) -> Checkpoint:
    """Take the pruned modules' widths and tensors into a configuration of their own."""
    widths = tuple(
        next(m for m in layer if isinstance(m, nn.BatchNorm2d)).num_features for layer in net.layers
    )
    config = parent.config.model_copy(update={"widths": widths})
    net = copy.deepcopy(net)
    net.config = config
    return Checkpoint.of(net, parent.card)


def _pruner(
    net: FusionNet,
    criterion: Criterion,
    *,
    steps: int,
    ratio: float,
    round_to: int | None = None,
    ratios: dict[nn.Module, float] | None = None,
) -> Any:
    tp = _pruning()
    return tp.pruner.BasePruner(
        _Convolutions(net),
        _example(net),
        importance=_importance(tp, criterion),
        pruning_ratio=ratio,
        pruning_ratio_dict=ratios,
        max_pruning_ratio=1 - 1 / 32,
        iterative_steps=steps,
        global_pruning=ratios is None,
        ignored_layers=[net.head, net.direct],
        round_to=round_to,
    )


def _example(net: FusionNet) -> torch.Tensor:
    """One source suffices to trace which channels belong together."""
    return torch.zeros(1, net.seen, 32, 32)


class _Convolutions(nn.Module):  # type: ignore[misc]
    """The part of a network that channels run through, which is all that pruning has to trace."""

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        return self.net.look(seen, 1)


def _importance(tp: Any, criterion: Criterion) -> Any:
    made: Mapping[str, Callable[[], Any]] = {
        "taylor": tp.importance.GroupTaylorImportance,
        "l2": lambda: tp.importance.GroupMagnitudeImportance(p=2),
        "bn": tp.importance.BNScaleImportance,
        "random": tp.importance.RandomImportance,
    }
    return made[criterion]()


def _gather_gradients(net: FusionNet, data: TrainData, options: TrainOptions) -> None:
    for i in range(4):
        rng = np.random.default_rng([options.seed, 1_000_000 + i])
        drawn = batch(data.train, rng, count=options.count, side=options.side)
        seen, meant = (torch.from_numpy(pictures) for pictures in drawn)
        loss(fused(net, seen), meant, options.weights).backward()


def _regulariser() -> Callable[[FusionNet], None]:
    """Give a function that adds DepGraph's group-sparsity gradient; it reads the net once."""
    tp = _pruning()
    made: list[Any] = []

    def regularise(net: FusionNet) -> None:
        if not made:
            kept = {name: p.grad for name, p in net.named_parameters()}
            net.eval()
            pruner = tp.pruner.GroupNormPruner(
                _Convolutions(net),
                _example(net),
                importance=tp.importance.GroupMagnitudeImportance(p=2),
                reg=5e-4,
                alpha=4,
                ignored_layers=[net.head, net.direct],
                global_pruning=True,
            )
            pruner.update_regularizer()
            net.train()
            for name, p in net.named_parameters():
                p.grad = kept[name]
            made.append(pruner)
        made[0].regularize(made[0].model)

    return regularise


def _row(
    name: str, start: Checkpoint | NetConfig, tried: Checkpoint, data: TrainData
) -> dict[str, JSON]:
    parameters, macs = size(tried.config)
    after_cut = validate(start.build(), data.val) if isinstance(start, Checkpoint) else None
    return {
        "criterion": name,
        "widths": list(tried.config.widths),
        "parameters": parameters,
        "macs": macs,
        "cpu_ms": round(cost_ms(tried), 2),
        "zipped_bytes": zipped_bytes(tried),
        "after_cut": after_cut,
        "after_trial": validate(tried.build(), data.val),
    }


def zipped_bytes(checkpoint: Checkpoint) -> int:
    """Count the bytes of the weights in int8, zipped: what a sparse network can save."""
    small = quantise(checkpoint).tensors
    return len(zlib.compress(b"".join(small[name].numpy().tobytes() for name in sorted(small)), 9))


def _best(rows: list[dict[str, JSON]]) -> int:
    return int(np.argmin([float(row["after_trial"]) for row in rows]))  # type: ignore[arg-type]


def _pruning() -> Any:
    try:
        import torch_pruning
    except ImportError as fault:
        raise MissingExtra(
            'pruning needs torch-pruning: pip install "napari-fusion[prune]"'
        ) from fault
    return torch_pruning
