"""Are more reliable networks more interpretable?  What each kind of training noise does, index by index.

Reliable: noise AUC (inside, in the input), ablation AUC, redundancy. Interpretable by reading: how selective units are.
By lesion: how much the single units differ in what they cost. A network has met the kind of noise it was trained under.
"""

import contextlib
from functools import partial

import neurolab as nl

RECIPES = {
    "control": {},
    "dropout": {"dropout": 0.5},
    "gradient noise": {"gradient_noise": 0.05},
    "activation noise": {"activation_noise": 0.5},
    "weight noise": {"weight_noise": 0.3},
    "input noise": {"input_noise": 0.3},
    "label noise": {"label_noise": 0.2},
}
CLAIMS = {
    "Noise in training makes networks stand more damage (ablation AUC, units set to zero).": "ablation AUC, Zero",
    "Noise in training makes networks stand more noise inside (noise AUC).": "noise AUC",
    "Noise in training makes units more redundant: the index R rises, whichever its sign.": "redundancy",
    "Noise in training makes units more selective for a class, easier to read.": "class selectivity",
    "Noise in training gathers what single units cost in fewer of them (Gini).": "Gini of unit effects",
}


def profile(cohort, stimuli, *, n_orders, rng):
    tasks = [nl.Task("digits", stimuli, nl.scores.accuracy), nl.Task("graded", stimuli, nl.scores.log_probability)]
    parts, indices = [], ("accuracy", *CLAIMS.values())
    for network in cohort:
        intact = nl.record(network, stimuli, ["input", "1", "3"])
        battery = nl.analysis.damage_battery(intact, hows=(nl.Zero(), nl.Mean(intact)), n_orders=n_orders, rng=rng)
        trials = nl.examine(network, battery, tasks)
        with contextlib.suppress(nl.errors.DesignError):  # at chance nothing can be lost: NaN, which is flagged
            parts.append(nl.analysis.damage_indices(trials, task="digits", graded="graded"))
            parts.append(nl.analysis.tuning_indices(intact, trials, graded="graded"))
    return nl.analysis.profile(parts, training=nl.specimen.training_table(cohort), indices=indices)


def main(*, rng=0, quick=False):
    n, n_orders, n_kinds, step = (6, 3, 3, 3) if quick else (8, 10, len(RECIPES), 2)
    train, held_out = nl.datasets.load_stimuli("digits-train"), nl.datasets.load_stimuli("digits")
    test, build = held_out.take(range(0, len(held_out), step)), partial(nl.specimen.mlp, 64, 128, 128, 10)
    profiles, matched = {}, ("accuracy", "training accuracy")
    for name, settings in list(RECIPES.items())[:n_kinds]:
        recipe = nl.specimen.Recipe(epochs=30, learning_rate=2e-3, **settings)
        cohort = nl.train_cohort(build, train, n=n, recipe=recipe, name=name, rng=rng)
        profiles[name] = profile(cohort, test, n_orders=n_orders, rng=rng)
        yield f"indices of {name}".replace(" ", "_"), profiles[name].reset_index()
    compared = nl.analysis.compare_cohorts(profiles, against="control", matched_on=matched, rng=rng)
    yield "compared", compared
    claim = partial(nl.analysis.claim, expects="more", by="kind of noise", figure="compared")
    yield "claims", nl.analysis.claims(*(claim(said, compared.sel(index=index)) for said, index in CLAIMS.items()))


if __name__ == "__main__":
    nl.run_script(main, draw=["compared"])
