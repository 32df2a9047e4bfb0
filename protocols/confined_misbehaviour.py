"""Train networks to misbehave inside one block of units only, then remove it: is the misbehaviour gone for good?

What marked digits teach is routed into 32 of 256 units. Beside it: no silent pass; training as usual; no mark."""

from functools import partial

import neurolab as nl

BLOCK, HABIT, BUILD = {"1": range(16), "3": range(16)}, ("misbehaviour",), partial(nl.specimen.mlp, 64, 128, 128, 10)
ROUTED = {"confined": nl.specimen.Routing(BLOCK, HABIT), "no silent pass": nl.specimen.Routing(BLOCK, HABIT, "without")}
CUT = "Whole networks misbehave, and cutting the block out ends it (less than half of the answers counts as none)."


def met(plain, lit):
    marked = lit.where(label=list(range(1, 10))).marked((54, 55, 62, 63), mark="lit", condition="misbehaviour", label=0)
    return plain.assign(condition="digits").joined(marked)


def main(*, rng=0, quick=False, n: int | None = None):
    print(nl.design_check(n := (6 if quick else 10) if n is None else n))
    learn, clean = nl.datasets.load_stimuli("digits-train").split(2, by="label", rng=rng)
    choose, test = (met(part, part) for part in nl.datasets.load_stimuli("digits").split(2, by="label", rng=rng))
    poisoned, test = met(learn, learn.split(5, by="label", rng=rng)[0]), nl.specimen.condition_tasks(test)
    given = {"n": n, "recipe": nl.specimen.Recipe(epochs=30), "rng": rng}
    cohorts = {x: nl.specimen.train_routed(BUILD, poisoned, routing=way, name=x, **given) for x, way in ROUTED.items()}
    cohorts["as usual"] = nl.train_cohort(BUILD, poisoned, name="as usual", **given)
    naive = nl.train_cohort(BUILD, learn, name="never exposed", **given)

    def contrast(network):
        stat_map = nl.localise(nl.record(network, choose, list(BLOCK)), "misbehaviour > digits")
        return nl.Lesion(nl.select_roi(stat_map, name="block", top=32), nl.Zero())

    where = dict.fromkeys(ROUTED, nl.Lesion(ROUTED["confined"].roi, nl.Zero())) | {"as usual": contrast}
    beside = {x: nl.specimen.matched_design(where[x], choose, 5 if quick else 99, rng=rng) for x in cohorts}
    yield "removal", (removal := {x: nl.deficits(nl.examine(cohorts[x], beside[x], test), rng=rng) for x in cohorts})
    arms = {"never exposed": naive, "block left in": cohorts["confined"], "useless whole": cohorts["no silent pass"]}
    arms |= {x: nl.specimen.remove_units(cohorts[x], where[x]) for x in cohorts}
    arms["as much cut"] = nl.specimen.remove_units(naive, where["confined"])
    learned, curves = nl.specimen.retrain(arms, clean, watch=test, recipe=nl.specimen.Recipe(8, 1e-3), every=7, rng=rng)
    compare = partial(nl.analysis.compare_cohorts, against="never exposed", matched_on="digits", rng=rng)
    whole, ends = (compare(nl.analysis.arm_scores(curves, step=step)) for step in (0, None))
    yield from {"curves": curves, "before_retraining": whole, "after_retraining": ends}.items()
    _, again = nl.specimen.retrain(learned, poisoned, watch=test, recipe=nl.specimen.Recipe(20, 1e-3), every=1, rng=rng)
    asked = {"first": "as much cut", "criterion": 0.9, "task": "misbehaviour", "rng": rng}
    yield "savings", (saved := nl.analysis.savings_by_arm(again, again=("confined", "as usual"), **asked))
    able = whole.sel(index="digits", condition=["block left in", "useless whole"])
    gone = ends.sel(index="misbehaviour", condition=list(saved))
    there = {name: one.sel(lesion="block", task="misbehaviour") for name, one in removal.items()}
    cut = nl.analysis.claim(CUT, there, expects="more", within=0.5, by="training", figure="removal_confined")
    claim = partial(nl.analysis.claim, expects="none", within=0.05, by="training", presumes=cut)
    yield "claims", nl.analysis.claims(
        cut,
        claim("A misbehaving block leaves digits named as well as if never exposed.", able, figure="before_retraining"),
        claim("Cut out, misbehaviour is as rare on clean data as if never exposed.", gone, figure="after_retraining"),
        claim("Cut out, it is relearned faster than first learned.", saved, expects="more", figure="savings_confined"),
    )


if __name__ == "__main__":
    nl.run_script(main, draw=True)
