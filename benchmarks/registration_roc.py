"""Count verdicts against errors, and draw the curve."""

import numpy as np

from napari_fusion.registration import gate, stretch

GOOD_MM, BAD_MM = 2.0, 4.0
SINGLE = (
    ("z", 1), ("drop", 1), ("parts_mm", -1), ("eighths_mm", -1), ("spread_mm", -1),
    ("round_trip_mm", -1), ("mirror", -1), ("neighbour", -1), ("uncertainty", -1), ("margin", 1),
)  # fmt: skip


def margin(row):
    """Give how far inside its nearest limit an alignment lies: PASS above 0."""
    asked = {
        "z": gate.PASS_Z, "drop": gate.PASS_DROP, "overlap": gate.PASS_OVERLAP,
    }  # fmt: skip
    allowed = {
        "parts_mm": gate.PASS_PARTS_MM, "spread_mm": gate.PASS_SPREAD_MM,
        "round_trip_mm": gate.PASS_ROUND_TRIP_MM, "uncertainty": gate.PASS_UNCERTAINTY_MM,
        "mirror": gate.MIRROR_LIMIT,
        "neighbour": gate.PASS_NEIGHBOUR,
        "stretch": np.log(stretch.PASS_SCALES[1]),
    }  # fmt: skip
    unit = row.get("unit", 1.0)
    if "scale_min" in row:
        row = row | {"stretch": max(abs(np.log([row["scale_min"], row["scale_max"]])))}
    ratios = [max(row[name], 1e-3) / limit for name, limit in asked.items() if name in row]
    for name, limit in allowed.items():
        if row.get(name) is not None:
            size = unit if name.endswith("_mm") or name == "uncertainty" else 1.0
            ratios.append(limit * size / max(row[name], 1e-6))
    if "eighths_mm" in row:
        limit = max(gate.PASS_EIGHTHS_MM * unit, gate.PASS_EIGHTHS_VOXELS * row["voxel_mm"])
        ratios.append(limit / max(row["eighths_mm"], 1e-6))
    return float(np.log(min(ratios)))


def parted(rows):
    """Split rows into right ones, wrong ones, and those between."""
    rows = [row | {"margin": margin(row)} for row in rows]
    good = [row for row in rows if row["error"] < GOOD_MM]
    bad = [row for row in rows if row["error"] > BAD_MM]
    between = [row for row in rows if GOOD_MM <= row["error"] <= BAD_MM]
    return good, bad, between


def area(good, bad, number, way):
    """Give the area under the ROC of one number."""
    a, b = (np.array([way * row[number] for row in rows]) for rows in (good, bad))
    return float((a[:, None] > b).mean() + (a[:, None] == b).mean() / 2)


def report(rows):
    good, bad, between = parted(rows)
    print(f"{len(rows)} cases: {len(good)} good (< {GOOD_MM} mm), {len(bad)} bad (> {BAD_MM} mm)")
    for words, group in (("good", good), ("between", between), ("bad", bad)):
        counts = {v: sum(row["verdict"] == v for row in group) for v in ("PASS", "CHECK", "FAIL")}
        print(f"  {words:8} {counts}")
    if not good or not bad:
        return
    for number, way in SINGLE:
        worst = way * min(way * row[number] for row in good)
        print(
            f"  {number:13} area under ROC {area(good, bad, number, way):.4f}; good to {worst:.2f}"
        )
    shares = [row["inside"] for row in good + between if row["verdict"] == "PASS"]
    if shares:
        print(f"  error below the uncertainty at {100 * np.mean(shares):.1f} % of points of PASS")
    for row in rows:
        false_pass = row["verdict"] == "PASS" and row["error"] > BAD_MM
        if false_pass or (row["verdict"] == "FAIL" and row["error"] < GOOD_MM):
            print("  !", {k: round(v, 2) if isinstance(v, float) else v for k, v in row.items()})


RIGID_CURVES = (
    ("margin", 1, "all together"), ("parts_mm", -1, "parts"), ("spread_mm", -1, "spread"),
    ("z", 1, "z"), ("mirror", -1, "mirror"),
)  # fmt: skip
COLOURS = ("#d1495b", "#00798c", "#edae49", "#66a182", "#7d5ba6")


def draw(good, bad, curves, path):
    """Draw sensitivity against false alarms, the whole gate thick and single numbers thin.

    `curves` are names of numbers, whether more (1) or less (-1) is better, and words; a curve is
    drawn of the rows that have its number.
    """
    from PIL import Image, ImageDraw, ImageFont

    side, edge, scale = 640, 90, 2
    size = (int((side + 1.6 * edge) * scale), int((side + 1.5 * edge) * scale))
    picture = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(17 * scale)

    def at(x, y):
        return (edge + x * side) * scale, (edge / 2 + (1 - y) * side) * scale

    for tick in np.linspace(0, 1, 6):
        pen.line([at(tick, 0), at(tick, 1)], "#e4e4e4", scale)
        pen.line([at(0, tick), at(1, tick)], "#e4e4e4", scale)
        x, y = at(tick, 0)
        pen.text((x, y + 8 * scale), f"{tick / 2:.1f}", "black", font, anchor="mt")
        x, y = at(0, tick)
        pen.text((x - 8 * scale, y), f"{0.5 + tick / 2:.1f}", "black", font, anchor="rm")
    for k, (number, way, words) in reversed(list(enumerate(curves))):
        known = [[row for row in group if number in row] for group in (good, bad)]
        a, b = (np.array([way * row[number] for row in group]) for group in known)
        colour = COLOURS[k]
        cuts = np.concatenate([[np.inf], np.unique(np.concatenate([a, b]))[::-1]])
        curve = [((b >= cut).mean(), (a >= cut).mean()) for cut in cuts]
        curve = [(2 * x, max(2 * y - 1, 0)) for x, y in curve if 2 * x <= 1]
        pen.line([at(*point) for point in curve], colour, (4 if k == 0 else 2) * scale)
        words = f"{words}: {area(*known, number, way):.3f}"
        pen.text(at(0.55, 0.42 - 0.06 * k), words, colour, font, anchor="lm")
    passed = [np.mean([row["verdict"] == "PASS" for row in group]) for group in (bad, good)]
    x, y = at(2 * passed[0], 2 * passed[1] - 1)
    pen.ellipse(
        [x - 9 * scale, y - 9 * scale, x + 9 * scale, y + 9 * scale], outline="black", width=3
    )
    pen.text((x + 16 * scale, y + 16 * scale), "verdict PASS", "black", font, anchor="lm")
    middle = (edge + side / 2) * scale
    words = f"share of {len(bad)} wrong alignments accepted"
    pen.text((middle, (side + 1.2 * edge) * scale), words, "black", font, anchor="mm")
    title = f"share of {len(good)} right alignments accepted"
    upright = Image.new("RGB", (int(font.getlength(title)) + 4, 30 * scale), "white")
    ImageDraw.Draw(upright).text((0, 0), title, "black", font)
    upright = upright.rotate(90, expand=True)
    picture.paste(upright, (8 * scale, (side // 2 + edge // 2) * scale - upright.height // 2))
    picture.save(path, optimize=True)
