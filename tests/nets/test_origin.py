"""A network says which code made it."""

import re
import shutil

import pytest

import napari_fusion
from napari_fusion.nets import origin


def test_a_checkout_names_its_commit_and_a_package_its_version(monkeypatch, tmp_path):
    known = origin.code_version()
    assert known == napari_fusion.__version__ or re.fullmatch(r"[0-9a-f]{40}", known)
    monkeypatch.setattr(origin, "_HERE", tmp_path / "origin.py")  # no checkout
    assert origin.code_version() == napari_fusion.__version__


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_package_in_the_checkout_of_another_project_names_its_version(monkeypatch, tmp_path):
    import subprocess

    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", "-C", tmp_path, *who, *words], check=True, capture_output=True)

    (tmp_path / "theirs.py").write_text("")
    (tmp_path / "origin.py").write_text("")
    git("init")
    git("add", "theirs.py")
    git("commit", "-m", "theirs")
    monkeypatch.setattr(origin, "_HERE", tmp_path / "origin.py")
    assert origin.code_version() == napari_fusion.__version__
    git("add", "origin.py")
    git("commit", "-m", "ours")
    assert re.fullmatch(r"[0-9a-f]{40}", origin.code_version())
