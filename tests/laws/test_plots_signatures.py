"""What help() shows of a figure function is what may be typed."""

import inspect
import pydoc

import pytest

from neurolab import plots


@pytest.mark.parametrize("name", sorted(plots.FIGURES))
def test_figure__its_signature_says_that_axes_may_be_left_out(name):
    plot = plots.FIGURES[name]
    shown = inspect.signature(plot)
    assert shown.parameters["ax"].default is None
    assert next(iter(shown.parameters)) == "result"
    written = inspect.signature(inspect.unwrap(plot, stop=lambda step: not hasattr(step, "__wrapped__")))
    assert list(shown.parameters) == list(written.parameters)
    text = pydoc.plain(pydoc.render_doc(plot))
    assert "ax: 'Axes | None' = None" in text
