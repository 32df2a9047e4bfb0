"""Are structural modules functional ones: do the clusters of a network's connections serve one task each, and matter?

Two digits side by side, a head each. Clusters by n-cut of the weights alone; functions by lesions of single units, on
other stimuli; then every cluster is lesioned, beside random sets of its layer. Two networks glued together are the
positive control, untrained networks and a random partition the negative ones.
"""

from functools import partial

import neurolab as nl

WAYS = {"plain": {}, "dropout": {"dropout": 0.3}, "L2": {"weight_decay": 1e-3}}
HIDDEN = ["1", "3", "5"]
HEADS = {"left": ("left", range(10)), "right": ("right_output", range(10, 20))}
ALIGNED = "The structural modules of a network are functional ones: an agreement (ARI) above chance, of .1 or more."
COSTLY = "Structural modules matter: a cluster's loss costs more than that of units alike in layer and activity."


def main(*, rng=0, quick=False):
    n, n_null, n_random, n_init = (6, 9, 4, 3) if quick else (10, 50, 19, 10)
    epochs, width, asked = (15, 32, ("plain", "dropout")) if quick else (40, 64, tuple(WAYS))
    two, one = nl.datasets.load_stimuli("digit-pairs", part="train", n=1796), nl.datasets.load_stimuli("digits-train")
    tune, choose, test = nl.datasets.load_stimuli("digit-pairs").split(3, rng=rng)
    build, half = (partial(nl.specimen.mlp, 64 * k, *3 * [k * width // 2], 10 * k) for k in (2, 1))
    recipes = {way: nl.specimen.Recipe(epochs, 2e-3, **WAYS[way]) for way in asked}
    given = {"build": build, "stimuli": two, "label": ("left", "right"), "n": n, "rng": rng}
    cohorts = {way: nl.train_cohort(recipe=recipe, name=way, **given) for way, recipe in recipes.items()}
    yield "training", nl.specimen.training_table(cohorts)
    cohorts["initial"] = nl.specimen.untrained_cohort(name="initial", **given)
    halves = nl.train_cohort(half, one, n=2 * n, recipe=recipes["plain"], name="half", rng=rng)
    cohorts["glued"] = nl.specimen.glued_cohort(halves, cross=0.1, rng=rng)
    scores = {side: nl.scores.LogProbability(label, columns=tuple(some)) for side, (label, some) in HEADS.items()}

    def examined(network, lesions, stimuli):
        tasks = [nl.Task(f"name {side}", stimuli, score) for side, score in scores.items()]
        return nl.examine(network, lesions, tasks, progress=False)

    graphs = nl.specimen.structures(cohorts)
    cut = nl.analysis.clusterability(graphs, by=nl.analysis.Spectral(4, n_init), n_null=n_null, rng=rng)
    yield "cut", cut

    def function(network, graph):
        units = nl.analysis.unit_lesions(nl.record(network, tune, HIDDEN), nl.Zero())
        return nl.analysis.functional_labels(examined(network, units, choose), of=graph)

    functions = {way: list(map(function, cohorts[way], graphs[way])) for way in cohorts}
    aligned = nl.analysis.alignment(cut, functions, n_permutations=199 if quick else 999, rng=rng)
    yield "alignment", aligned

    def lost(network, clusters, partition):
        drawn = {"n_random": n_random, "partition": partition, "rng": rng}
        lesions = nl.analysis.cluster_lesions(clusters, nl.record(network, tune, HIDDEN), nl.Zero(), **drawn)
        return examined(network, lesions, test)

    costs = {f"{way}, {partition}": [lost(*pair, partition) for pair in zip(cohorts[way], cut.label.sel(condition=way))]
             for way in recipes for partition in ("found", "random")}  # fmt: skip
    matter = nl.analysis.importance(costs, rng=rng)
    yield "importance", matter
    agreed = {way: aligned.sel(condition=way, partition="found", measure="ari") for way in recipes}
    costly = {way: matter.sel(condition=f"{way}, found", family="activity") for way in recipes}
    yield "claims", nl.analysis.claims(
        nl.analysis.claim(ALIGNED, agreed, expects="more", within=0.1, by="training", figure="alignment"),
        nl.analysis.claim(COSTLY, costly, expects="more", by="training", figure="importance"),
    )


if __name__ == "__main__":
    named = {"cut": "clusterability", "alignment": "alignment", "importance": "importance"}
    nl.run_script(main, draw={name: nl.plots.FIGURES[f"plot_{plot}"] for name, plot in named.items()})
