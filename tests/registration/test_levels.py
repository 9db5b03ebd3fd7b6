from dataclasses import replace

import numpy as np

from napari_fusion.registration.layers import opened, solid, window_of


def layer_of(volume):
    return opened(volume, window_of(volume, "fixed"), 4.0, lambda: None)


def test_a_tumour_that_outshines_the_body_does_not_hide_it(head):
    pet = head("PET")
    far = np.linalg.norm(pet.grid.index_to_lps(np.argwhere(pet.array > -1)) - (0, -60, -60), axis=1)
    hot = np.where(far.reshape(pet.grid.shape) < 30, 20 * pet.array.max(), pet.array)
    assert (hot > pet.array).mean() > 0.008  # more than the window leaves out
    seen = solid(layer_of(replace(pet, array=hot.astype(np.float32))))
    brain = solid(layer_of(pet))
    assert (seen & brain).sum() > 0.9 * brain.sum()


def test_counts_are_compared_by_their_root_and_other_values_as_they_are(head):
    pet = head("PET")
    counts = layer_of(pet).values
    values = layer_of(replace(pet, modality="MR", unit="1", pet=None)).values
    np.testing.assert_allclose(counts**2, values, atol=1e-6)
