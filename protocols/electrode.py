"""How few units, at what current, take over what a network chooses, and what training makes it resist?

Current goes into the units that a localiser finds for one digit, and pictures of other digits are shown: how often is
that digit chosen? Four kinds of training with the same seeds. Half of the choices are taken over at so many units (at 3
sd each), or at such a current (into 16 units); how many disjoint sets of 32 units do it (at 3 sd)?
"""

from functools import partial
from itertools import pairwise

import neurolab as nl

SIZES, CURRENTS, CHOICE, SETS = (4, 8, 16, 32, 64), (0.5, 1, 2, 3, 4, 6, 8), "own choice", (1, 2, 3, 4)
KINDS = {"control": {}, "dropout": {"dropout": 0.3}, "weight noise": {"weight_noise": 0.2}}
KINDS["pruned"] = {"prune": nl.specimen.Prune(to=0.8, start=10, stop=25)}


def main(*, rng=0, quick=False, n=None):
    learn, digits = nl.datasets.load_stimuli("digits-train"), nl.datasets.load_stimuli("digits")
    choose, test = digits.split(2, rng=rng)
    build, n = partial(nl.specimen.mlp, 64, 128, 128, 10), n or (6 if quick else 10)

    def design(network, target):
        intact = nl.record(network, choose, ["1", "3"])
        current, stat_map = nl.Stimulate(3.0, intact), nl.localise(intact, f"{target} > *")
        ladder = nl.analysis.nested_lesions(stat_map, current, SIZES, name="units at 3 sd")
        upto = [nl.select_roi(stat_map, name=f"set {at}", top=32 * at) for at in SETS]
        bands = [upto[0], *(more - less for less, more in pairwise(upto))]
        sets = [nl.Lesion(band.renamed(f"set {at}"), current) for at, band in zip(SETS, bands)]
        others = nl.matched_controls(sets[0], intact, 9 if quick else 99, match=("site", "activity"), rng=rng)
        currents = nl.noise_ladder(nl.Lesion(ladder[2].roi.renamed("16 units"), current), CURRENTS)
        near = nl.specimen.electrode(ladder[2].roi.renamed("16 units and their like"), intact, current=3.0, spread=0.2)
        return [*ladder, *sets, *others, *currents, near]

    profiles = {}
    for kind, disturbed in KINDS.items():
        recipe = nl.specimen.Recipe(epochs=30, **disturbed)
        cohort = nl.train_cohort(build, learn, n=n, recipe=recipe, name=kind, rng=rng)
        trials = nl.specimen.takeover(cohort, design, test, targets=(0, 1) if quick else (0, 1, 2, 3))
        yield f"trials_{kind}", trials
        pushed = nl.deficits(trials, rng=rng)
        yield f"pushed_{kind}", pushed
        halves = {}
        for what, ladder in (("units", "units at 3 sd"), ("current", "16 units")):
            half = nl.analysis.robustness(trials, noise=ladder, task=CHOICE, chance=0.0, rng=rng)
            yield f"{what}_{kind}", half
            halves[what] = half["ed50"].sel(condition="intact", drop=True).rename(what)
        sets = (pushed["deficit"].sel(lesion=[f"set {at}" for at in SETS]) >= 0.5).sum("lesion").isel(task=0, drop=True)
        training = nl.specimen.training_table(cohort)
        profiles[kind] = nl.analysis.profile([*halves.values(), (sets - 1).rename("further sets")], training=training)
        if kind == "control":
            few = nl.against_controls(trials, lesion="set 1", task=CHOICE, rng=rng)
            yield "few_units", few
    kinds = nl.analysis.compare_cohorts(profiles, against="control", matched_on="training accuracy", rng=rng)
    yield "kinds", kinds
    centres = nl.analysis.index_mean(profiles, index="further sets", rng=rng)
    yield "centres", centres
    noisy = {kind: kinds.sel(index="units", condition=kind) for kind in ("dropout", "weight noise")}
    claim = partial(nl.analysis.claim, figure="kinds")
    yield "claims", nl.analysis.claims(
        claim("Current into units chosen for it takes over what is chosen.", few, expects="more", figure="few_units"),
        claim("Noise in training makes networks resist the electrode.", noisy, expects="more", by="noise"),
        claim("Pruning makes them easier to take over.", kinds.sel(index="units", condition="pruned"), expects="less"),
        claim("There is more than one place to push.", centres.sel(condition="control"), expects="more"),
    )


if __name__ == "__main__":
    drawn = {f"units_{kind}": nl.plots.plot_robustness for kind in KINDS} | {"few_units": nl.plots.plot_controls}
    nl.run_script(main, draw=drawn | {"kinds": partial(nl.plots.plot_cohorts, index="units")})
