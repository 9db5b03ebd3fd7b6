"""``napari-fusion evaluate``: every method on every pair of a folder, in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from napari_fusion.cli.screen import AsJson, bar, say, say_files, say_json
from napari_fusion.cli.settings import read_object
from napari_fusion.cli.train import needed
from napari_fusion.errors import ParameterError, Progress
from napari_fusion.io.atomic import write_json, write_table, write_verified
from napari_fusion.slab import Stack
from napari_fusion.threads import timed

TWO_SIDED = ("q_abf", "both_q_abf", "both_vif", "both_ssim_foreground", "both_fmi", "q_w", "q_cv")
"""The ranking that counts: near zero when one source is ignored."""

BROAD = ("q_abf", "vif", "ssim_foreground", "ms_ssim", "fmi", "scd", "correlation", "q_cb")
"""The ranking papers report."""

OWN = ("bright_kept", "leak")
LOWER = {"q_cv", "leak"}

Row = dict[str, Any]

SO_FAR = "so_far.json"
"""What a stopped evaluation has so far; the same command goes on from it, and takes it away."""


def evaluate(
    *,
    data: Annotated[Path, typer.Option(help="Folder SET/CONTRAST/NAME.png of paired slices.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables.")],
    methods: Annotated[
        str | None,
        typer.Option(
            help="Names, or files of networks, separated by commas; method:name=value sets one."
        ),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Take one slice of so many.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Fuse paired slices by several methods and rank them by metrics that ask for both sources.

    The same command goes on where it was stopped.
    """
    from napari_fusion import export

    export.check_folder(out, [data])
    chosen = _chosen(methods)
    groups, asked = _stacks(data, every), _asked(data, every, chosen)
    kept = _Kept(export.prepared(out) / SO_FAR, asked)
    with bar() as progress:
        rows = _measured(groups, chosen, kept, progress)
    ranks = {kind: _ranks(rows, names) for kind, names in _RANKINGS.items()}

    def write(folder: Path) -> None:
        write_table(folder / "evaluation.csv", rows[0], rows)
        _markdown(rows, ranks, folder / "evaluation.md")
        _plot(ranks, folder / "ranks.png")

    paths = export.together(out, write)
    kept.path.unlink()
    outputs = [str(path) for path in paths]
    result = {"ranks": ranks, "rows": rows, "outputs": outputs}
    if as_json:
        say_json(_finite(result))
        return
    for name in sorted(ranks["two-sided"], key=lambda name: ranks["two-sided"][name]):
        told = ", ".join(f"{kind} {rank[name]:.2f}" for kind, rank in ranks.items())
        say(f"{name}: mean rank {told}")
    say_files(outputs)


_RANKINGS = {"two-sided": TWO_SIDED, "broad": BROAD}


@dataclass(frozen=True)
class _Contender:
    """A method with its settings, or a network from a file: parts (k, n, h, w) of a stack."""

    fuse: Callable[[Stack], Stack]
    parameters: int | None = None
    macs: int | None = None
    sha256: str | None = None


def _chosen(methods: str | None) -> dict[str, _Contender]:
    """Read ``name``, ``name:key=value`` or the path of a network."""
    from napari_fusion.fusion import methods as registered

    words = methods.split(",") if methods else [m.name for m in registered()]
    chosen = {word: _contender(word) for word in (w.strip() for w in words)}
    if not chosen:
        raise ParameterError("there is no method to evaluate")
    return chosen


def _contender(word: str) -> _Contender:
    from napari_fusion.cli.run import params as read_params
    from napari_fusion.fusion import lookup

    if word.endswith(".safetensors"):
        word = f"cnn:network={word}"
    name, _, settings = word.partition(":")
    found = lookup(name)
    params = found.resolve(read_params(settings.split(";") if settings else []))
    known: tuple[Any, ...] = ()
    if name == "cnn":
        from napari_fusion.fusion.learned import size_of

        network = str(params["network"])
        known = *size_of(network), _sha256(network)
    return _Contender(lambda stack: found(stack, **params), *known)


def _sha256(network: str) -> str:
    from napari_fusion.nets.shipped import located

    return located(network)[1]


def _asked(data: Path, every: int, chosen: dict[str, _Contender]) -> dict[str, Any]:
    """Tell one evaluation from another: by its slices, its methods and the code."""
    with needed():
        from napari_fusion.nets.data import digest
        from napari_fusion.nets.origin import code_version
    return {
        "slices": digest(data),
        "every": every,
        "methods": [[name, contender.sha256] for name, contender in chosen.items()],
        "code": code_version(),
    }


def _stacks(data: Path, every: int) -> dict[str, list[Stack]]:
    """Give the slices (2, 1, h, w) in [0, 1] of every group of pairs."""
    with needed():
        from napari_fusion.nets.data import load_samples
    groups: dict[str, list[Stack]] = {}
    for sample in load_samples(data)[::every]:
        stack = sample.planes[:, None].astype(np.float32) / np.float32(255)
        groups.setdefault(sample.group, []).append(stack)
    return dict(sorted(groups.items()))


@dataclass(frozen=True)
class _Kept:
    """The rows of an evaluation that is under way, in a file."""

    path: Path
    asked: dict[str, Any]

    def rows(self) -> list[Row]:
        """Give what an earlier call has left: none where there was none.

        Raises
        ------
        ParameterError
            It had other slices, methods or code.
        """
        if not self.path.exists():
            return []
        found = read_object(self.path, "the evaluation so far")
        if found.get("asked") != self.asked:
            raise ParameterError(
                f"{self.path.parent} holds a stopped evaluation of other slices, of other "
                "methods or by other code: choose another --out folder, or delete "
                f"{self.path.name} there"
            )
        rows: list[Row] = found["rows"]
        return [{k: np.nan if v is None else v for k, v in row.items()} for row in rows]

    def keep(self, rows: list[Row]) -> None:
        write_json(self.path, {"asked": self.asked, "rows": _finite(rows)})


def _measured(
    groups: dict[str, list[Stack]], chosen: dict[str, _Contender], kept: _Kept, progress: Progress
) -> list[Row]:
    """Give one row per group of pairs and method: means over the slices."""
    rows = kept.rows()
    kept.keep(rows)
    total = len(chosen) * sum(map(len, groups.values()))
    jobs = [(group, name) for group in groups for name in chosen]
    done = sum(row["slices"] for row in rows)
    for group, name in jobs[len(rows) :]:
        stacks, found = groups[group], []
        for i, stack in enumerate(stacks, 1):
            progress(done / total, f"{name} on {group}, slice {i} of {len(stacks)}")
            found.append(_judged(stack, chosen[name]))
            done += 1
        rows.append({"group": group, "method": name, "slices": len(stacks), **_means(found)})
        kept.keep(rows)
    sizes = {name: {"parameters": c.parameters, "macs": c.macs} for name, c in chosen.items()}
    return [row | sizes[row["method"]] for row in rows]


def _judged(stack: Stack, contender: _Contender) -> Row:
    """Give every metric there is, and our own two, of one slice."""
    from napari_fusion import metrics

    parts, cpu_ms = timed(lambda: contender.fuse(stack))
    fused = np.rint(parts.sum(axis=0).clip(0, 1)[0] * 255) / 255
    sources = stack[:, 0]
    others = [m.name for m in metrics.metrics() if m.name != "fmi"]
    row = metrics.evaluate(fused, sources, others)
    sides = {name: np.array(metrics.lookup(name).sides(fused, sources)) for name in _BOTH}
    row["fmi"] = float(sides["fmi"].mean())  # the slowest metric, which is the mean of its sides
    both = {name: float(np.prod(v.clip(0)) ** (1 / len(v))) for name, v in sides.items()}
    top = sources.max(axis=0)
    bright, empty = top >= 0.95, top == 0
    kept = float(fused[bright].sum() / top[bright].sum()) if bright.any() else np.nan
    leak = float(fused[empty].mean() * 255) if empty.any() else 0.0
    row |= {_BOTH[name]: value for name, value in both.items()}
    return {**row, "bright_kept": kept, "leak": leak, "cpu_ms": cpu_ms}


_BOTH = {name.removeprefix("both_"): name for name in TWO_SIDED if name.startswith("both_")}


def _means(rows: list[Row]) -> Row:
    values = {k: np.array([row[k] for row in rows], float) for k in rows[0]}
    known = {k: v[np.isfinite(v)] for k, v in values.items()}
    means = {k: float(v.mean()) if len(v) else float("nan") for k, v in known.items()}
    return {**means, "cpu_ms": float(values["cpu_ms"].min())}


def _ranks(rows: list[Row], names: tuple[str, ...]) -> dict[str, float]:
    """Give every method its mean rank over metrics and groups; ties share."""
    from scipy.stats import rankdata

    methods = list(dict.fromkeys(row["method"] for row in rows))
    collected = []
    for group in dict.fromkeys(row["group"] for row in rows):
        here = [row for row in rows if row["group"] == group]
        for name in names:
            values = np.array([row[name] for row in here])
            collected.append(rankdata(np.nan_to_num(values if name in LOWER else -values, nan=1e9)))
    return dict(zip(methods, np.mean(collected, axis=0).round(3).tolist(), strict=True))


def _markdown(rows: list[Row], ranks: dict[str, dict[str, float]], path: Path) -> None:
    columns = [*TWO_SIDED, *(n for n in BROAD if n not in TWO_SIDED), *OWN, "cpu_ms"]
    lines = ["| method | " + " | ".join(f"{kind} rank" for kind in ranks) + " |"]
    lines.append("|---|" + "---|" * len(ranks))
    for name in sorted(ranks["two-sided"], key=lambda name: ranks["two-sided"][name]):
        lines.append(f"| {name} | " + " | ".join(f"{r[name]:.2f}" for r in ranks.values()) + " |")
    for group in dict.fromkeys(row["group"] for row in rows):
        here = [row for row in rows if row["group"] == group]
        lines += ["", f"**{group}**, {here[0]['slices']} slices", ""]
        lines += ["| method | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
        for row in here:
            lines.append(
                f"| {row['method']} | " + " | ".join(f"{row[c]:.3g}" for c in columns) + " |"
            )
    text = "\n".join(lines) + "\n"
    write_verified(path, lambda part: part.write_text(text, encoding="utf-8"))


def _plot(ranks: dict[str, dict[str, float]], path: Path) -> None:
    """Draw the mean ranks as bars, the shortest first; dark two-sided, light broad."""
    from PIL import Image, ImageDraw

    names = sorted(ranks["two-sided"], key=lambda name: ranks["two-sided"][name])
    colours = {"two-sided": "navy", "broad": "skyblue"}
    image = Image.new("RGB", (640, 34 * len(names) + 60), "white")
    pen = ImageDraw.Draw(image)
    pen.text((8, 8), f"Mean rank of {len(names)} methods: 1 is the best", fill="black")
    for j, (kind, colour) in enumerate(colours.items()):
        pen.rectangle((160 + 120 * j, 29, 174 + 120 * j, 37), fill=colour)
        pen.text((180 + 120 * j, 27), kind, fill="black")
    unit = 420 / len(names)
    for i, name in enumerate(names):
        pen.text((8, 34 * i + 58), name, fill="black")
        for j, (kind, colour) in enumerate(colours.items()):
            rank = ranks[kind][name]
            top = 34 * i + 52 + 13 * j
            pen.rectangle((160, top, 160 + unit * rank, top + 9), fill=colour)
            pen.text((166 + unit * rank, top - 1), f"{rank:.2f}", fill="black")
    write_verified(path, image.save)


def _finite(value: Any) -> Any:
    """Put None for NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
