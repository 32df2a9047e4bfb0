"""Two tasks in one network: does each have units of its own, and does dropout blur them?

Digits and gratings share every layer. Units are localised by what they prefer (contrast) on one third of the pictures,
by what their loss costs (greedy) on another; the last third tests. The dose, a tenth of the units, was fixed before.
"""

from functools import partial

import neurolab as nl

KINDS = {"digits": tuple(range(10)), "gratings": tuple(range(10, 20))}  # the outputs that compete in each task
HOWS = {"contrast": "what they prefer", "greedy": "what their loss costs", "mean": "what they prefer (at their mean)"}
AREAS = {how: tuple(f"{kind} units, {how}" for kind in KINDS) for how in HOWS}


def main(*, rng=0, quick=False):
    n, n_controls, step = (6, 9, 0.1) if quick else (8, 99, 0.03)
    train = nl.datasets.load_stimuli("digits-and-gratings", part="train")
    choose, cost, test = nl.datasets.load_stimuli("digits-and-gratings").split(3, by="label", rng=rng)
    tasks = [nl.Task(kind, test.where(condition=kind), nl.scores.Accuracy(columns=KINDS[kind])) for kind in KINDS]

    def design(network):
        intact = nl.record(network, choose, ["1", "3"])
        for at, kind in enumerate(KINDS):
            contrast, greedy, mean = (AREAS[how][at] for how in HOWS)
            found = nl.select_roi(nl.localise(intact, f"{kind} > *"), name=contrast, top=0.1)
            graded = nl.Task(kind, cost.where(condition=kind), nl.scores.LogProbability(columns=KINDS[kind]))
            ask = partial(nl.examine, network, tasks=[graded], progress=False)
            costly = nl.analysis.greedy_roi(ask, intact, nl.Zero(), name=greedy, task=kind, top=0.1, step=step)
            yield nl.Lesion(found.renamed(mean), nl.Mean(intact))
            for region in (found, costly):
                yield from nl.analysis.with_controls(nl.Lesion(region, nl.Zero()), intact, n_controls, rng=rng)

    profiles, claims, claim = {}, [], partial(nl.analysis.claim, by="task")
    for condition, dropout in (("control", 0.0), ("dropout", 0.5)):
        recipe, build = nl.specimen.Recipe(epochs=30, dropout=dropout), partial(nl.specimen.mlp, 64, 96, 96, 20)
        cohort = nl.train_cohort(build, train, n=n, recipe=recipe, name=condition, rng=rng)
        trials, parts = nl.examine(cohort, design, tasks), []
        yield f"{condition}_deficits", nl.deficits(trials, rng=rng)
        for how, areas in AREAS.items():
            found = nl.dissociation(trials, lesions=areas, tasks=tuple(KINDS), spared_within=0.1, rng=rng)
            parts.append(nl.analysis.indices_of(found, names=[f"{kind} apart, {how}" for kind in KINDS]))
            sentence = f"Losing units found by {HOWS[how]} costs their task more than losing the other's ({condition})."
            each = {kind: found.isel(claim=at) for at, kind in enumerate(KINDS)}
            yield f"{condition}_{how}", found
            claims.append(claim(sentence, each, expects="more", figure=f"{condition}_{how}"))
        profiles[condition] = nl.analysis.profile(parts, training=nl.specimen.training_table(cohort))
        for kind, how in ((kind, how) for kind in KINDS for how in ("contrast", "greedy")):
            asked = {"lesion": f"{kind} units, {how}", "task": kind, "family": "activity", "rng": rng}
            yield f"{condition}_{kind}_{how}_against_activity", nl.against_controls(trials, **asked)
    compared = nl.analysis.compare_cohorts(profiles, against="control", matched_on="training accuracy", rng=rng)
    yield "dropout_less_control", compared
    sentence = f"With dropout, units found by {HOWS['greedy']} set the tasks apart less."
    apart = compared.sel(condition="dropout", index=list(parts[1]))
    yield "claims", nl.analysis.claims(*claims, claim(sentence, apart, expects="less", figure="dropout_less_control"))


if __name__ == "__main__":
    names = [f"{condition}_{how}" for condition in ("control", "dropout") for how in HOWS]
    nl.run_script(main, draw=[*names, "dropout_less_control"])
