"""Are networks modular: can they be cut into clusters more cheaply than the same networks with their weights shuffled?

Filan et al. 2021 (arXiv:2103.03386), on one digit (one task) and on two digits side by side (two tasks, a head each),
with both shuffles. Controls: untrained networks, and two networks glued together with ever more links between them.
"""

from functools import partial

import neurolab as nl

PRUNED = {"prune": nl.specimen.Prune(to=0.9)}
ONE = {"plain": {}, "dropout": {"dropout": 0.5}, "L2": {"weight_decay": 1e-3}, "L1": {"l1": 1e-4}, "pruned": PRUNED,
       "dropout, pruned": {"dropout": 0.5, **PRUNED}}  # fmt: skip
TWO = {"plain": {}, "dropout": {"dropout": 0.3}, "L2": {"weight_decay": 1e-3}}
TRAINED = "Plainly trained networks are modular: their n-cut lies below that of the same weights shuffled, either way."
DROPOUT = "Dropout makes networks more modular: their n-cut lies further below its shuffles, either way, than without."


def main(*, rng=0, quick=False):
    n, n_null, n_init = (6, 9, 3) if quick else (10, 50, 10)
    epochs, asked = (15, ("plain", "dropout")) if quick else (40, tuple(ONE))
    digits, pairs = (nl.datasets.load_stimuli("digits-train"),
                     nl.datasets.load_stimuli("digit-pairs", part="train", n=1796))  # fmt: skip

    def trained(sizes, stimuli, label, recipes, n=n):
        given = {"stimuli": stimuli, "label": label, "n": n, "rng": rng, "build": partial(nl.specimen.mlp, *sizes)}
        recipes = {way: nl.specimen.Recipe(epochs, 2e-3, **more) for way, more in recipes.items() if way in asked}
        made = {way: nl.train_cohort(recipe=recipe, name=way, **given) for way, recipe in recipes.items()}
        return made | {"initial": nl.specimen.untrained_cohort(name="initial", **given)}

    def examined(cohorts, k, controls):
        by, graphs = nl.analysis.Spectral(k, n_init), nl.specimen.structures(cohorts | controls)
        asked = {way: cohorts[way] for way in ONE if way in cohorts}
        training = nl.specimen.training_table(asked)
        cut = nl.analysis.clusterability(graphs, by=by, n_null=n_null, training=training, rng=rng)
        tables = nl.analysis.cut_indices(cut, training=training)
        tables = {way: tables[way] for way in asked}
        return cut, nl.analysis.compare_cohorts(tables, against="plain", matched_on="training accuracy", rng=rng)

    cohorts = trained((64, 64, 64, 64, 10), digits, "label", ONE)
    one, one_less = examined(cohorts, 8, {})
    yield from {"one_digit": one, "one_digit_against_plain": one_less}.items()
    cohorts = trained((128, 64, 64, 64, 20), pairs, ("left", "right"), TWO)
    halves = trained((64, 32, 32, 32, 10), digits, "label", {"plain": {}}, n=2 * n)["plain"]
    links = {f"glued, links {cross}": cross for cross in (0.1, 0.5, 1.0)}
    glued = {way: nl.specimen.glued_cohort(halves, cross=cross, name=way, rng=rng) for way, cross in links.items()}
    two, two_less = examined(cohorts, 4, glued)
    yield from {"two_digits": two, "two_digits_against_plain": two_less}.items()
    cuts, less = {"one digit": one, "two digits": two}, {"one digit": one_less, "two digits": two_less}
    both = {f"{task}, {null}": (task, null) for task in cuts for null in ("shuffled", "nonzero")}
    own = {name: cuts[task].sel(condition="plain", null=null) for name, (task, null) in both.items()}
    shifts = {name: f"n-cut above shuffles ({null})" for name, (_, null) in both.items()}
    lower = {name: less[task].sel(condition="dropout", index=shifts[name]) for name, (task, _) in both.items()}
    claim = partial(nl.analysis.claim, expects="less", by="task and shuffle", figure="two_digits")
    yield "claims", nl.analysis.claims(claim(TRAINED, own), claim(DROPOUT, lower))


if __name__ == "__main__":
    nl.run_script(main, draw=["one_digit", "two_digits"])
