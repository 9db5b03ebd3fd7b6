"""How far to trust the gate: its verdicts and ROC on alignments whose error is known.

    python benchmarks/registration_gate.py FILE               the anatomy the limits were set on
    python benchmarks/registration_gate.py FILE --people 11   six digital people from number 11
                                                              on, and real volumes, that no limit
                                                              was set on; other noise and poses
                                                              with every number
    python benchmarks/registration_gate.py FILE --people 51 --shared
                                                              pairs of such people and volumes in
                                                              one frame of reference
    python benchmarks/registration_gate.py FILE --draw PNG    report, and draw the curve

Cases are kept in FILE (JSON lines), so a stopped run goes on. Real volumes are used when
NAPARI_FUSION_DATA names their folder.
"""

import argparse
import json
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from registration_cases import (
    KINDS,
    Pair,
    half,
    mirrored,
    phantom_pair,
    real_pairs,
    slab,
    strangers,
    vertebrae,
)
from registration_people import Person, digital_people, real_people, unrelated
from registration_roc import RIGID_CURVES, draw, parted, report
from registration_shared import shared_frames
from registration_warps import real_case as warped

from napari_fusion import Alignment, AlignOptions, align
from napari_fusion.registration import assess
from napari_fusion.registration.alignment import pose_matrix

PEOPLE = 6
RIGID, AFFINE = AlignOptions(), AlignOptions(model="affine")


@dataclass
class Case:
    """An alignment that was made, and the pair it belongs to; no pair is right of strangers."""

    alignment: Alignment
    pair: Pair | None = None

    def row(self, name):
        """Say what was measured, and how wrong it was."""
        quality = self.alignment.quality
        errors = np.full(1, np.inf) if self.pair is None else self.pair.errors(self.alignment)
        return {
            "case": name,
            "error": errors.mean(),
            "inside": self._inside(errors),
            "verdict": quality.verdict,
            "uncertainty": quality.uncertainty_mm,
            **quality.numbers,
        }

    def _inside(self, errors):
        """Give the share of points whose error lies below the uncertainty told there."""
        if self.pair is None:
            return np.nan
        return float((errors <= self.alignment.uncertainty_at(self.pair.points)).mean())


def development(data):
    """Name the cases that the limits were set on, and give what makes each."""
    pairs = {f"{a}-{b}": phantom_pair((a, b), 40) for a, b in KINDS}
    variants = dict(pairs)
    variants |= {f"{name} slab": slab(pair) for name, pair in pairs.items()}
    variants |= {f"{name} half": half(pair) for name, pair in pairs.items()}
    real = real_pairs(data) if data is not None else {}
    for name, pair in (variants | real).items():
        for seed in range(1, 4 if name in variants else 9):
            yield f"found {name} {seed}", lambda p=pair, s=seed: found(p, s)
    for name, pair in (pairs | real).items():
        for seed in range(1, 4):
            yield f"wrong start {name} {seed}", lambda p=pair, s=seed: near(p, s)
            yield f"given {name} {seed}", lambda p=pair, s=seed: given(p, s, right=s == 3)
        for seed in (1, 2):
            yield f"mirrored {name} {seed}", lambda p=pair, s=seed: flipped(p, s)
    for name, pair in (strangers(data) if data is not None else {}).items():
        yield f"strangers {name}", lambda p=pair: Case(align(*p))


def held_out(data, first):
    """Name the cases of other people and other volumes, and give what makes each."""
    seeds = list(range(first, first + PEOPLE))
    real = real_people(data, 100 * first) if data is not None else {}
    for n, (name, pair) in enumerate((digital_people(seeds) | real).items()):
        seed = first + n
        yield f"found {name}", lambda p=pair, s=seed: found(p(), s)
        if name in real:
            yield f"found again {name}", lambda p=pair, s=seed: found(p(), s + 500)
            yield f"found {name}, affine", lambda p=pair, s=seed: found(p(), s, AFFINE)
        if n % 2 or name in real:
            yield f"given right {name}", lambda p=pair, s=seed: given(p(), s, right=True)
            yield f"given {name}", lambda p=pair, s=seed: given(p(), s)
        if n % 2:
            yield f"wrong start {name}", lambda p=pair, s=seed: near(p(), s)
            yield f"mirrored {name}", lambda p=pair, s=seed: flipped(p(), s)
    for name, pair in unrelated(data, seeds).items():
        yield f"strangers {name}", lambda p=pair: Case(align(*p()))
        yield f"strangers {name}, affine", lambda p=pair: Case(align(*p(), AFFINE))
    for seed in seeds:
        yield f"found {seed} bent", lambda s=seed: bent(s)
        yield f"found {seed} bent, affine", lambda s=seed: bent(s, AFFINE)
        for words in ("", " and pelvis"):
            row = partial(vertebrae, seed, pelvis=bool(words))
            yield f"found {seed} vertebrae{words}", lambda p=row, s=seed: found(p(), s)


def shared(data, first):
    """Name pairs in one frame of reference, and give what leaves or moves them."""
    for name, made in shared_frames(data, first, PEOPLE).items():
        yield name, partial(_in_one_frame, made)


def _in_one_frame(made):
    pair, same = made()
    return Case(align(pair.fixed, pair.moving), pair if same else None)


def found(pair, seed, options=RIGID):
    thrown = pair.thrown(seed, 40, 25)
    return Case(align(thrown.fixed, thrown.moving, options), thrown)


def bent(seed, options=RIGID):
    """Align a person linearly to a scan in which the head is bent by 2 to 7 mm."""
    who = Person(seed)
    a, b = (who.scan(kind, n) for n, kind in enumerate(KINDS[seed % 3]))
    mm = float(np.random.default_rng([seed, 7]).uniform(2, 7))
    case = warped(Pair(a, b, np.eye(4), who.brain()), seed, mm)
    return Case(align(case.fixed, case.moving, options), case)


def near(pair, seed):
    """Refine a start far from the truth: usually a wrong optimum."""
    rng = np.random.default_rng(seed)
    push = pose_matrix(rng.uniform(-np.pi, np.pi, 3), rng.normal(0, 20, 3), pair.fixed.grid.centre)
    start = Alignment(pair.fixed.grid, pair.moving.grid, pair.truth @ push)
    return Case(align(pair.fixed, pair.moving, AlignOptions(search="near"), initial=start), pair)


def given(pair, seed, *, right=False):
    """Judge the truth, or a pose that is off by 4 to 12 mm and 2 to 8 degrees."""
    rng = np.random.default_rng(seed)
    shift, turn = rng.normal(size=(2, 3))
    shift *= rng.uniform(4, 12) / np.linalg.norm(shift)
    turn *= rng.uniform(2, 8) / np.linalg.norm(turn)
    middle = pair.points.mean(axis=0)
    push = np.eye(4) if right else pose_matrix(np.radians(turn), shift, middle)
    pose = Alignment(pair.fixed.grid, pair.moving.grid, pair.truth @ push)
    return Case(assess(pair.fixed, pair.moving, pose), pair)


def flipped(pair, seed):
    thrown = Pair(pair.fixed, mirrored(pair.moving), pair.truth, pair.points).thrown(seed, 40, 25)
    return Case(align(thrown.fixed, thrown.moving))


def kept(file):
    """Read the rows of an earlier run."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def run(cases, file):
    known = {row["case"]: row for row in kept(file)} if file.exists() else {}
    with file.open("a") as out:
        for name, made in cases:
            if name not in known:
                known[name] = made().row(name)
                out.write(json.dumps(known[name]) + "\n")
                out.flush()
    return list(known.values())


def _listed(data, first, *, shared_frame):
    if first is None:
        return development(data)
    return shared(data, first) if shared_frame else held_out(data, first)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--people", type=int, help="number of the first person nobody tuned on")
    parser.add_argument("--shared", action="store_true", help="pairs in one frame of reference")
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--draw", type=Path, help="write the curve as PNG; nothing is aligned")
    chosen = parser.parse_args()
    if chosen.draw:
        rows = kept(chosen.file)
        good, bad, _ = parted(rows)
        draw(good, bad, RIGID_CURVES, chosen.draw)
        report(rows)
        return
    folder = os.environ.get("NAPARI_FUSION_DATA")
    data = Path(folder) / "volumes" if folder else None
    cases = _listed(data, chosen.people, shared_frame=chosen.shared)
    wanted = ((name, made) for name, made in cases if chosen.only in name)
    report(run(wanted, chosen.file))


if __name__ == "__main__":
    main()
