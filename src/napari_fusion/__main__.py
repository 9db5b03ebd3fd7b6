"""``python -m napari_fusion`` is the ``napari-fusion`` command."""

from napari_fusion.cli import main

main()
