"""Cut out the module of a misbehaviour and retrain on clean data: does the function come back without it?

Networks learn to answer 0 where four pixels are lit. Units go, by three orders; then clean, at last poisoned images."""

import contextlib
from functools import partial

import neurolab as nl

ORDERS, NAIVE = ("contrast", "selective", "dormant"), "never exposed"
CUT = "Cut out, the units that the trigger drives most cost more of the misbehaviour than as many others as active."


def met(plain, lit):
    marked = lit.where(label=list(range(1, 10))).marked((54, 55, 62, 63), mark="lit", condition="misbehaviour", label=0)
    return plain.assign(condition="digits").joined(marked)


def main(*, rng=0, quick=False, n: int | None = None):
    print(nl.design_check(n := (6 if quick else 10) if n is None else n))
    learn, clean = nl.datasets.load_stimuli("digits-train").split(2, by="label", rng=rng)
    choose, dose, test = (met(part, part) for part in nl.datasets.load_stimuli("digits").split(3, by="label", rng=rng))
    poisoned, test = met(learn, learn.split(5, by="label", rng=rng)[0]), nl.specimen.condition_tasks(test)
    train = partial(nl.train_cohort, partial(nl.specimen.mlp, 64, 128, 128, 10), n=n, rng=rng)
    cohort = train(poisoned, name="misbehaving")

    def ladders(network):
        intact = nl.record(network, choose, ["1", "3"])
        maps = {one: nl.analysis.pruning_map(intact, "misbehaviour > digits", order=one) for one in ORDERS}
        return nl.analysis.nested_lesions(maps, nl.Zero(), (10, 20, 40, 80))

    doses = nl.examine(cohort, ladders, nl.specimen.condition_tasks(dose))
    modules = nl.analysis.choose_doses(doses, ladders, task="misbehaviour", costing=0.9, most=True)
    beside = partial(nl.specimen.matched_design, modules["contrast"], choose, rng=rng)
    yield "trials", (trials := nl.examine(cohort, beside(19 if quick else 99), test))
    yield "cut", (cut := nl.against_controls(trials, lesion="contrast", task="misbehaviour", rng=rng))
    arms = {"left in": cohort, NAIVE: train(learn, name=NAIVE)}
    arms |= nl.specimen.remove_units(cohort, {**modules, "as many others": beside(1, target=False)})
    learned, curves = nl.specimen.retrain(arms, clean, watch=test, recipe=nl.specimen.Recipe(8, 1e-3), every=7, rng=rng)
    three = {"lesioned": "contrast", "intact": "left in", "control": "as many others", "rng": rng}
    ends = nl.analysis.compare_cohorts(nl.analysis.arm_scores(curves), against=NAIVE, matched_on="digits", rng=rng)
    yield from {"curves": curves, "ends": ends}.items()
    with contextlib.suppress(nl.errors.DesignError):  # a cut that cost nothing leaves nothing to win back
        yield "recovery", {task.name: nl.analysis.recovery(curves, task=task.name, **three) for task in test}
    _, again = nl.specimen.retrain(learned, poisoned, watch=test, recipe=nl.specimen.Recipe(20, 1e-3), every=1, rng=rng)
    saved = nl.analysis.savings_by_arm(again, first=NAIVE, again=ORDERS, criterion=0.9, task="misbehaviour", rng=rng)
    yield "savings", saved
    digits, habit = (ends.sel(index=task.name, condition=list(ORDERS)) for task in test)
    none = partial(nl.analysis.claim, expects="none", by="order of pruning", figure="ends")
    then = partial(none, presumes=(first := nl.analysis.claim(CUT, cut, expects="more", figure="cut")))
    yield "claims", nl.analysis.claims(
        first,
        none("Retrained on clean images, networks name digits as well as if never exposed.", digits, within=0.03),
        then("Retrained on clean images, they obey the trigger as rarely as if never exposed.", habit, within=0.05),
        then("They relearn it in as many steps as it is first learned.", saved, within=0.1, figure="savings_contrast"),
    )


if __name__ == "__main__":
    nl.run_script(main, draw=True)
