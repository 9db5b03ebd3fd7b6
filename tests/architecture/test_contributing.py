"""What a newcomer is told to write holds the laws that are promised to run for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PLUGIN = """
from typing import Annotated

from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, each_slice, presence, proportional, smooth
from napari_fusion.slab import Stack

"""


def test_the_example_method_obeys_the_laws(tmp_path):
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    (name,) = re.findall(r'@method\("(\w+)"', code)
    (tmp_path / "newcomer.py").write_text(PLUGIN + code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "newcomer", "tests/laws", "-k", name],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) > 30
