"""Do networks that memorise hang on single directions?  Rising shares of random labels, at the same training accuracy.

Damage and noise are measured on the training pictures with the labels that were taught, as in Morcos et al. 2018: a
network of random labels knows nothing else. Two more arms, dropout and batch norm, are compared with clean labels.
"""

from functools import partial

import neurolab as nl

LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
CURVES = {
    "ablation AUC, Zero": "Networks that memorise random labels hang on single directions (units set to zero).",
    "ablation AUC, Mean": "Networks that memorise random labels hang on single directions (units held at their mean).",
    "noise AUC": "Networks that memorise random labels stand less noise.",
}
INDEX = "selectivity against importance"


def profile(cohort, sites, *, n_orders, rng):
    """Every index of every network, on the pictures and labels that it was taught."""
    parts = []
    for at, network in enumerate(cohort):
        taught = cohort.training.taught(at)
        intact = nl.record(network, taught, ["input", *sites])
        battery = nl.analysis.damage_battery(intact, hows=(nl.Zero(), nl.Mean(intact)), n_orders=n_orders, rng=rng)
        tasks = [nl.Task("taught", taught, nl.scores.accuracy), nl.Task("graded", taught, nl.scores.log_probability)]
        trials = nl.examine(network, battery, tasks)
        parts.append(nl.analysis.damage_indices(trials, task="taught", graded="graded"))
        parts.append(nl.analysis.tuning_indices(intact, trials, graded="graded"))
    return nl.analysis.profile(parts, training=nl.specimen.training_table(cohort))


def main(*, rng=0, quick=False):
    n, levels, n_orders, width = (6, (0.0, 0.5, 1.0), 2, 64) if quick else (8, LEVELS, 10, 128)
    train = nl.datasets.load_stimuli("digits-train").take(range(0, 899, 3 if quick else 1))

    def trained(name, *, batch_norm=False, **settings):
        recipe = nl.specimen.Recipe(epochs=400, learning_rate=2e-3, criterion=0.99, on_miss="flag", **settings)
        build = partial(nl.specimen.mlp, 64, width, width, 10, batch_norm=batch_norm)
        cohort = nl.train_cohort(build, train, n=n, recipe=recipe, name=name, rng=rng)
        return profile(cohort, ["2", "5"] if batch_norm else ["1", "3"], n_orders=n_orders, rng=rng)

    noisy = {level: trained(f"{level:.0%} random labels", label_noise=level) for level in sorted(levels)}
    found = nl.analysis.trend(noisy, what="share of random labels", matched_on="training accuracy", rng=rng)
    yield "trend", found
    arms = {"control": noisy[0.0]}
    arms |= {"dropout": trained("dropout", dropout=0.5), "batch norm": trained("batch norm", batch_norm=True)}
    yield "arms", nl.analysis.compare_cohorts(arms, against="control", matched_on="training accuracy", rng=rng)
    related = nl.analysis.index_mean({str(level): table for level, table in noisy.items()}, index=INDEX, rng=rng)
    yield "selectivity_and_importance", related
    claims = [
        nl.analysis.claim(sentence, found.sel(index=index), expects="less", figure="trend")
        for index, sentence in CURVES.items()
    ]
    sentence = "The most selective units are the most important ones (networks of clean labels)."
    claims.append(nl.analysis.claim(sentence, related.sel(condition="0.0"), expects="more"))
    yield "claims", nl.analysis.claims(*claims)


if __name__ == "__main__":
    trends = [partial(nl.plots.plot_trend, index=index) for index in (*CURVES, "class selectivity", INDEX)]
    nl.run_script(main, draw={"trend": trends, "arms": nl.plots.plot_cohorts})
