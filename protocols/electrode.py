"""How few units, at what current, take over what a network chooses, and what training makes it resist?

Current goes into the units that a localiser finds for one digit while others are shown: how often is it chosen? By
training: at how many units (3 sd), at what current (16 units), and for how many sets of 32 is that half of the time?
"""

from functools import partial

import neurolab as nl

SIZES, CURRENTS, CHOICE = (4, 8, 16, 32, 64), (0.5, 1, 2, 3, 4, 6, 8), "own choice"
LADDERS, SETS = {"units": "units at 3 sd", "current": "16 units"}, [f"set {at}" for at in (1, 2, 3, 4)]
KINDS = {"control": {}, "dropout": {"dropout": 0.3}, "weight noise": {"weight_noise": 0.2}}
KINDS["pruned"] = {"prune": nl.specimen.Prune(to=0.8, start=10, stop=25)}


def main(*, rng=0, quick=False, n=None):
    learn, digits = nl.datasets.load_stimuli("digits-train"), nl.datasets.load_stimuli("digits")
    choose, test = digits.split(2, rng=rng)
    n, n_controls, targets = (n or 6, 9, (0, 1)) if quick else (n or 10, 99, (0, 1, 2, 3))

    def design(network, target):
        intact = nl.record(network, choose, ["1", "3"])
        current, stat_map = nl.Stimulate(3.0, intact), nl.localise(intact, f"{target} > *")
        ladder = nl.analysis.nested_lesions(stat_map, current, SIZES, name=LADDERS["units"])
        sets = nl.analysis.disjoint_lesions(stat_map, current, len(SETS), n_units=32, name="set")
        others = nl.matched_controls(sets[0], intact, n_controls, match=("site", "activity"), rng=rng)
        sixteen, like = (ladder[2].roi.renamed(name) for name in ("16 units", "16 units and their like"))
        currents = nl.noise_ladder(nl.Lesion(sixteen, current), CURRENTS)
        return [*ladder, *sets, *others, *currents, nl.specimen.electrode(like, intact, current=3.0, spread=0.2)]

    profiles, trials = {}, {}
    for kind, disturbed in KINDS.items():
        recipe, build = nl.specimen.Recipe(epochs=30, **disturbed), partial(nl.specimen.mlp, 64, 128, 128, 10)
        cohort = nl.train_cohort(build, learn, n=n, recipe=recipe, name=kind, rng=rng)
        trials[kind] = nl.specimen.takeover(cohort, design, test, targets=targets)
        pushed = nl.deficits(trials[kind], rng=rng)
        yield from {f"trials_{kind}": trials[kind], f"pushed_{kind}": pushed}.items()
        robust = partial(nl.analysis.robustness, trials[kind], task=CHOICE, chance=0.0, rng=rng)
        half = {what: robust(noise=ladder) for what, ladder in LADDERS.items()}
        yield from ((f"{what}_{kind}", found) for what, found in half.items())
        parts = [found["ed50"].sel(condition="intact", drop=True).rename(what) for what, found in half.items()]
        taken = (pushed.deficit.sel(lesion=SETS, task=CHOICE, drop=True) >= 0.5).sum("lesion").rename("sets")
        profiles[kind] = nl.analysis.profile([*parts, taken], training=nl.specimen.training_table(cohort))
    few = nl.against_controls(trials["control"], lesion="set 1", task=CHOICE, rng=rng)
    kinds = nl.analysis.compare_cohorts(profiles, against="control", matched_on="training accuracy", rng=rng)
    centres = nl.analysis.index_mean(profiles, index="sets", popmean=1.0, rng=rng)
    yield from {"few_units": few, "kinds": kinds, "centres": centres}.items()
    noisy, pruned = (kinds.sel(index="units", condition=some) for some in (["dropout", "weight noise"], "pruned"))
    claim = partial(nl.analysis.claim, expects="more", by="noise", figure="kinds")
    yield "claims", nl.analysis.claims(
        claim("Current into a digit's units has it chosen more than into units as active.", few, figure="few_units"),
        claim("Noise in training raises the number of units that take over half of the choices.", noisy),
        claim("Pruning lowers the number of units that take over half of the choices.", pruned, expects="less"),
        claim("More than one of the sets of 32 takes over half of the choices.", centres.sel(condition="control")),
    )


if __name__ == "__main__":
    nl.run_script(main, draw=["few_units", "kinds", *(f"units_{kind}" for kind in KINDS)])
