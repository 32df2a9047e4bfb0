"""How few units, at what current, take over what a network chooses, and what training makes it resist?

Current goes into a digit's units while others are shown: how many, at what current, have it chosen half of the time?
"""

from functools import partial

import neurolab as nl

SIZES, CURRENTS, CHOICE = (4, 8, 16, 32, 64), (0.5, 1, 2, 3, 4, 6, 8), "own choice"
MANY, MATCHED = "More than one of the sets of 32 takes over half of the choices.", "training accuracy"
LADDERS, SETS = {"units": "units at 3 sd", "current": "16 units"}, [f"set {at}" for at in (1, 2, 3, 4)]
KINDS = {"control": {}, "dropout": {"dropout": 0.3}, "weight noise": {"weight_noise": 0.2}}
KINDS["pruned"] = {"prune": nl.specimen.Prune(to=0.8, start=10, stop=25)}


def main(*, rng=0, quick=False, n: int | None = None):
    n_controls, targets = (9, (0, 1)) if quick else (99, (0, 1, 2, 3))
    print(nl.design_check(n := (6 if quick else 10) if n is None else n, n_controls=n_controls))
    learn, digits = nl.datasets.load_stimuli("digits-train"), nl.datasets.load_stimuli("digits")
    build, (choose, test) = partial(nl.specimen.mlp, 64, 128, 128, 10), digits.split(2, rng=rng)

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
        cohort = nl.train_cohort(build, learn, n=n, recipe=nl.specimen.Recipe(30, **disturbed), name=kind, rng=rng)
        trials[kind] = nl.specimen.takeover(cohort, design, test, targets=targets)
        pushed, parts = nl.deficits(trials[kind], rng=rng), []
        yield from {f"trials_{kind}": trials[kind], f"pushed_{kind}": pushed}.items()
        for what, ladder in LADDERS.items():
            found = nl.analysis.robustness(trials[kind], noise=ladder, task=CHOICE, chance=0.0, rng=rng)
            yield f"{what}_{kind}", found
            parts.append(nl.analysis.indices_of(found.sel(condition="intact"), "ed50", names=[what]))
        taken = (pushed.deficit.sel(lesion=SETS, task=CHOICE, drop=True) >= 0.5).sum("lesion").rename("sets")
        profiles[kind] = nl.analysis.profile([*parts, taken], training=nl.specimen.training_table(cohort))
    yield "few_units", (few := nl.against_controls(trials["control"], lesion="set 1", task=CHOICE, rng=rng))
    yield "kinds", (vs := nl.analysis.compare_cohorts(profiles, against="control", matched_on=MATCHED, rng=rng))
    yield "centres", (centres := nl.analysis.index_mean(profiles, index="sets", popmean=1.0, rng=rng))
    noisy, pruned = (vs.sel(index="units", condition=some) for some in (["dropout", "weight noise"], "pruned"))
    claim = partial(nl.analysis.claim, expects="more", by="noise", figure="kinds")
    yield "claims", nl.analysis.claims(
        claim("Current into a digit's units has it chosen more than into units as active.", few, figure="few_units"),
        claim("Noise in training raises the number of units that take over half of the choices.", noisy),
        claim("Pruning lowers the number of units that take over half of the choices.", pruned, expects="less"),
        claim(MANY, centres.sel(condition="control"), within=0.5, figure="kinds-cohorts"),
    )


if __name__ == "__main__":
    drawn = {"few_units": None, "kinds": [nl.plots.plot_cohorts, partial(nl.plots.plot_cohorts, index="sets")]}
    nl.run_script(main, draw=drawn | dict.fromkeys(f"units_{kind}" for kind in KINDS))
