"""Make the training slices of the shipped networks, and time the networks against each other.

    python benchmarks/nets.py slices VOLUMES OUT     PNG slices from the MS volumes and the head
    python benchmarks/nets.py speed                  CPU ms a slice, dense against pruned, one run

VOLUMES holds ``patient01/study{1,2}_{FLAIR,T1W,T2W}.nii.gz`` and the transforms
``study{1,2}_{T1W,T2W}_intrastudy_to_FLAIR.txt`` of the longitudinal MS data set of the Laboratory
of Imaging Technologies, Ljubljana (CC BY; Lesjak et al., Neuroinformatics 2016). CT is made from
them: bone is the dark shell between scalp and brain. Times are CPU time, the least of several runs
taken in turn; compare ratios, not milliseconds.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

from napari_fusion import phantom
from napari_fusion.grid import Grid
from napari_fusion.slab import default_window

HEADS = {"headax": 0, "headcor": 1, "headsag": 2}


def slices(volumes, out):
    for study in (1, 2):
        contrasts = registered(volumes / "patient01", study)
        inside = head_mask(sum(contrasts.values()) / 3)
        contrasts["CT"] = pseudo_ct(contrasts, inside)
        for i in np.flatnonzero(inside.mean(axis=(1, 2)) >= 0.08):
            for name, array in contrasts.items():
                write(out / f"ms{study}" / name / f"ms{study}{i:03d}.png", array[i] * inside[i])
    for seed, (name, axis) in enumerate(HEADS.items()):
        shape, spacing = [180, 240, 192], [1.0] * 3
        shape[axis], spacing[axis] = shape[axis] // 4, 4.0
        grid = Grid.regular(tuple(shape), tuple(spacing), centre=(0, -8, 1))
        for kind in phantom.MODALITIES:
            volume = phantom.head(kind, grid, seed=seed)
            window = default_window(volume.array, volume.modality, volume.unit)
            for i, plane in enumerate(np.moveaxis(window(volume.array), axis, 0)):
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


def speed(runs=12):
    import torch

    from napari_fusion.fusion import lookup
    from napari_fusion.nets.infer import shipped
    from napari_fusion.nets.model import size
    from napari_fusion.nets.shipped import SHIPPED

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for name in sorted(SHIPPED):
        parameters, macs = size(shipped(name).config)
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("slices")
    making.add_argument("volumes", type=Path)
    making.add_argument("out", type=Path)
    commands.add_parser("speed")
    asked = parser.parse_args()
    slices(asked.volumes, asked.out) if asked.command == "slices" else speed()
