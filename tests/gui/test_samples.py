import pytest
from napari.components import ViewerModel

from napari_fusion import phantom
from napari_fusion.gui.check.status import standing_of


@pytest.fixture
def coarse(monkeypatch):
    """Render samples coarsely, so that opening them takes no time."""
    head = phantom.head

    def quick(kind, grid=None, **options):
        return head(kind, grid or phantom.default_grid(kind, 6.0), **options)

    monkeypatch.setattr(phantom, "head", quick)
    monkeypatch.setattr(phantom, "default_grid", lambda k, s=None: _grid(k, s))
    return quick


_original = phantom.default_grid


def _grid(kind, spacing=None):
    return _original(kind, spacing or 6.0)


@pytest.mark.usefixtures("coarse", "plugins")
@pytest.mark.parametrize(
    ("sample", "names", "word"),
    [
        ("ct_t1", ["head CT", "head T1"], "NOT REGISTERED"),
        ("ct_pet", ["head CT", "head PET"], "CHECK"),
        ("follow_up", ["head T1", "head T1 follow-up"], "NOT REGISTERED"),
    ],
)
def test_samples_open_by_name_and_say_how_they_lie(sample, names, word):
    viewer = ViewerModel()
    viewer.open_sample("napari-fusion", sample)
    assert [layer.name for layer in viewer.layers] == names
    assert standing_of(list(viewer.layers)).word == word
    assert viewer.layers.units is not None
