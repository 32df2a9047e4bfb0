"""What undermines a result is said where the result is: in the legend of its figure and in its methods paragraph."""

import json

import neurolab as nl
from neurolab import plots
from neurolab.plots.twins import legend_text

FLAGS = ["Most scores lie at the ceiling.", "An override was used: double dipping was allowed."]


def test_every_figure_and_paragraph_says_each_flag_once(every_result):
    for name, result in every_result.items():
        flagged = result.assign_attrs(undermined_by=json.dumps(FLAGS + FLAGS[:1]))
        plain = result.assign_attrs(undermined_by="")
        plot = getattr(plots, name)
        said = {"legend": legend_text(flagged, plot), "methods": nl.methods_text(flagged)}
        bare = {"legend": legend_text(plain, plot), "methods": nl.methods_text(plain)}
        for where, text in said.items():
            assert [text.count(flag) for flag in FLAGS] == [1, 1], (name, where)
            assert "ndermined by" not in bare[where], (name, where)
