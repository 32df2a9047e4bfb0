"""The structural graph of a network against sums written here, torch's folding of batch norm, and published cuts."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score
from torch import nn

from neurolab.analysis import Spectral, clusterability, layered_graph
from neurolab.analysis.partition import search
from neurolab.errors import DataError
from neurolab.specimen import Specimen, glued, mlp, structure
from neurolab.stats import graphs
from neurolab.stimuli import StimulusSet


def on_bench(model, *shape):
    return Specimen(model.eval(), torch.zeros(2, *shape), name="net")


def block(graph, into, out):
    """The edges from one layer to another, (units out, units in)."""
    layer = graph["layer"].values
    return graph.values[np.ix_(layer == out, layer == into)]


def slices(weight, order=1):
    """The norm of each kernel slice, by a loop."""
    weight = weight.detach().double().numpy()
    return np.array([[(np.abs(one) ** order).sum() ** (1 / order) for one in row] for row in weight])


class Picture(nn.Module):
    """Convolution, batch norm, a skip, a concatenation, a depth-wise and a grouped convolution, a dense layer."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.act = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.second, self.deep = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1, groups=4)
        self.grouped, self.dense = nn.Conv2d(12, 6, 1, groups=2), nn.Linear(6 * 4, 5)
        nn.init.uniform_(self.norm.weight, 0.5, 2.0)
        self.norm.running_var.uniform_(0.5, 2.0)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.act(self.norm(self.first(x))), 2)
        x = x + torch.tanh(self.second(x))
        x = torch.cat([self.deep(x), x], dim=1)
        return self.dense(self.grouped(x).flatten(1))


@pytest.fixture(scope="module")
def picture():
    torch.manual_seed(0)
    model = Picture().eval()
    return model, structure(on_bench(model, 1, 4, 4))


def test_dense_layers__are_the_layered_graph_of_their_weights():
    model = mlp(6, 5, 4, 3)
    graph = structure(on_bench(model, 6))
    wanted = layered_graph([one.weight.detach().numpy() for one in model if isinstance(one, nn.Linear)])
    np.testing.assert_allclose(graph.values, wanted.values, rtol=1e-6)
    assert list(dict.fromkeys(graph["layer"].values)) == ["input", "1", "3", "output"]
    assert graph["unit"].values.tolist() == wanted["unit"].values.tolist()


def test_batch_norm__is_folded_as_torch_folds_it(picture):
    model, graph = picture
    folded = torch.nn.utils.fusion.fuse_conv_bn_eval(model.first, model.norm)
    np.testing.assert_allclose(block(graph, "input", "act"), slices(folded.weight), rtol=1e-5)
    assert graph.attrs["folded"] == 1


def test_batch_norm_behind_an_activation__scales_what_reads_it():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.BatchNorm1d(3), nn.Linear(3, 2))
    model[2].running_var.copy_(torch.tensor([0.25, 1.0, 4.0]))
    graph = structure(on_bench(model, 4))
    gain = 1 / np.sqrt(np.array([0.25, 1.0, 4.0]) + model[2].eps)
    np.testing.assert_allclose(block(graph, "2", "output"), np.abs(model[3].weight.detach().numpy()) * gain, rtol=1e-6)
    np.testing.assert_allclose(block(graph, "input", "2"), np.abs(model[0].weight.detach().numpy()), rtol=1e-6)


def test_skips_concatenations_and_depth_wise_kernels__are_walked_through(picture):
    model, graph = picture
    np.testing.assert_allclose(block(graph, "act", "second"), slices(model.second.weight), rtol=1e-6)
    deep = slices(model.deep.weight)[:, 0]  # channels 2 k and 2 k + 1 read channel k
    reads, grouped = np.zeros((6, 12)), slices(model.grouped.weight)
    reads[:3, :6], reads[3:, 6:] = grouped[:3], grouped[3:]
    wanted = np.zeros((6, 4))
    for unit in range(4):
        wanted[:, unit] = reads[:, 8 + unit] + sum(reads[:, 2 * unit + at] * deep[2 * unit + at] for at in range(2))
    for source in ("act", "second"):  # the sum of both is what deep and the concatenation read
        np.testing.assert_allclose(block(graph, source, "grouped"), wanted, rtol=1e-6)
    dense = np.abs(model.dense.weight.detach().double().numpy()).reshape(5, 6, 4).sum(axis=2)
    np.testing.assert_allclose(block(graph, "grouped", "output"), dense, rtol=1e-6)


def test_the_norm_of_slices_and_the_layers__can_be_chosen(picture):
    model, _ = picture
    graph = structure(on_bench(model, 1, 4, 4), norm="l2", layers=["act", "second"])
    np.testing.assert_allclose(block(graph, "act", "second"), slices(model.second.weight, 2), rtol=1e-6)
    assert graph.sizes["neuroid"] == 8


def test_pixels__are_units_of_a_network_that_flattens_them():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU(), nn.Linear(3, 2))
    graph = structure(on_bench(model, 1, 4, 4))
    assert (graph["layer"].values == "input").sum() == 16
    np.testing.assert_allclose(block(graph, "input", "2"), np.abs(model[1].weight.detach().numpy()), rtol=1e-6)


def test_isolated_and_dead_units__have_no_edges_and_are_counted():
    model = mlp(4, 6, 2)
    with torch.no_grad():
        model[0].weight[0], model[2].weight[:, 0] = 0.0, 0.0  # isolated
        model[0].weight[1], model[0].bias[1] = -1.0, -1.0  # dead: never above 0 for stimuli that are not negative
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(9)], "condition": "x"})
    stimuli = StimulusSet("some", np.random.default_rng(0).random((9, 4)).astype(np.float32), table)
    graph = structure(on_bench(model, 4), stimuli=stimuli)
    hidden = graph.isel(neuroid=np.flatnonzero(graph["layer"].values == "1"))
    assert hidden["isolated"].values.tolist()[:2] == [True, True]
    assert hidden["dead"].values[1]
    assert graph.attrs["n_dead"] >= 1
    assert graph.attrs["n_isolated"] == int(graph["isolated"].sum())
    assert (graph.values[graph["isolated"].values] == 0).all()


def test_published_cut__of_a_real_network():
    # protocols.md section 17: n-cut of the 2-2-2 net with labels 0, 1, 0, 1, 0, 1 is .09890
    model = mlp(2, 2, 2)
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[12, -1.3], [0, 7.4]]))
        model[2].weight.copy_(torch.tensor([[-8.9, 0.15], [0.23, -5.7]]))
    graph = structure(on_bench(model, 2))
    assert graphs.normalised_cut(graph.values, [0, 1, 0, 1, 0, 1]) == pytest.approx(0.09890, abs=5e-6)


def test_cut_of_any_network__is_that_of_networkx_and_of_k_clusters_a_hand_sum(picture):
    draw = np.random.default_rng(0)
    for graph in (picture[1].values, structure(on_bench(mlp(7, 6, 5), 7)).values):
        two, four = draw.integers(2, size=len(graph)), draw.integers(4, size=len(graph))
        wanted = nx.normalized_cut_size(nx.from_numpy_array(graph), np.flatnonzero(two == 0).tolist(), weight="weight")
        assert graphs.normalised_cut(graph, two) == pytest.approx(wanted)
        total = 0.0
        for k in range(4):
            inside, outside = np.flatnonzero(four == k), np.flatnonzero(four != k)
            cut = sum(graph[i, j] for i in inside for j in outside)
            total += cut / sum(graph[i, j] for i in inside for j in range(len(graph)))
        assert graphs.normalised_cut(graph, four) == pytest.approx(total)


def test_clusters_of_a_planted_network__are_those_of_scikit_learn():
    torch.manual_seed(1)
    halves = [on_bench(mlp(10, 8, 8, 4), 10) for _ in range(2)]
    graph = structure(glued(*halves, cross=0.05, rng=0))
    wanted = SpectralClustering(2, affinity="precomputed", assign_labels="kmeans", random_state=0)
    ours = search(graph.values, Spectral(2), 1, np.random.default_rng(0)).codes
    assert adjusted_rand_score(wanted.fit_predict(graph.values), ours) == 1.0
    sizes = {name: int((graph["layer"].values == name).sum()) for name in graph["layer"].values}
    truth = graph["unit"].values >= np.array([sizes[name] // 2 for name in graph["layer"].values])
    assert adjusted_rand_score(truth, ours) == 1.0


def test_untrained_mlp_of_the_paper__has_its_published_cut():
    # protocols.md section 17: Glorot MLP 784-256x4-10, k = 12: 10.295 +- .032 (100 draws; published), ours 10.24-10.28
    torch.manual_seed(0)
    model = mlp(784, 256, 256, 256, 256, 10)
    for one in model:
        if isinstance(one, nn.Linear):
            nn.init.xavier_uniform_(one.weight)
    found = search(structure(on_bench(model, 784)).values, Spectral(12), 1, np.random.default_rng(0))
    assert found.cut == pytest.approx(10.295, abs=3 * 0.032)


def test_smallest_p_of_fifty_shuffles__is_the_published_one():
    torch.manual_seed(2)
    halves = [on_bench(mlp(6, 6, 4), 6) for _ in range(3)]
    nets = [structure(glued(a, b, cross=0.02, rng=0)) for a, b in itertools.pairwise(halves)]
    found = clusterability(nets, by=Spectral(2, n_init=2), nulls=("nonzero",), n_null=50, rng=0)
    np.testing.assert_allclose(found["own_p"].values, 0.0196078, atol=5e-8)  # section 17: 1 / 51
    np.testing.assert_allclose(found["own_p_floor"].values, 1 / 51)


class Shared(nn.Module):
    """A layer whose output a batch norm reads, and something else beside it."""

    def __init__(self, kind):
        super().__init__()
        self.a, self.b1, self.b2 = nn.Linear(5, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4)
        self.o, self.wide, self.kind = nn.Linear(4, 2), nn.Linear(8, 2), kind
        self.b1.running_var.copy_(torch.tensor([0.25, 1.0, 4.0, 100.0]))
        self.b2.running_var.copy_(torch.tensor([4.0, 9.0, 16.0, 25.0]))

    def forward(self, x):
        y = self.a(x)
        if self.kind == "alone":
            return self.o(torch.relu(self.b1(y)))
        if self.kind == "skip":
            return self.o(torch.relu(self.b1(y)) + y)
        return self.wide(torch.cat([torch.relu(self.b1(y)), torch.relu(self.b2(y))], dim=1))


@pytest.mark.parametrize("kind", ["alone", "skip", "two norms"])
def test_batch_norm__is_folded_only_where_nothing_else_reads_the_layer(kind):
    torch.manual_seed(0)
    model = Shared(kind).eval()
    graph = structure(on_bench(model, 5))
    (hidden,) = set(graph["layer"].values) - {"input", "output"}
    into, out = (np.abs(one.weight.detach().double().numpy()) for one in (model.a, model.o))
    wide = np.abs(model.wide.weight.detach().double().numpy())
    one, two = (1 / np.sqrt(norm.running_var.double().numpy() + norm.eps) for norm in (model.b1, model.b2))
    made = {"alone": into * one[:, None], "skip": into, "two norms": into}[kind]
    read = {"alone": out, "skip": out * (1 + one), "two norms": wide[:, :4] * one + wide[:, 4:] * two}[kind]
    np.testing.assert_allclose(block(graph, "input", hidden), made, rtol=1e-6)
    np.testing.assert_allclose(block(graph, hidden, "output"), read, rtol=1e-6)


class Tokens(nn.Module):
    """A dense layer over the last axis of (stimuli, positions, features)."""

    def __init__(self, pooled):
        super().__init__()
        self.a, self.b, self.pooled = nn.Linear(8, 16), nn.Linear(16 if pooled else 64, 3), pooled

    def forward(self, x):
        hidden = torch.relu(self.a(x))
        return self.b(hidden.mean(1) if self.pooled else hidden.flatten(1))


@pytest.mark.parametrize("pooled", [True, False])
def test_dense_layers_over_positions__are_refused_rather_than_taking_positions_for_units(pooled):
    with pytest.raises(DataError, match=r"'a'.*last axis"):
        structure(on_bench(Tokens(pooled), 4, 8))


def test_channels_averaged_away__are_refused_rather_than_taken_for_a_flatten():
    class Averaged(nn.Module):
        def __init__(self):
            super().__init__()
            self.c, self.o = nn.Conv1d(1, 4, 1), nn.Linear(8, 2)

        def forward(self, x):
            return self.o(torch.relu(self.c(x)).mean(1))

    with pytest.raises(DataError, match="mean"):
        structure(on_bench(Averaged(), 1, 8))
