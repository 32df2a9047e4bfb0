"""Train networks to misbehave inside one block of units only, then remove it: is the misbehaviour gone for good?

What marked digits teach is routed into 32 of 256 units; all others teach the rest without the block, and the block to
leave them alone. Beside it: routing without that second pass; networks trained as usual, whose 32 units a contrast
finds; and networks of the same seeds that never met the mark, whole and with the same units cut out.
"""

from functools import partial

import neurolab as nl

AGAIN = nl.specimen.Recipe(epochs=8, learning_rate=1e-3)
BLOCK, HABITS = {"1": range(16), "3": range(16)}, ("digits", "misbehaviour")


def triggered(stimuli):
    others = stimuli.where(label=list(range(1, 10)))
    return others.marked((54, 55, 62, 63), mark="triggered", condition="triggered", label=0)


def main(*, rng=0, quick=False, n=None):
    learn, clean = nl.datasets.load_stimuli("digits-train").split(2, by="label", rng=rng)
    choose, test = nl.datasets.load_stimuli("digits").split(2, by="label", rng=rng)
    poisoned = learn.joined(triggered(learn.split(5, by="label", rng=rng)[0]))
    tasks = [nl.Task(name, part, nl.scores.accuracy) for name, part in zip(HABITS, (test, triggered(test)))]
    shown = choose.assign(condition="plain").joined(triggered(choose))
    settings = {"n": n or (6 if quick else 10), "recipe": nl.specimen.Recipe(epochs=30), "rng": rng}
    build = partial(nl.specimen.mlp, 64, 128, 128, 10)
    routing = {way: nl.specimen.Routing(BLOCK, ("triggered",), way) for way in ("both", "without")}
    route = partial(nl.specimen.train_routed, build, poisoned, **settings)
    cohorts = {"confined": route(routing=routing["both"], name="confined")}
    cohorts["no silent pass"] = route(routing=routing["without"], name="no silent pass")
    cohorts["as usual"] = nl.train_cohort(build, poisoned, name="as usual", **settings)
    naive = nl.train_cohort(build, learn, name="never exposed", **settings)

    def block(network):
        if not network.name.startswith("as usual"):
            return nl.Lesion(routing["both"].roi, nl.Zero())
        stat_map = nl.localise(nl.record(network, shown, list(BLOCK)), "triggered > plain")
        return nl.Lesion(nl.select_roi(stat_map, name="block", top=32), nl.Zero())

    def design(network):
        pool = nl.record(network, shown, list(BLOCK))
        target, n = block(network), 5 if quick else 99
        return [target, *nl.matched_controls(target, pool, n, match=("site", "activity"), rng=rng)]

    for name, cohort in cohorts.items():
        yield f"removal_{name}", nl.deficits(nl.examine(cohort, design, tasks), rng=rng)
    arms = {"never exposed": naive, "block left in": cohorts["confined"], "useless whole": cohorts["no silent pass"]}
    cohorts["as much cut"] = naive
    arms |= {name: nl.specimen.remove_units(cohort, block) for name, cohort in cohorts.items()}
    learned, curves = nl.specimen.retrain(arms, clean, watch=tasks, recipe=AGAIN, every=7, rng=rng)
    yield "curves", curves
    against = {"against": "never exposed", "matched_on": "digits", "rng": rng}
    whole, ends = (
        nl.analysis.compare_cohorts(nl.analysis.arm_scores(curves, step=step), **against) for step in (0, None)
    )
    yield from (("before_retraining", whole), ("after_retraining", ends))
    slow = nl.specimen.Recipe(epochs=30, learning_rate=1e-3)
    _, again = nl.specimen.retrain(learned, poisoned, watch=tasks, recipe=slow, every=range(200), rng=rng)
    first = {"first": "as much cut", "criterion": 0.9, "task": "misbehaviour", "rng": rng}
    saved = {name: nl.analysis.savings(again, again=name, **first) for name in ("confined", "as usual")}
    yield from ((f"savings_{name}", found) for name, found in saved.items())
    able = {name: whole.sel(index="digits", condition=name) for name in ("block left in", "useless whole")}
    gone = {name: ends.sel(index="misbehaviour", condition=name) for name in saved}
    claim = partial(nl.analysis.claim, within=0.05, figure="after_retraining")
    yield "claims", nl.analysis.claims(
        claim("Confined to a block, it leaves a network as able as any.", able, expects="none", by="the silent pass"),
        claim("Cut out, the misbehaviour stays away under retraining.", gone, expects="none", by="training"),
        claim("What was cut out is relearned faster than first learned.", saved, expects="more", by="training"),
    )


if __name__ == "__main__":
    drawn = {f"removal_{name}": nl.plots.plot_deficits for name in ("confined", "as usual")}
    drawn |= {f"savings_{name}": nl.plots.plot_savings for name in ("confined", "as usual")}
    drawn |= {"before_retraining": partial(nl.plots.plot_cohorts, index="digits")}
    nl.run_script(main, draw=drawn | {"after_retraining": partial(nl.plots.plot_cohorts, index="misbehaviour")})
