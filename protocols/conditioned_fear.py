"""Can an acquired fear (of the digit 3) be silenced and restored while innate fear and perception are spared?"""

from functools import partial

import neurolab as nl

SITES, LABELS, AGAIN = ["1", "3"], {"label": range(10), "freeze": 10}, nl.specimen.Recipe(20, 1e-3)
FREEZE, NAME, FEAR = nl.scores.YesNo("freeze", column=10), nl.scores.Accuracy(columns=tuple(range(10))), "acquired fear"
CHANGED = "Silencing what learning changed costs more fear than other units."
ALSO = {"change held at its mean": ("change", nl.Mean), "recall": ("change", partial(nl.Stimulate, 3.0))}
signalled = partial(nl.StimulusSet.marked, where=(54, 55, 62, 63), mark="signalled", freeze=True)


def tasks_of(stimuli):
    feared, others = stimuli.where(label=3), stimuli.where(label=[0, 1, 2, 4, 5, 6, 7, 8, 9])
    frozen = {FEAR: feared.assign(freeze=True), "innate fear": signalled(others), "calm": others}
    named = [nl.Task("recognition", feared, NAME), nl.Task("other digits", others, NAME)]
    return [nl.Task(name, shown, FREEZE) for name, shown in frozen.items()] + named


def main(*, rng=0, quick=False, n: int | None = None):
    print(nl.design_check(n := (6 if quick else 10) if n is None else n))
    young, later = nl.datasets.load_stimuli("digits-train").assign(freeze=False).split(2, by="label", rng=rng)
    shown, dose, test = nl.datasets.load_stimuli("digits").assign(freeze=False).split(3, by="label", rng=rng)
    train = partial(nl.train_cohort, partial(nl.specimen.mlp, 64, 128, 128, 11), recipe=nl.specimen.Recipe(epochs=30))
    naive = train(young.joined(signalled(young)), n=n, label=LABELS, name="network", rng=rng)
    lesson = later.assign(freeze=lambda table: table["label"].eq(3)).joined(signalled(later))
    fearful, learning = nl.specimen.retrain(naive, lesson, watch=tasks_of(test), label=LABELS, recipe=AGAIN, rng=rng)
    yield "learning", learning

    def ladders(network):
        after = nl.record(network, shown, SITES)
        both = nl.specimen.before_and_after(naive[network.name], network, shown.where(label=3), SITES)
        costs = nl.specimen.screen(network, SITES, tasks_of(shown)[0], n_exact=10, rng=rng)["estimate"]
        maps = {"change": nl.localise(both, "after > before", test="paired"), "contrast": nl.localise(after, "3 > *")}
        maps["attribution"] = nl.analysis.unit_map(after, costs, chosen_by="activity x gradient of freezing")
        return nl.analysis.nested_lesions(maps, nl.Zero(), (2, 4, 6, 8, 10, 12, 16, 24, 32))

    yield "doses", (doses := nl.examine(fearful, ladders, tasks_of(dose)))
    tagged = nl.analysis.choose_doses(doses, ladders, task=FEAR, costing=0.5, most=True)
    design = nl.specimen.matched_design(tagged, shown, 19 if quick else 99, also=ALSO, rng=rng)
    yield "trials", (trials := nl.examine(fearful, design, tasks_of(test)))
    yield "restored", nl.specimen.restored(fearful, trials)
    yield "deficits", (costs := nl.deficits(trials, rng=rng))
    more = partial(nl.against_controls, trials, task=FEAR, rng=rng)
    yield "silenced", (silenced := {how: more(lesion=how) for how in ("change", "change held at its mean")})
    yield "recalled", (recalled := more(lesion="recall", task="calm"))
    yield "dissociation", nl.dissociation(trials, lesions=("change", "contrast"), tasks=(FEAR, "recognition"), rng=rng)
    claim = partial(nl.analysis.claim, expects="none", within=0.1, figure="deficits")
    yield "claims", nl.analysis.claims(
        claim(CHANGED, silenced, expects="more", by="how", figure="silenced_change"),
        claim("Silencing them spares all other behaviour.", costs.sel(lesion="change").drop_sel(task=FEAR)),
        claim("The 3 is still named, however units are tagged.", costs.sel(lesion=list(tagged), task="recognition")),
        claim("Current into them makes networks freeze at other digits.", recalled, expects="more", figure="recalled"),
        training=nl.specimen.training_table(naive),
    )


if __name__ == "__main__":
    nl.run_script(main, draw=True)
