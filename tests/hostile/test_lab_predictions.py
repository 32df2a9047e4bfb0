"""Predictions are read as answers are: what cannot be is said, not kept, and not counted."""

import json

import pytest

from neurolab import lab
from neurolab.lab.shelf import LABS


@pytest.fixture(params=sorted(LABS))
def started(request, tmp_path):
    lab.start(request.param, student="Ada", folder=tmp_path)
    return LABS[request.param], tmp_path


def kept(folder):
    path = folder / "progress.json"
    return json.loads(path.read_text())["entries"] if path.exists() else []


@pytest.mark.parametrize("given", [500, "low", True, float("nan"), float("inf"), [0.5], "half of them", -1.5, "1,01"])
def test_a_prediction_that_cannot_be_is_said_and_not_kept(started, capsys, given):
    made, folder = started
    assert made.bounds
    for name, (low, high) in made.bounds.items():
        capsys.readouterr()
        lab.predict(name, given)
        said = " ".join(capsys.readouterr().out.split())
        assert f"{name} takes a number from {low:g} to {high:g}" in said
        assert "not kept" in said
    assert kept(folder) == []


def test_a_number_within_bounds_is_kept_as_a_number_and_words_where_words_are_asked(started):
    made, folder = started
    for name in made.predictions:
        lab.predict(name, "0,25" if name in made.bounds else "yes, because it sees")
    values = {one["name"]: one["value"] for one in kept(folder)}
    assert all(values[name] == 0.25 for name in made.bounds)
    assert all(values[name] == "yes, because it sees" for name in set(made.predictions) - set(made.bounds))
    for name, (low, high) in made.bounds.items():
        lab.predict(name, low)
        lab.predict(name, high)
        assert [one["value"] for one in kept(folder) if one["name"] == name] == [0.25, low, high]
        assert f"{low:g} to {high:g}" in made.predictions[name]  # the student was told


def test_a_file_with_a_prediction_that_cannot_be_does_not_count_it(tmp_path):
    place = tmp_path / "ada"
    place.mkdir()
    lab.start("find_the_face_area", student="Ada", folder=place)
    for name in ("P1", "P2"):
        lab.predict(name, 0.5)
    path = place / "progress.json"
    told = json.loads(path.read_text())
    told["entries"][0]["value"] = 500
    path.write_text(json.dumps(told))
    (graded,) = lab.grade(tmp_path, say=lambda line: None)
    assert graded.row["predictions"] == 1
