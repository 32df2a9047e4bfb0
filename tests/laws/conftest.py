"""One result of every analysis that has a figure, made from phantoms once per session."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurolab import analysis
from neurolab.calibrate import ENTRIES, calibrate, result_of
from neurolab.coalitions import parts, removals
from neurolab.lesion import Zero
from neurolab.rdms import make_rdms
from neurolab.recording import make_recording
from neurolab.roi import ROI
from neurolab.screening import screened
from neurolab.simulate import phantom_noise, phantom_recording, phantom_trials
from neurolab.trials import make_trials


def retrained():
    """Curves of eight networks over retraining: a lesion, no lesion, a lesion elsewhere."""
    mean = np.array([[0.4, 0.6, 0.75, 0.8], [0.9, 0.91, 0.92, 0.92], [0.85, 0.9, 0.92, 0.92]])
    score = mean + 0.02 * np.random.default_rng(0).standard_normal((8, 3, 4))
    coords = {"specimen": list("abcdefgh"), "arm": ["lesioned", "intact", "control lesion"], "step": [0, 10, 50, 100]}
    return xr.DataArray(score, coords=coords, dims=list(coords))


def clustered():
    """Values of eight networks over layers and times, with an effect at some."""
    values = np.random.default_rng(0).normal(size=(8, 3, 8))
    values[:, 1:, 2:6] += 2.5
    return xr.DataArray(values, dims=("specimen", "layer", "time"), coords={"time": np.arange(8) / 100})


def removed():
    """Trials of eight networks that lose their regions in an order and in random ones."""
    regions = parts(ROI("layer", {"relu": range(4)}))
    design = removals(regions, Zero(), name="most selective first", n_random=3, rng=0)
    draw = np.random.default_rng(0)
    slope = [0.0 if one.role == "sham" else one.dose ** (0.5 if one.role == "target" else 1.5) for one in design]
    score = 3 - 2.8 * np.array(slope) + 0.1 * draw.normal(size=(8, len(design)))
    return make_trials(
        score[:, :, None],
        specimen=[f"net {k}" for k in range(8)],
        lesions=design,
        trial={"task": ["X"], "stimulus_id": ["s"], "condition": ["c"]},
        tasks={"X": {"unit": "score", "bounded": False, "chance": 0.0}},
        kind="simulated",
    )


def cut_at_random():
    """Random lesions of ten units, of which one does harm."""
    cut = (np.random.default_rng(0).random((60, 10)) < 0.3).astype(np.uint8)
    rows = {"stimulus_id": [f"draw {k}" for k in range(60)], "condition": ["random"] * 60}
    sites = np.repeat(["early", "late"], 5)
    neuroid = {"site": sites, "unit": np.tile(np.arange(5), 2)}
    cost = 2.0 * cut[:, 3] + 0.05 * np.random.default_rng(1).normal(size=60)
    return make_recording(cut, presentation=rows, neuroid=neuroid, kind="ann", specimen="phantom"), cost


def two_models():
    """The scores of 12 layers and of 3 on forty stimuli; one layer of the deep model is better."""
    draw = np.random.default_rng(0)
    deep, flat = (0.6 + 0.2 * draw.normal(size=(40, k)) for k in (12, 3))
    deep[:, 7] += 0.2
    return [xr.DataArray(one, dims=("stimulus", "layer")) for one in (deep, flat)]


def geometries(n):
    """Distances between twenty stimuli, of n noisy copies of the same features."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(20, 30))
    noisy = [features + (0.5 + 0.1 * k) * draw.normal(size=features.shape) for k in range(n)]
    values = [np.corrcoef(one)[np.triu_indices(20, 1)] for one in noisy]
    return make_rdms(1 - np.array(values), stimuli=[f"s{k:02d}" for k in range(20)], kind="simulated")


def seen_and_brain():
    """Two layers of two models, and five people."""
    every = geometries(9)
    layers = {name: every[[at, at + 1]].assign_coords(rdm=["early", "late"]) for name, at in (("deep", 5), ("flat", 7))}
    return layers, every[:5]


def among_others():
    """One network, three others like it, and five people."""
    every = geometries(9)
    one, *others = (every[[at]].assign_coords(rdm=["late"]) for at in (8, 5, 6, 7))
    return one, others, every[:5]


def quickly_screened():
    """Estimates of a hundred units, of which thirty were lesioned."""
    truth = np.random.default_rng(0).normal(size=100)
    exact = np.where(np.arange(100) % 3 == 0, truth, np.nan)
    return screened(
        truth + 0.3 * np.random.default_rng(1).normal(size=100), {"score": np.round(exact), "smooth": exact},
        site=np.repeat(["early", "late"], 50), unit=np.tile(np.arange(50), 2), stimuli=["s"], level=0.95, rng=0,
        task="naming", how="Zero", smooth="logit margin", method="taylor", test="first order", n=40,
        generalises_over="stimulus", alternative="", source="phantom", inputs={},
    )  # fmt: skip


def profiles(shifts):
    """Two indices of eight networks, the same seeds under each condition; the second index shifts."""
    draw = np.random.default_rng(0)
    seeds = [f"net seed {k}" for k in range(8)]
    return {
        name: pd.DataFrame({"accuracy": 0.9 + 0.01 * draw.random(8), "redundancy": shift + draw.random(8)}, index=seeds)
        for name, shift in shifts.items()
    }


def clusters_of_networks():
    """n-cuts of six networks with and six without blocks, their agreement with function, and what clusters cost."""
    draw = np.random.default_rng(0)
    noise = [one + one.T for one in draw.random((12, 12, 12))]
    halves = np.kron(np.eye(2), np.ones((6, 6)))
    nets = {"planted": [halves + 0.1 * one for one in noise[:6]], "initial": noise[6:]}
    cut = analysis.clusterability(nets, by=analysis.Spectral(2, n_init=2), n_null=9, rng=0)
    functions = {name: [["left"] * 6 + ["right"] * 6] * 6 for name in nets}
    cost = {"planted": [lost(0.3 + 0.02 * at, at) for at in range(6)]}
    return cut, analysis.alignment(cut, functions, n_permutations=19, rng=0), analysis.importance(cost, rng=0)


def lost(cost, at):
    """Trials of one network that lost a cluster, and random sets of two families."""
    rows = {"lesion_id": ["sham", "a", "b", "c", "d", "e"], "roi": ["every", *"aaaaa"], "draw": [0, 0, 1, 2, 1, 2],
            "role": ["sham", "target", *["control"] * 4], "family": ["", "", *["random"] * 2, *["activity"] * 2]}
    score = 1.0 - np.array([0.0, cost, 0.1, 0.2, 0.15, 0.2])
    return make_trials(
        score[None, :, None], specimen=[f"net {at}"], lesions=rows, kind="ann",
        trial={"task": ["X"], "stimulus_id": ["s"], "condition": ["c"]},
        tasks={"X": {"unit": "nats", "bounded": False, "chance": 0.0}},
    )  # fmt: skip


@pytest.fixture(scope="session")
def every_result():
    cut, agreed, cost = clusters_of_networks()
    trials = phantom_trials(n_controls=19, spread=0.04, rng=0)
    ladder = phantom_trials(doses=(0.25, 0.5, 1.0), spread=0.04, n_controls=5, rng=1)
    recording = phantom_recording(n_units=60, n_runs=3, dead=2, sites=("early", "late"), rng=0)
    plan = {"A": {"X": 0.2}, "B": {"X": 0.3}, "A + B": {"X": 2.0}}
    three = phantom_trials(deficits=plan, bounded=False, chance=0.0, rng=0)
    backup = phantom_trials(deficits=plan, intact=3.0, bounded=False, chance=0.0, n_specimens=12, rng=0)
    contrast = "faces > objects"
    return {
        "plot_alignment": agreed,
        "plot_clusterability": cut,
        "plot_importance": cost,
        "plot_screen": quickly_screened(),
        "plot_best_layers": analysis.best_layers(*two_models(), names=("deep", "flat"), rng=0),
        "plot_clusters": analysis.clusters(
            clustered(), by=analysis.ClusterMass(0.05), n_permutations=99, rng=0
        ),
        "plot_cohorts": analysis.compare_cohorts(
            profiles({"control": 0.0, "dropout": 2.0, "noise": 0.1}), against="control", rng=0
        ),
        "plot_controls": analysis.against_controls(trials, lesion="A", task="X", rng=0),
        "plot_deficits": analysis.deficits(trials, rng=0),
        "plot_dissociation": analysis.dissociation(trials, lesions=("A", "B"), tasks=("X", "Y"), rng=0),
        "plot_dose": analysis.dose_response(ladder, lesion="A", task="X", rng=0),
        "plot_held_out": analysis.held_out(recording, contrast, n_permutations=19, rng=0),
        "plot_likeness": analysis.compare(*seen_and_brain()),
        "plot_likeness_change": analysis.compare_models(*among_others()),
        "plot_localiser_matrix": analysis.localiser_matrix(trials, rng=0),
        "plot_picked": analysis.picked_dissociation(
            trials, candidates=["A", "B"], pool="matched", tasks=("X", "Y"), n_permutations=50, rng=0
        ),
        "plot_rates": result_of(
            calibrate([ENTRIES[name] for name in ("cochran_q", "wilson", "folds as n")], n=100, progress=False)
        ),
        "plot_recovery": analysis.recovery(retrained(), control="control lesion", chance=0.1, rng=0),
        "plot_reliability": analysis.map_reliability(recording, contrast, n_splits=10, rng=0),
        "plot_robustness": analysis.robustness(phantom_noise(rng=0), noise="input", lesion="A", task="X", rng=0),
        "plot_savings": analysis.savings(
            retrained(), first="lesioned", again="control lesion", criterion=0.89, rng=0
        ),
        "plot_selectivity": analysis.localise(recording, contrast),
        "plot_spared": analysis.spared(trials, lesion="A", tasks=("X", "Y"), rng=0),
        "plot_interaction": analysis.interaction(three, a="A", b="B", both="A + B", task="X", rng=0),
        "plot_single_case": analysis.single_case(trials, case="phantom-0", lesion="A", rng=0),
        "plot_shapley": analysis.shapley(three, task="X", rng=0),
        "plot_modules": analysis.modules(
            np.kron(np.eye(2), np.ones((5, 5))) + 0.1, by=analysis.Spectral(2), n_null=19, n_restarts=2, rng=0
        ),
        "plot_pairs": analysis.pair_interactions(three, task="X", rng=0),
        "plot_minimal_set": analysis.minimal_set(backup, task="X", costing=0.5, rng=0),
        "plot_reserve": analysis.reserve(removed(), lesion="most selective first", task="X", rng=0),
        "plot_stat_map": analysis.localise(recording, contrast),
        "plot_trend": analysis.trend(profiles({0.0: 0.0, 0.5: 0.5, 1.0: 1.0}), what="label noise", rng=0),
        "plot_symptom_map": analysis.symptom_map(*cut_at_random(), n_permutations=99, rng=0),
    }


#: Every verb over trials of lesions, on phantom trials with the lesions A, B and A + B and the tasks X and Y.
VERBS = {
    "deficits": lambda t: analysis.deficits(t, rng=0),
    "against_controls": lambda t: analysis.against_controls(t, lesion="A", task="X", rng=0),
    "dissociation": lambda t: analysis.dissociation(t, lesions=("A", "B"), tasks=("X", "Y"), rng=0),
    "spared": lambda t: analysis.spared(t, lesion="A", tasks=["Y"], rng=0),
    "localiser_matrix": lambda t: analysis.localiser_matrix(t, localisers=["A", "B"], rng=0),
    "dose_response": lambda t: analysis.dose_response(t, lesion="A", task="X", rng=0),
    "picked_dissociation": lambda t: analysis.picked_dissociation(
        t, candidates=["A", "B"], pool="matched", tasks=("X", "Y"), n_permutations=19, rng=0
    ),
    "interaction": lambda t: analysis.interaction(t, a="A", b="B", both="A + B", task="X", allow_bounded=True, rng=0),
}


@pytest.fixture(params=list(VERBS))
def verb(request):
    """One of the verbs over trials of lesions, ready to be called with them."""
    return VERBS[request.param]
