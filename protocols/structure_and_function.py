"""Are structural modules functional ones: do the clusters of a network's connections serve one task each, and matter?

Two digits, a head each. Clusters by n-cut of the weights alone; functions by lesions of single units, on other stimuli;
then clusters are lesioned, beside random sets of their layer. Controls: glued and untrained networks, random clusters.
"""

from functools import partial

import neurolab as nl

WAYS = {"plain": {}, "dropout": {"dropout": 0.3}, "L2": {"weight_decay": 1e-3}}
HIDDEN, HEADS = ["1", "3", "5"], ("left", "right")
ALIGNED = "The structural modules of a network are functional ones: agreement (ARI) is more than .1 above chance."
COSTLY = "Structural modules matter: a cluster's loss costs more than that of units alike in layer and activity."


def main(*, rng=0, quick=False):
    n, n_null, n_random, n_init = (6, 9, 4, 3) if quick else (10, 50, 19, 10)
    epochs, width, asked = (15, 32, ("plain", "dropout")) if quick else (40, 64, tuple(WAYS))
    two, one = nl.datasets.load_stimuli("digit-pairs", part="train", n=1796), nl.datasets.load_stimuli("digits-train")
    tune, choose, test = nl.datasets.load_stimuli("digit-pairs").split(3, rng=rng)
    build, half = (partial(nl.specimen.mlp, 64 * k, *3 * [k * width // 2], 10 * k) for k in (2, 1))
    recipes = {way: nl.specimen.Recipe(epochs, 2e-3, **WAYS[way]) for way in asked}
    given = {"build": build, "stimuli": two, "label": HEADS, "n": n, "rng": rng}
    cohorts = {way: nl.train_cohort(recipe=recipe, name=way, **given) for way, recipe in recipes.items()}
    yield "training", (training := nl.specimen.training_table(cohorts))
    cohorts["initial"] = nl.specimen.untrained_cohort(name="initial", **given)
    halves = nl.train_cohort(half, one, n=2 * n, recipe=recipes["plain"], name="half", rng=rng)
    cohorts["glued"] = nl.specimen.glued_cohort(halves, cross=0.1, rng=rng)
    graphs = nl.specimen.structures(cohorts)
    cut = nl.analysis.clusterability(graphs, by=nl.analysis.Spectral(4, n_init), n_null=n_null, rng=rng)
    yield "cut", cut

    def function(network, graph):
        units = nl.analysis.unit_lesions(nl.record(network, tune, HIDDEN), nl.Zero())
        trials = nl.examine(network, units, nl.specimen.head_tasks(choose, HEADS, n_outputs=20), progress=False)
        return nl.analysis.functional_labels(trials, of=graph)

    def lost(network, clusters, partition):
        drawn = {"n_random": n_random, "partition": partition, "rng": rng}
        lesions = nl.analysis.cluster_lesions(clusters, nl.record(network, tune, HIDDEN), nl.Zero(), **drawn)
        return nl.examine(network, lesions, nl.specimen.head_tasks(test, HEADS, n_outputs=20), progress=False)

    functions = {way: list(map(function, cohorts[way], graphs[way])) for way in cohorts}
    aligned = nl.analysis.alignment(cut, functions, n_permutations=199 if quick else 999, training=training, rng=rng)
    yield "alignment", aligned
    agreed = aligned.sel(condition=list(recipes), partition="found", measure="ari")
    above = nl.analysis.index_mean(agreed, index="excess", popmean=0.1, rng=rng)
    costs = {f"{way}, {partition}": [lost(*pair, partition) for pair in zip(cohorts[way], cut.label.sel(condition=way))]
             for way in recipes for partition in ("found", "random")}  # fmt: skip
    matter = nl.analysis.importance(costs, training=training, rng=rng)
    yield from {"agreement_above_a_tenth": above, "importance": matter}.items()
    costly = {way: matter.sel(condition=f"{way}, found", family="activity") for way in recipes}
    claim = partial(nl.analysis.claim, expects="more", by="training")
    both = claim(ALIGNED, above, figure="alignment"), claim(COSTLY, costly, figure="importance")
    yield "claims", nl.analysis.claims(*both)


if __name__ == "__main__":
    nl.run_script(main, draw=["cut", "alignment", "importance"])
