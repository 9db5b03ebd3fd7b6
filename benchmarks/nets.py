"""Make the training slices of the shipped networks, and time the networks against each other.

    python benchmarks/nets.py slices VOLUMES OUT     PNG slices from the volumes and the head
    python benchmarks/nets.py same SLICES            whether the shipped networks learned from such
    python benchmarks/nets.py speed                  CPU ms a slice, dense against pruned, one run
    python benchmarks/nets.py blocks SLICES PAIRS    every block at one budget of steps
    python benchmarks/nets.py memory                 peak memory of large slices and volumes
    python benchmarks/nets.py onnx                   the shipped networks by onnxruntime
    python benchmarks/nets.py pictures SLICES OUT    sources, fused picture and shares, a row a pair
    python benchmarks/nets.py transfer SLICES PAIRS  steps to a target, fresh against transferred
    python benchmarks/nets.py colours PAIRS          colour shift and artefacts of every method

VOLUMES holds two folders. ``ms_longitudinal/patient01`` has ``study{1,2}_{FLAIR,T1W,T2W}.nii.gz``
and the transforms ``study{1,2}_{T1W,T2W}_intrastudy_to_FLAIR.txt`` of the longitudinal MS data set
of the Laboratory of Imaging Technologies, Ljubljana (CC BY; Lesjak et al., Neuroinformatics 2016);
a CT is made from them: bone is the dark shell between scalp and brain. ``sts_petct_mr`` has
``STS_001.zip`` and ``STS_002`` with CT, PET and MR in one frame (CC BY 3.0; Vallières et al., TCIA
Soft-tissue-Sarcoma). Times are CPU time, the least of several runs
taken in turn; compare ratios, not milliseconds.
"""

import argparse
import os
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

from napari_fusion import load, phantom, resample
from napari_fusion.fusion.colour import relit
from napari_fusion.grid import Grid
from napari_fusion.slab import default_window

HEADS = {"headax": 0, "headcor": 1, "headsag": 2}


def slices(volumes, out):
    for study in (1, 2):
        contrasts = registered(volumes / "ms_longitudinal" / "patient01", study)
        inside = head_mask(sum(contrasts.values()) / 3)
        contrasts["CT"] = pseudo_ct(contrasts, inside)
        for i in np.flatnonzero(inside.mean(axis=(1, 2)) >= 0.08):
            for name, array in contrasts.items():
                write(out / f"ms{study}" / name / f"ms{study}{i:03d}.png", array[i] * inside[i])
    with TemporaryDirectory() as unpacked:
        zipfile.ZipFile(volumes / "sts_petct_mr" / "STS_001.zip").extractall(unpacked)
        for name, root in (("sts1", Path(unpacked) / "STS_001"), ("sts2", None)):
            body(root or volumes / "sts_petct_mr" / "STS_002", name, out)
    for seed, (name, axis) in enumerate(HEADS.items()):
        shape, spacing = [180, 240, 192], [1.0] * 3
        shape[axis], spacing[axis] = shape[axis] // 4, 4.0
        grid = Grid.regular(tuple(shape), tuple(spacing), centre=(0, -8, 1))
        for kind in phantom.MODALITIES:
            volume = phantom.head(kind, grid, seed=seed)
            window = default_window(volume.array, volume.modality, volume.unit)
            for i, plane in enumerate(np.moveaxis(window(volume.array), axis, 0)):
                write(out / name / kind / f"{name}{i:03d}.png", plane)


def same(slices):
    """Say whether slices are those on the shipped networks' card, to a thousandth of a grey."""
    from napari_fusion.nets.checkpoint import Checkpoint
    from napari_fusion.nets.data import digest, greys, load_samples
    from napari_fusion.nets.shipped import WEIGHTS

    card = Checkpoint.load(WEIGHTS / "dense.safetensors").card
    known, found = card["data_greys"], greys(load_samples(slices))
    other = [
        name
        for name in sorted({*known, *found})
        if not np.allclose(known.get(name, np.nan), found.get(name, np.nan), rtol=0, atol=1e-3)
    ]
    if other:
        raise SystemExit(f"other slices than the shipped networks learned from: {', '.join(other)}")
    exact = digest(slices) == card["data_sha256"]
    how = "bit for bit" if exact else "rounded otherwise here and there"
    print(f"the slices that the shipped networks learned from, {how}")


def body(folder, name, out):
    """Write the slices that CT, PET and MR of one limb have in common, on the CT's grid."""
    ct, *others = (load(folder / kind / "image") for kind in ("CT", "PET", "MR_T1"))
    drawn = [ct, *(resample(volume, ct.grid, interpolation="cubic") for volume in others)]
    shown = [default_window(v.array, v.modality, v.unit)(v.array) for v in drawn]
    for i, planes in enumerate(zip(*shown, strict=True)):
        if all((plane > 0.05).mean() > 0.02 for plane in planes):
            for kind, plane in zip(("CT", "PET", "MR"), planes, strict=True):
                write(out / name / kind / f"{name}{i:03d}.png", plane)


def registered(folder, study):
    fixed = sitk.ReadImage(str(folder / f"study{study}_FLAIR.nii.gz"), sitk.sitkFloat32)
    images = {"FLAIR": fixed}
    for name in ("T1W", "T2W"):
        moving = sitk.ReadImage(str(folder / f"study{study}_{name}.nii.gz"), sitk.sitkFloat32)
        path = folder / f"study{study}_{name}_intrastudy_to_FLAIR.txt"
        transform = sitk.ReadTransform(str(path))
        images[name] = sitk.Resample(moving, fixed, transform, sitk.sitkBSpline, 0.0)
    return {name: stretched(sitk.GetArrayFromImage(image)) for name, image in images.items()}


def stretched(array):
    low, high = np.percentile(array[array > np.percentile(array, 5)], [1, 99.7])
    return np.clip((array - low) / (high - low), 0, 1)


def head_mask(mean):
    masks = []
    for plane in ndimage.gaussian_filter(mean, (0, 1, 1)):
        opened = ndimage.binary_opening(plane > 0.06, iterations=2)
        labels, count = ndimage.label(ndimage.binary_fill_holes(opened))
        masks.append(labels == np.bincount(labels[labels > 0]).argmax() if count else labels > 0)
    return np.stack(masks)


def pseudo_ct(contrasts, inside, pixel_mm=0.72):
    t1, t2 = contrasts["T1W"], contrasts["T2W"]
    depth = np.stack([ndimage.distance_transform_edt(mask) for mask in inside]) * pixel_mm
    soft = ndimage.gaussian_filter(np.maximum(t1, 0.9 * t2), (0, 0.6, 0.6))
    bone = np.clip((0.30 - soft) / 0.12, 0, 1) * ((depth > 2) & (depth < 22))
    bone = ndimage.gaussian_filter(bone.astype(np.float32), (0, 0.7, 0.7))
    tissue = 0.30 + 0.12 * (t1 - 0.5) - 0.15 * np.clip(t2 - 0.6, 0, 1)
    return np.clip(tissue * (1 - bone) + bone, 0, 1)


def write(path, plane):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.clip(plane, 0, 1) * 255 + 0.5).astype(np.uint8)).save(path)


def speed(runs=100):
    import torch

    from napari_fusion.fusion import lookup
    from napari_fusion.nets.infer import network
    from napari_fusion.nets.model import size
    from napari_fusion.nets.shipped import SHIPPED

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for name in sorted(SHIPPED):
        parameters, macs = size(network(name).config)
        print(f"{name}: {parameters} parameters, {macs / 1e6:.0f} MMAC")
    jobs = {f"cnn {name}": ("cnn", {"network": name}) for name in sorted(SHIPPED)}
    jobs |= {name: (name, {}) for name in ("laplacian", "average")}
    for side in (256, 512):
        stack = cv2.GaussianBlur(np.random.default_rng(0).random((side, side, 2)), (7, 7), 2)
        stack = np.ascontiguousarray(stack.transpose(2, 0, 1)[:, None], np.float32)
        spent = dict.fromkeys(jobs, np.inf)
        for _ in range(runs):  # in turn, so that a busy moment hits all
            for name, (method, parameters) in jobs.items():
                start = time.process_time()
                lookup(method)(stack, **parameters)
                spent[name] = min(spent[name], (time.process_time() - start) * 1000)
        print(f"{side} x {side}: " + ", ".join(f"{n} {ms:.1f} ms" for n, ms in spent.items()))
        print(f"  dense over pruned: {spent['cnn dense'] / spent['cnn pruned']:.2f}")


BLOCKS = {
    "dense": {},
    "depthwise-separable": {"block": "separable"},
    "not dilated": {"dilations": (1, 1, 1, 1, 1)},
    "local attention": {"block": "attention"},
    "two scales": {"block": "pyramid"},
    "no space-to-depth": {"pixels": "means"},
}


def blocks(slices, pairs, steps=80):
    """Train each block for the same steps with the same crops, sixteen wide; judge by PAIRS."""
    from napari_fusion.nets.data import load_samples
    from napari_fusion.nets.infer import cost_ms
    from napari_fusion.nets.model import NetConfig, size
    from napari_fusion.nets.train import TrainData, TrainOptions, train

    data = TrainData(load_samples(slices), load_samples(pairs))
    options = TrainOptions(steps=steps, count=6, side=96, rate=3e-3, every=steps)
    print("| block | parameters | MMAC | CPU ms | validation loss |\n|---|---|---|---|---|")
    for name, choice in BLOCKS.items():
        config = NetConfig(widths=(16,) * 5, **choice)
        made = train(config, data, options)
        parameters, macs = size(config)
        loss = made.card["curve"][-1][2]
        print(f"| {name} | {parameters} | {macs / 1e6:.0f} | {cost_ms(made):.1f} | {loss:.3f} |")


def transfer(slices, pairs, steps=120, every=20):
    """Learn CT with MR first, then PET with MR: from that network, and from a fresh one.

    Also: what going on costs the older pairs, without replay and with.
    """
    from napari_fusion.nets.data import load_samples
    from napari_fusion.nets.model import NetConfig
    from napari_fusion.nets.train import TrainData, TrainOptions, train, validate

    def of(samples, kind):
        """Keep pairs of one modality with an MR, that modality first."""
        kept = []
        for sample in samples:
            if kind in sample.contrasts:
                others = [i for i, name in enumerate(sample.contrasts) if name[:2] in ("MR", "T1")]
                chosen = [sample.contrasts.index(kind), *others[:1]]
                if len(chosen) == 2:
                    kept.append(replace(sample, planes=sample.planes[chosen]))
        return kept

    known, judged = load_samples(slices), load_samples(pairs)
    first = TrainData(of(known, "CT"), of(judged, "CT"))
    second = TrainData(of(known, "PET"), of(judged, "PET"))
    options = TrainOptions(steps=steps, every=every, count=6, side=64, rate=3e-3)
    config = NetConfig(widths=(8, 8, 16, 8, 8))
    parent = train(config, first, options)
    before = validate(parent.build(), first.val)
    print(f"CT with MR: loss {before:.3f} after {steps} steps")
    replayed = TrainData(second.train, second.val, first.train)
    starts = {
        "fresh": (config, second, options),
        "transferred": (parent, second, options),
        "transferred, replay 0.3": (
            parent, replayed, options.model_copy(update={"replay": 0.3})
        ),
    }  # fmt: skip
    target = None
    for name, (start, data, how) in starts.items():
        made = train(start, data, how)
        curve = [(row[0], row[2]) for row in made.card["curve"]]
        target = curve[-1][1] if target is None else target
        needed = next((step for step, loss in curve if loss <= target), None)
        after = validate(made.build(), first.val)
        print(
            f"PET with MR, {name}: loss {curve[-1][1]:.3f}, steps to {target:.3f}: {needed}; "
            f"CT with MR then {after:.3f} ({after - before:+.3f})"
        )


def colours(pairs, every=4):
    """Print how far colours shift, and N^AB/F, of all methods on pairs with a colour picture.

    The fused picture becomes the Y of the colour picture, as the literature does, and leaves what
    RGB can hold where it is too bright or dark for the colour. Shift: the distance of a* and b* of
    CIELAB between the two colour pictures, and of L*, a* and b*, mean over pixels with a colour.
    """
    from napari_fusion import metrics
    from napari_fusion.fusion import methods
    from napari_fusion.nets.data import load_samples

    found = {}
    for sample in load_samples(pairs)[::every]:
        kind = next((c for c in sample.contrasts if c in ("PET", "SPECT")), None)
        if kind is None:
            continue
        path = pairs / sample.group / kind / f"{sample.name}.png"
        picture = np.asarray(Image.open(path).convert("RGB"))
        stack = sample.planes[:, None].astype(np.float32) / np.float32(255)
        for method in methods():
            fused = method(stack).sum(axis=0).clip(0, 1)[0]
            n_abf = metrics.n_abf(np.rint(fused * 255) / 255, stack[:, 0])
            row = (*_shift(fused, picture / np.float32(255)), n_abf)
            found.setdefault(sample.group, {}).setdefault(method.name, []).append(row)
    for group, rows in found.items():
        means = {name: np.mean(values, axis=0) for name, values in rows.items()}
        median = np.median(list(means.values()), axis=0)
        print(f"{group}, {len(rows['cnn'])} slices: a*b*, L*a*b*, N^AB/F")
        for name, row in [*sorted(means.items()), (f"median of {len(means)}", median)]:
            print(f"  {name}: {row[0]:.3f} {row[1]:.2f} {row[2]:.4f}")


def _shift(fused, colours):
    tinted = np.clip(relit(colours, fused), 0, 1)
    before, after = (cv2.cvtColor(x, cv2.COLOR_RGB2LAB) for x in (colours, tinted))
    apart = (after - before)[np.ptp(colours, axis=-1) > 0]
    return [np.linalg.norm(apart[:, first:], axis=1).mean() for first in (1, 0)]


def memory():
    """Print the most memory beside inputs and outputs; each job in a process of its own."""
    from multiprocessing import get_context

    for job in ("4096 x 4096 pair", "512 x 512 x 300 pair", "512 x 512 x 600 pair"):
        with get_context("spawn").Pool(1) as pool:
            print(f"{job}: {pool.apply(_peak, (job,)):.0f} MB beside inputs and outputs")


def _peak(job):
    import resource

    from napari_fusion import fuse
    from napari_fusion.fusion import lookup
    from napari_fusion.volume import Volume

    def used():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    rng = np.random.default_rng(0)
    lookup("cnn")(rng.random((2, 1, 64, 64), np.float32))
    if job.startswith("4096"):
        stack = rng.random((2, 1, 4096, 4096), np.float32)
        before = used()
        made = lookup("cnn")(stack)
        return used() - before - made.nbytes / 2**20
    shape = (int(job.split()[4]), 512, 512)
    grid = Grid.regular(shape, (1.0, 0.5, 0.5))
    pair = [Volume(rng.random(shape, np.float32), grid, modality="MR", unit="1") for _ in "ab"]
    before = used()
    made = fuse(pair, "cnn")
    return used() - before - made.array.nbytes / 2**20


def onnx():
    """Time the shipped networks' decisions by torch and by onnxruntime, one thread, one run."""
    from tempfile import TemporaryDirectory

    from napari_fusion.nets import onnx as exporting
    from napari_fusion.nets.checkpoint import Checkpoint
    from napari_fusion.nets.data import Sample
    from napari_fusion.nets.infer import decide
    from napari_fusion.nets.prior import prior
    from napari_fusion.nets.quantise import pictures_db
    from napari_fusion.nets.ready import prepared
    from napari_fusion.nets.shipped import SHIPPED, WEIGHTS

    grid = Grid.regular((12, 256, 256), (8.0, 0.9, 0.9), centre=(0, -8, 1))
    heads = []
    for kind in ("CT", "T1"):
        volume = phantom.head(kind, grid)
        window = default_window(volume.array, volume.modality, volume.unit)
        heads.append((window(volume.array) * 255).astype(np.uint8))
    samples = [
        Sample("head", "0", str(i), ("CT", "T1"), np.stack(p))
        for i, p in enumerate(zip(*heads, strict=True))
    ]
    planes = samples[6].planes.astype(np.float32) / np.float32(255)
    for name in sorted(SHIPPED):
        checkpoint = Checkpoint.load(WEIGHTS / f"{name}.safetensors")
        with TemporaryDirectory() as folder:
            full = exporting.export(checkpoint, Path(folder) / "full.onnx")
            small = exporting.export_int8(checkpoint, Path(folder) / "small.onnx", samples)
            nets = {
                "torch": prepared(checkpoint),
                "onnxruntime": exporting.running(checkpoint, full),
                "onnxruntime int8": exporting.running(checkpoint, small),
            }
            votes, _ = prior(planes, checkpoint.config.levels)
            spent = dict.fromkeys(nets, np.inf)
            for _ in range(12):
                for kind, net in nets.items():
                    start = time.process_time()
                    decide(net, planes, votes)
                    spent[kind] = min(spent[kind], (time.process_time() - start) * 1000)
            parity = pictures_db(nets["torch"], nets["onnxruntime int8"], samples)
        told = ", ".join(f"{kind} {ms:.1f} ms" for kind, ms in spent.items())
        print(f"{name}: {told}; int8 agrees to {parity:.1f} dB")


ROWS = (
    ("headax", "CT", "T1"),
    ("headax", "PET", "T1"),
    ("headax", "SPECT", "T2"),
    ("sts1", "CT", "MR"),
)


def pictures(slices, out):
    """Draw source, source, fused by the pruned network, share of the first source."""
    from napari_fusion.fusion import lookup

    rows = []
    for group, first, second in ROWS:
        names = sorted(path.name for path in (slices / group / first).glob("*.png"))
        name = names[len(names) // 2]
        planes = [np.asarray(Image.open(slices / group / k / name)) for k in (first, second)]
        stack = np.stack(planes)[:, None].astype(np.float32) / np.float32(255)
        parts = lookup("cnn")(stack)[:, 0]
        total = parts.sum(axis=0).clip(0, 1)
        weight = np.abs(parts)
        share = np.divide(
            weight[0], weight.sum(axis=0), out=np.zeros_like(total), where=total > 0.02
        )
        row = [cv2.resize(p, (240, 240)) for p in (*stack[:, 0], total, share)]
        rows.append(np.hstack(row))
    write(out, np.vstack(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("slices")
    making.add_argument("volumes", type=Path)
    making.add_argument("out", type=Path)
    comparing = commands.add_parser("same")
    comparing.add_argument("slices", type=Path)
    commands.add_parser("speed")
    for name in ("blocks", "transfer"):
        learning = commands.add_parser(name)
        learning.add_argument("slices", type=Path)
        learning.add_argument("pairs", type=Path)
    drawing = commands.add_parser("pictures")
    drawing.add_argument("slices", type=Path)
    drawing.add_argument("out", type=Path)
    colouring = commands.add_parser("colours")
    colouring.add_argument("pairs", type=Path)
    for name in ("memory", "onnx"):
        commands.add_parser(name)
    asked = vars(parser.parse_args())
    globals()[asked.pop("command")](**asked)
