"""A lesion map is drawn as it is: the strongest voxel along each line of sight, what passes, what was not tested."""

import numpy as np
import pytest

import neurolab as nl
from neurolab.analysis import symptom_map
from neurolab.errors import SchemaError
from neurolab.plots import plot_symptom_map
from neurolab.plots.symptom_map import UNTESTED, _picture, describe_symptom_map
from neurolab.plots.units import unit_name
from neurolab.recording import make_recording
from neurolab.report.answers import answer
from neurolab.report.tables import result_table

CUT = (np.random.default_rng(0).random((60, 9)) < 0.3).astype(np.uint8)
CUT[:, 8] = 0
ROWS = {"stimulus_id": [f"p{k}" for k in range(60)], "condition": ["patient"] * 60}
HARM = -2.0 * CUT[:, 4] + 0.1 * np.random.default_rng(1).normal(size=60)


def mapped(**neuroid):
    kind = "brain" if "x" in neuroid else "ann"
    lesions = make_recording(CUT, presentation=ROWS, neuroid=neuroid, kind=kind)
    return symptom_map(lesions, HARM, n_permutations=99, rng=0)


def brain():
    return mapped(x=np.repeat([0.0, 4, 8], 3), y=np.tile([0.0, 4, 8], 3), z=np.repeat([0.0, 4, 8], 3))


def test_picture__has_the_strongest_along_each_line_of_sight():
    place = np.array([[0.0, 0], [0, 0], [4, 0], [8, 0]])
    passed = np.array([True, False, False, False])
    picture, outline = _picture(place, np.array([4.0, 4]), np.array([1.0, -3, np.nan, 2]), passed)
    np.testing.assert_array_equal(picture, [[-3, np.nan, 2]])
    np.testing.assert_array_equal(outline, [[1, 0, 0]])


def test_brain__is_three_projections_with_untested_voxels_in_grey():
    ax = plot_symptom_map(brain())
    pictures = [np.asarray(image.get_array()) for image in ax.images]
    assert [picture.shape for picture in pictures] == [(3, 3, 4)] * 3
    assert tuple(pictures[2][2, 2]) == UNTESTED  # nobody has the last voxel lesioned
    assert pictures[2][1, 1, 2] > pictures[2][1, 1, 0]  # the harmful one is blue


def test_coverage__is_the_share_lesioned_and_outlines_nothing():
    ax = plot_symptom_map(brain(), show="coverage")
    assert tuple(np.asarray(ax.images[2].get_array())[2, 2]) != UNTESTED  # a coverage of 0 is known
    assert len([c for c in ax.collections if type(c).__name__ == "QuadContourSet"]) == 0
    assert len([c for c in plot_symptom_map(brain()).collections if type(c).__name__ == "QuadContourSet"]) >= 1


def test_network__is_drawn_as_sites_with_a_point_where_it_passes():
    found = mapped(unit=np.arange(9))
    ax, passing = plot_symptom_map(found), int((found["q"] <= 0.05).sum())
    assert passing >= 1
    assert sum(len(c.get_offsets()) for c in ax.collections if c.get_gid() == "passes") == passing
    assert sum(len(c.get_offsets()) for c in ax.collections if c.get_gid() == "cross") == 1


def test_unknown_view__is_refused():
    with pytest.raises(SchemaError, match="'coverage'"):
        plot_symptom_map(brain(), show="cover")


def test_strongest__is_a_voxel_at_its_place_in_mm_or_a_unit():
    people, network = brain(), mapped(unit=np.arange(9))
    for result, word, place in ((people, "voxel", "the voxel at x 4, y 4, z 4 mm"), (network, "unit", "unit ")):
        table, said = str(result_table(result)["what"][0]), answer(result)
        assert f"{word}s have q" in table
        assert f"{word}s tested" in said
        assert place in table
        assert place in said
        assert place in nl.methods_text(result)
        assert place in describe_symptom_map(result)
    assert "unit" not in str(result_table(people)["what"][0]) + answer(people)
    assert unit_name(people.drop_vars("x"), 4) == "voxel 4"


def test_answer__of_a_map_says_shown_only_where_one_passes():
    result = brain()
    assert answer(result).startswith("Shown: where lesions go with")
    assert answer(result.assign(q=result["q"] * 0 + 1.0)).startswith("Not shown: ")
