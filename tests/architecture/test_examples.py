"""The examples in docstrings run and print what they say."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import napari_fusion

MODULES = [
    module.name
    for module in pkgutil.walk_packages(napari_fusion.__path__, "napari_fusion.")
    if not module.name.startswith(("napari_fusion.gui", "napari_fusion.__main__"))
]
TESTS = [
    test
    for name in MODULES
    for test in doctest.DocTestFinder(exclude_empty=True).find(import_module(name))
    if test.examples
]


@pytest.mark.parametrize("test", TESTS, ids=lambda t: t.name)
def test_the_example_is_true(test):
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.failed == 0


def test_there_are_examples():
    assert len(TESTS) > 5
