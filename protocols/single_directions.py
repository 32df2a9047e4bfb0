"""Do networks that memorise hang on single directions?  Rising shares of random labels, at the same training accuracy.

Damage and noise are measured on the training pictures with the labels that were taught, as in Morcos et al. 2018: a
network of random labels knows nothing else. Two more arms, dropout and batch norm, are compared with clean labels.
"""

import contextlib
from functools import partial

import neurolab as nl

LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
CURVES = {
    "ablation AUC, Zero": "The more random labels networks memorise, the less loss of units they stand (zeroed).",
    "ablation AUC, Mean": "The more random labels networks memorise, the less loss of units they stand (at mean).",
    "noise AUC": "The more random labels networks memorise, the less noise inside they stand.",
}
INDEX = "selectivity against importance"
SELECTIVE = "The more selective a unit is, the more its loss costs (rank correlation; networks of clean labels)."


def main(*, rng=0, quick=False):
    n, levels, n_orders, width = (6, (0.0, 0.5, 1.0), 2, 64) if quick else (8, LEVELS, 10, 128)
    train = nl.datasets.load_stimuli("digits-train").take(range(0, 899, 3 if quick else 1))

    def profile(cohort, sites):
        """Every index of every network, on the pictures and labels that it was taught."""
        parts = []
        for taught, network in zip(map(cohort.training.taught, range(n)), cohort):
            intact = nl.record(network, taught, ["input", *sites])
            battery = nl.analysis.damage_battery(intact, hows=(nl.Zero(), nl.Mean(intact)), n_orders=n_orders, rng=rng)
            scores = {"taught": nl.scores.accuracy, "graded": nl.scores.log_probability}
            trials = nl.examine(network, battery, [nl.Task(name, taught, score) for name, score in scores.items()])
            with contextlib.suppress(nl.errors.DesignError):  # at chance nothing can be lost: NaN, which is flagged
                parts.append(nl.analysis.damage_indices(trials, task="taught", graded="graded"))
                parts.append(nl.analysis.tuning_indices(intact, trials, graded="graded"))
        return nl.analysis.profile(parts, training=nl.specimen.training_table(cohort), indices=(*CURVES, INDEX))

    def trained(name, *, batch_norm=False, **settings):
        recipe = nl.specimen.Recipe(epochs=400, learning_rate=2e-3, criterion=0.99, on_miss="flag", **settings)
        build = partial(nl.specimen.mlp, 64, width, width, 10, batch_norm=batch_norm)
        cohort = nl.train_cohort(build, train, n=n, recipe=recipe, name=name, rng=rng)
        return profile(cohort, ["2", "5"] if batch_norm else ["1", "3"])

    noisy = {level: trained(f"{level:.0%} random labels", label_noise=level) for level in sorted(levels)}
    found = nl.analysis.trend(noisy, what="share of random labels", matched_on="training accuracy", rng=rng)
    yield "trend", found
    arms = {"control": noisy[0.0]}
    arms |= {"dropout": trained("dropout", dropout=0.5), "batch norm": trained("batch norm", batch_norm=True)}
    yield "arms", nl.analysis.compare_cohorts(arms, against="control", matched_on="training accuracy", rng=rng)
    related = nl.analysis.index_mean({str(level): table for level, table in noisy.items()}, index=INDEX, rng=rng)
    yield "selectivity_and_importance", related
    claim = partial(nl.analysis.claim, figure="trend")
    claims = [claim(said, found.sel(index=index), expects="less") for index, said in CURVES.items()]
    yield "claims", nl.analysis.claims(*claims, claim(SELECTIVE, related.sel(condition="0.0"), expects="more"))


if __name__ == "__main__":
    trends = [partial(nl.plots.plot_trend, index=index) for index in (*CURVES, "class selectivity", INDEX)]
    nl.run_script(main, draw={"trend": trends, "arms": None})
