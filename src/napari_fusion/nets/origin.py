"""Which code made a network."""

import subprocess
from pathlib import Path

import napari_fusion

_HERE = Path(__file__)


def code_version() -> str:
    """Give the commit this code was checked out at, or the version of the installed package."""
    known = _git("ls-files", "--error-unmatch", _HERE.name)  # another project's checkout has it not
    commit = _git("rev-parse", "HEAD") if known else ""
    return commit or napari_fusion.__version__


def _git(*words: str) -> str:
    """Give what git says here; nothing where there is none, or it fails."""
    command = ["git", "-C", str(_HERE.parent), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
