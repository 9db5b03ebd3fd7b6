"""How far to trust the gate on bent alignments: its verdicts on bendings whose error is known.

    python benchmarks/registration_bent_gate.py FILE             people the limits were set on
    python benchmarks/registration_bent_gate.py FILE --held-out  people and volumes they were not
    python benchmarks/registration_bent_gate.py FILE --held-out --people 151
                                                                 fifteen others, from 151 on, and
                                                                 other warps of these volumes
    python benchmarks/registration_bent_gate.py FILE --draw PNG  report, and draw the curve

Each pair with a known warp (registration_warps.py) gives one bending that was found from a random
pose, one from a wrong start, one of the mirrored volume, and three made of the first, judged as
another program's: stopped early (a third of the way), as found, and bent too far (twice). Strangers
are bent onto each other. Files of one person name the person, as DICOM does; how many are PASS only
because of that is told.
Cases are kept in FILE (JSON lines), so a stopped run goes on. Real volumes are used when
NAPARI_FUSION_DATA names their folder.
"""

import argparse
import os
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from registration_cases import Pair, mirrored, real_pairs
from registration_gate import kept, run
from registration_people import Person, altered, scan, volumes, within
from registration_roc import area, draw, margin
from registration_warps import Bent, real_case

from napari_fusion import Alignment, AlignOptions, Grid, align
from napari_fusion.registration import assess, bend
from napari_fusion.registration.alignment import pose_matrix

RIGHT_MM, WRONG_MM = 1.5, 2.5
BEND = AlignOptions(model="deformable")
KINDS = (("T1", "T1"), ("T1", "T2"), ("CT", "T1"), ("T2", "T1"), ("CT", "T2"))
KNOWN, HELD_OUT, COUNT = range(41, 46), 51, 15
REAL = {
    False: ("FLAIR1-T1W", "FLAIR1-FLAIR2", "T1W1-T1W2"),
    True: ("rire", "anatomy", "visible", "flair"),
}
SHARES = {"stopped early": 1 / 3, "as found": 1.0, "bent too far": 2.0}


@dataclass
class Case:
    """A bent alignment that was made, and the pair it belongs to; no pair is right of strangers."""

    alignment: Alignment
    pair: Bent | None = None

    def row(self, name):
        """Say what was measured, and how wrong it was."""
        quality = self.alignment.quality
        errors = np.full(1, np.inf) if self.pair is None else self.pair.errors(self.alignment)
        return {
            "case": name,
            "error": errors.mean(),
            "p95": np.percentile(errors, 95),
            "verdict": quality.verdict,
            "uncertainty": quality.uncertainty_mm,
            "sentence": quality.sentence,
            "bent": self.alignment.field is not None,
            "named": "name the same" in quality.sentence,
            **quality.numbers,
        }


def cases(data, people):
    """Name the cases, and give what makes each."""
    for seed, (name, make) in enumerate(pairs(data, people).items(), start=1):
        pair = cache(partial(thrown, make, seed))
        first = cache(partial(found, pair))
        yield f"found {name}", lambda f=first, p=pair: Case(f(), p())
        for words, share in SHARES.items():
            yield f"{words} {name}", partial(scaled, first, pair, share)
        yield f"wrong start {name}", partial(near, pair, seed)
        yield f"mirrored {name}", partial(flipped, pair)
    for name, (a, b) in strangers(data, people).items():
        yield f"strangers {name}", lambda a=a, b=b: Case(align(a(), b(), BEND))


def pairs(data, people):
    """Name people scanned twice, and real pairs, each bent by a warp of its own."""
    made = {}
    for n, person in enumerate(people):
        for kinds in (KINDS[n % 5], KINDS[(n + 2) % 5]):
            name = f"person {person} {'-'.join(kinds)}"
            made[name] = partial(person_case, kinds, person)
    if data is None:
        return made
    if people == KNOWN:
        known = real_pairs(data)
        return made | {n: partial(real_case, known[n], 103) for n in REAL[False] if n in known}
    for n, name in enumerate(REAL[True]):
        if name in volumes(data):
            volume = volumes(data)[name]
            made[f"real {name}"] = partial(copy_case, volume, people[9] + n)
    return made


def person_case(kinds, person):
    who = Person(person)
    fixed, moving = (who.scan(kind, n) for n, kind in enumerate(kinds))
    return real_case(Pair(fixed, moving, np.eye(4), who.brain()), person)


def copy_case(volume, seed):
    """Pair a real volume with a copy in another contrast, bent."""
    return real_case(
        Pair(volume, altered(volume, seed, cut=False), np.eye(4), within(volume)), seed
    )


def thrown(make, seed):
    """Move the moving volume of a bent pair by a random pose, and name whom both show."""
    case = make()
    rng = np.random.default_rng(2000 + seed)
    angles, shift = np.radians(rng.uniform(-20, 20, 3)), rng.uniform(-30, 30, 3)
    push = pose_matrix(angles, shift, case.moving.grid.centre)
    grid = Grid(case.moving.grid.shape, push @ case.moving.grid.affine)
    moving = replace(case.moving, grid=grid, frame_uid=None, patient="one")
    start = Alignment(case.fixed.grid, grid, push @ case.start.matrix)
    back = np.linalg.inv(push)
    back[3] = 0, 0, 0, 1
    warp = Alignment(grid, case.moving.grid, back).then(case.warp)
    fixed = replace(case.fixed, patient="one")
    return replace(case, fixed=fixed, moving=moving, start=start, warp=warp)


def found(pair):
    return align(pair().fixed, pair().moving, BEND)


def scaled(first, pair, share):
    """Judge a bending that goes only part of the way, or too far."""
    alignment = first()
    field = alignment.field
    if field is not None:
        field = replace(field, vectors=field.vectors * np.float32(share))
    made = replace(alignment, field=field)
    return Case(assess(pair().fixed, pair().moving, made), pair())


def near(pair, seed):
    """Bend from a start far from the truth: usually a wrong optimum."""
    case = pair()
    rng = np.random.default_rng(seed)
    push = pose_matrix(rng.uniform(-1, 1, 3), rng.normal(0, 15, 3), case.fixed.grid.centre)
    start = replace(case.start, matrix=case.start.matrix @ push)
    options = BEND.model_copy(update={"search": "near"})
    return Case(align(case.fixed, case.moving, options, initial=start), case)


def flipped(pair):
    return Case(align(pair().fixed, mirrored(pair().moving), BEND))


def strangers(data, people):
    """Name pairs of different people, digital and real."""
    made = {}
    for n, (a, b) in enumerate(zip(people, [*people[1:], people[0]], strict=True)):
        one, two = KINDS[n % 5]
        made[f"{a} {one} / {b} {two}"] = partial(scan, a, one), partial(scan, b, two)
    if data is None or people == KNOWN:
        return made
    heads = [volume for name, volume in volumes(data).items() if name in REAL[True]]
    for n, volume in enumerate(heads[:3]):
        made[f"real {n} / {people[n]}"] = partial(same, volume), partial(scan, people[n], "T1")
    if len(heads) > 1:
        made["real / real"] = partial(same, heads[0]), partial(same, heads[1])
    return made


def same(volume):
    return volume


def nearest(row):
    """Give how far inside its nearest limit a bent alignment lies: PASS above 0."""
    ratios = [np.exp(margin(row)), np.exp(_straight(row))]
    limits = {
        "left_mm": bend.LEFT_MM * row.get("unit", 1.0),
        "jacobian_max": bend.CHECK_JACOBIAN[1],
    }
    ratios += [limit / max(row[name], 1e-3) for name, limit in limits.items() if name in row]
    if "bend_max_mm" in row:
        ratios.append(max(row["jacobian_min"], 1e-3) / bend.CHECK_JACOBIAN[0])
    return float(np.log(min(ratios)))


def _straight(row):
    """Give how far inside its nearest limit the answer beside a bending lies."""
    linear = {k.removeprefix("linear_"): v for k, v in row.items() if k.startswith("linear_")}
    if not linear:
        return np.inf
    if row["case"].startswith("strangers"):
        return margin(linear | {"unit": row["unit"]})
    explained = bend.EXPLAINED_MM
    doubts = {k: v for k, v in linear.items() if k in {"overlap", "mirror", "neighbour"}}
    ratios = [mm * row["unit"] / max(linear[name], 1e-6) for name, mm in explained.items()]
    return min(margin(doubts), float(np.log(min(ratios))))


CURVES = (
    ("nearest", 1, "nearest limit"),
    ("left_mm", -1, "left to go, of those given"),
    ("linear_parts_mm", -1, "parts before bending"),
)


def parted(rows):
    """Split rows into right ones, those between, and wrong ones."""
    rows = [row | {"nearest": nearest(row)} for row in rows]
    return {
        "right": [row for row in rows if row["error"] < RIGHT_MM],
        "between": [row for row in rows if RIGHT_MM <= row["error"] <= WRONG_MM],
        "wrong": [row for row in rows if row["error"] > WRONG_MM],
    }


def report(rows):
    """Count verdicts against errors, and give areas under ROC curves."""
    groups = parted(rows)
    print(f"right: mean error below {RIGHT_MM} mm; wrong: above {WRONG_MM} mm, or no truth")
    for words, group in groups.items():
        counts = {v: sum(row["verdict"] == v for row in group) for v in ("PASS", "CHECK", "FAIL")}
        named = sum(row["verdict"] == "PASS" and row["named"] for row in group)
        print(f"{words:8} {len(group):3} {counts}, {named} PASS because both name one patient")
    for number, way, _ in CURVES:
        known = [[row for row in groups[g] if number in row] for g in ("right", "wrong")]
        if all(known):
            counts = f"{len(known[0])} right, {len(known[1])} wrong"
            print(f"area under ROC of {number}: {area(*known, number, way):.3f} ({counts})")
    for row in groups["wrong"]:
        if row["verdict"] == "PASS":
            print("  !", row)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--people", type=int, default=HELD_OUT, help="first person held out")
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--draw", type=Path, help="write the curve as PNG; nothing is aligned")
    chosen = parser.parse_args()
    if chosen.draw:
        rows = kept(chosen.file)
        groups = parted(rows)
        draw(groups["right"], groups["wrong"], CURVES, chosen.draw)
        report(rows)
        return
    folder = os.environ.get("NAPARI_FUSION_DATA")
    data = Path(folder) / "volumes" if folder else None
    people = range(chosen.people, chosen.people + COUNT) if chosen.held_out else KNOWN
    wanted = ((name, make) for name, make in cases(data, people) if chosen.only in name)
    report(run(wanted, chosen.file))


if __name__ == "__main__":
    main()
