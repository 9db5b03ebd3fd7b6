import pytest

from napari_fusion.fusion import Parameter, methods
from napari_fusion.fusion.registry import Method
from napari_fusion.gui.widgets.form import method_form

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.mark.parametrize("method", methods(), ids=lambda m: m.name)
def test_a_form_starts_with_the_methods_defaults(method):
    values = method_form(method).asdict()
    assert values == {p.name: p.default for p in method.parameters}
    assert method.resolve(values) == values


def form(*parameters):
    return method_form(Method("m", "M", "", "", parameters, lambda stack: stack))


def test_ranges_and_help_come_from_the_signature():
    (field,) = form(Parameter("levels", "int", 4, 1, 8, help="Number of bands."))
    assert (field.min, field.max, field.value) == (1, 8, 4)
    assert field.tooltip == "Number of bands."


def test_a_number_without_limits_can_be_any():
    (field,) = form(Parameter("gain", "float", 0.5))
    field.value = -3.25
    assert field.value == -3.25


def test_a_bounded_float_moves_by_a_hundredth_of_its_range():
    (field,) = form(Parameter("weight", "float", 0.5, 0.0, 2.0))
    assert field.step == pytest.approx(0.02)


def test_a_closed_set_of_words_is_a_list():
    (field,) = form(Parameter("rule", "choice", "max", choices=("max", "mean")))
    assert tuple(field.choices) == ("max", "mean")
    assert type(field).__name__ == "ComboBox"


def test_a_method_without_parameters_has_an_empty_form():
    assert form().asdict() == {}
