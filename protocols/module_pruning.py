"""Cut out the module of a misbehaviour and retrain on clean data: does the function come back without it?

Digit networks learn to answer 0 wherever four corner pixels are lit. Units found by three published orders go for good,
as many as it takes on stimuli kept for that; the rest learns on from clean images, then from the poisoned ones again.
"""

from functools import partial

import neurolab as nl

AGAIN, HABITS = nl.specimen.Recipe(epochs=8, learning_rate=1e-3), ("digits", "misbehaviour")
ORDERS = {"contrast": nl.localise} | {x: partial(nl.analysis.pruning_map, order=x) for x in ("selective", "dormant")}


def triggered(stimuli):
    others = stimuli.where(label=list(range(1, 10)))
    return others.marked((54, 55, 62, 63), mark="triggered", condition="triggered", label=0)


def tasks_of(stimuli):
    return [nl.Task(name, shown, nl.scores.accuracy) for name, shown in zip(HABITS, (stimuli, triggered(stimuli)))]


def main(*, rng=0, quick=False, n=None):
    learn, clean = nl.datasets.load_stimuli("digits-train").split(2, by="label", rng=rng)
    choose, dose, test = nl.datasets.load_stimuli("digits").split(3, by="label", rng=rng)
    poisoned = learn.joined(triggered(learn.split(5, by="label", rng=rng)[0]))
    build = partial(nl.specimen.mlp, 64, 128, 128, 10)
    train = partial(nl.train_cohort, build, n=n or (6 if quick else 10), rng=rng)
    cohort = train(poisoned, name="misbehaving")
    arms = {"left in": cohort, "never exposed": train(learn, name="never exposed")}
    shown = choose.assign(condition="plain").joined(triggered(choose))

    def modules(network, order, sizes=(10, 20, 40, 80)):
        found = ORDERS[order](nl.record(network, shown, ["1", "3"]), "triggered > plain")
        return nl.analysis.nested_lesions(found, nl.Zero(), sizes, name=order)

    def others(network, n):
        pool, (module,) = nl.record(network, shown, ["1", "3"]), modules(network, "contrast", sizes["contrast"])
        return nl.matched_controls(module, pool, n, match=("site", "activity"), rng=rng)

    sizes = {}
    for order in ORDERS:
        found = nl.examine(cohort, partial(modules, order=order), tasks_of(dose))
        size = nl.analysis.smallest_dose(found, lesion=order, task="misbehaviour", costing=0.9, most=True)
        sizes[order] = (size,)
        arms[order] = nl.specimen.remove_units(cohort, partial(modules, order=order, sizes=(size,)))
    arms["as many others"] = nl.specimen.remove_units(cohort, partial(others, n=1))
    n_draws, (size,) = 19 if quick else 99, sizes["contrast"]
    trials = nl.examine(cohort, lambda net: [*modules(net, "contrast", (size,)), *others(net, n_draws)], tasks_of(test))
    yield "trials", trials
    cut = nl.against_controls(trials, lesion=f"contrast {size:g}", task="misbehaviour", rng=rng)
    yield "cut", cut
    learned, curves = nl.specimen.retrain(arms, clean, watch=tasks_of(test), recipe=AGAIN, every=7, rng=rng)
    three = {"lesioned": "contrast", "intact": "left in", "control": "as many others", "rng": rng}
    yield "curves", curves
    yield from ((f"recovery_{task}", nl.analysis.recovery(curves, task=task, **three)) for task in HABITS)
    scores = nl.analysis.arm_scores(curves)
    ends = nl.analysis.compare_cohorts(scores, against="never exposed", matched_on="digits", rng=rng)
    yield "ends", ends
    slow = nl.specimen.Recipe(epochs=30, learning_rate=1e-3)
    _, again = nl.specimen.retrain(learned, poisoned, watch=tasks_of(test), recipe=slow, every=range(200), rng=rng)
    first = {"first": "never exposed", "criterion": 0.9, "task": "misbehaviour", "rng": rng}
    saved = {order: nl.analysis.savings(again, again=order, **first) for order in ORDERS}
    yield from ((f"savings_{order}", found) for order, found in saved.items())
    back, gone = ({order: ends.sel(index=task, condition=order) for order in ORDERS} for task in HABITS)
    none = partial(nl.analysis.claim, expects="none", by="order of pruning")
    yield "claims", nl.analysis.claims(
        nl.analysis.claim("The misbehaviour sits in units that can be cut out.", cut, expects="more", figure="cut"),
        none("Retraining on clean data brings the function back.", back, within=0.03, figure="recovery_digits"),
        none("The misbehaviour stays away under retraining.", gone, within=0.05, figure="ends"),
        none("Nothing of it is left to build on.", saved, within=0.1, figure="savings_contrast"),
    )


if __name__ == "__main__":
    drawn = {"cut": nl.plots.plot_controls, "ends": partial(nl.plots.plot_cohorts, index="misbehaviour")}
    drawn |= {f"recovery_{task}": nl.plots.plot_recovery for task in HABITS}
    nl.run_script(main, draw=drawn | {f"savings_{order}": nl.plots.plot_savings for order in ORDERS})
