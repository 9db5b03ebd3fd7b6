from pathlib import Path

import pytest

from napari_fusion.fusion import methods
from napari_fusion.metrics import metrics

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "names"),
    [("methods.md", [m.name for m in methods()]), ("metrics.md", [m.name for m in metrics()])],
    ids=["methods", "metrics"],
)
def test_the_page_has_a_row_for_each_and_no_other(page, names):
    rows = [
        line.split("`")[1] for line in (DOCS / page).read_text().splitlines() if line[:3] == "| `"
    ]
    assert set(rows) == set(names)
