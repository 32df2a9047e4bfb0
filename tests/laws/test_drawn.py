"""Drawn pictures: same rng, same bytes; more change none; only the drawing itself tells faces from objects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab.drawn import PEOPLE, face_geometries, faces_and_objects
from neurolab.drawn_shapes import OBJECTS
from neurolab.errors import DesignError

NUISANCE = ("x", "y", "size", "contrast")


@given(rng=st.integers(0, 2**32), n=st.integers(1, 4), faces=st.integers(1, 3), objects=st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_same_rng__same_bytes_and_valid_pictures(rng, n, faces, objects):
    first, second = (faces_and_objects(n_per_class=n, n_identities=faces, n_objects=objects, rng=rng) for _ in range(2))
    assert first.digest == second.digest
    assert first.inputs.dtype == np.float32
    assert first.inputs.shape == (n * (faces + objects), 1, 32, 32)
    assert np.isfinite(first.inputs).all()
    assert len(set(first.ids)) == len(first)
    assert first.table.label.unique().tolist() == list(range(faces + objects))


def test_other_rng__other_pictures_and_other_ids():
    first, second = (faces_and_objects(n_per_class=2, n_identities=2, n_objects=2, rng=rng) for rng in (0, 1))
    assert not set(first.ids) & set(second.ids)
    assert (first.inputs != second.inputs).any(axis=(1, 2, 3)).all()


def test_a_generator__gives_what_its_state_says():
    first, second = (faces_and_objects(n_per_class=2, rng=np.random.default_rng(3)) for _ in range(2))
    assert first.digest == second.digest


def test_more_pictures_and_more_kinds__change_none_of_the_others():
    few = faces_and_objects(n_per_class=2, n_identities=2, n_objects=2, rng=4)
    many = faces_and_objects(n_per_class=5, n_identities=4, n_objects=3, rng=4)
    rows = [many.ids.index(name) for name in few.ids]
    np.testing.assert_array_equal(many.inputs[rows], few.inputs)


def test_nuisance__is_shared_by_faces_and_objects():
    table = faces_and_objects(n_per_class=20, rng=0).table
    faces, objects = (table[table.condition == kind].reset_index() for kind in ("faces", "objects"))
    for column in NUISANCE:
        np.testing.assert_array_equal(faces[column], objects[column])
        assert faces[column].std() > 0


def test_pixels__have_the_same_mean_and_contrast_in_both_conditions():
    stimuli = faces_and_objects(n_per_class=60, rng=1)
    kind = stimuli.table.condition.to_numpy()
    for measure in (stimuli.inputs.mean(axis=(1, 2, 3)), stimuli.inputs.std(axis=(1, 2, 3))):
        faces, objects = measure[kind == "faces"], measure[kind == "objects"]
        assert abs(faces.mean() - objects.mean()) < 4 * measure.std() / np.sqrt(len(faces) / 2)
        assert abs(faces.mean() - objects.mean()) < 0.001


def test_play__varies_within_and_geometry_between():
    stimuli = faces_and_objects(n_per_class=2, n_identities=12, n_objects=12, rng=0)
    images = stimuli.inputs.reshape(24, 2, -1)
    assert (images[:, 0] != images[:, 1]).any(axis=1).all()
    assert len({tuple(face.values()) for face in face_geometries()}) == 12
    assert face_geometries(1) != face_geometries(0)
    assert faces_and_objects(n_per_class=1, rng=0, cast=1).digest != faces_and_objects(n_per_class=1, rng=0).digest


def test_one_condition_alone__is_possible():
    faces = faces_and_objects(n_per_class=1, n_identities=12, n_objects=0, rng=0)
    assert faces.table.identity.tolist() == list(PEOPLE)
    things = faces_and_objects(n_per_class=1, n_identities=0, n_objects=12, rng=0)
    assert things.table.identity.tolist() == list(OBJECTS)


@pytest.mark.parametrize(
    "numbers", [{"n_per_class": 0}, {"n_identities": 13}, {"n_objects": -1}, {"n_identities": 0, "n_objects": 0}]
)
def test_impossible_numbers__are_refused_with_the_range(numbers):
    with pytest.raises(DesignError, match="Type n_"):
        faces_and_objects(**{"n_per_class": 1, "rng": 0, **numbers})


def test_nothing_global__is_seeded_or_used():
    state = np.random.get_state()[1].copy()
    faces_and_objects(n_per_class=1, rng=0)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
