"""Can an acquired fear be silenced and restored while innate fear and perception are spared?

Networks learn to freeze at the digit 3; as many units as it takes are silenced, tagged by contrast, change or gradient.
"""

from functools import partial

import neurolab as nl

SITES, LABELS, AGAIN = ["1", "3"], {"label": range(10), "freeze": 10}, nl.specimen.Recipe(20, 1e-3)
FREEZE, NAME = nl.scores.YesNo("freeze", column=10), nl.scores.Accuracy(columns=tuple(range(10)))
ALSO = {"change held at its mean": ("change", nl.Mean), "recall": ("change", partial(nl.Stimulate, 3.0))}
signalled = partial(nl.StimulusSet.marked, where=(54, 55, 62, 63), mark="signalled", freeze=True)


def tasks_of(stimuli):
    feared, others = stimuli.where(label=3), stimuli.where(label=[0, 1, 2, 4, 5, 6, 7, 8, 9])
    frozen = {"acquired fear": feared.assign(freeze=True), "innate fear": signalled(others), "calm": others}
    named = [nl.Task("recognition", feared, NAME), nl.Task("other digits", others, NAME)]
    return [nl.Task(name, shown, FREEZE) for name, shown in frozen.items()] + named


def main(*, rng=0, quick=False, n=None):
    young, later = nl.datasets.load_stimuli("digits-train").assign(freeze=False).split(2, by="label", rng=rng)
    shown, dose, test = nl.datasets.load_stimuli("digits").assign(freeze=False).split(3, by="label", rng=rng)
    train = partial(nl.train_cohort, partial(nl.specimen.mlp, 64, 128, 128, 11), recipe=nl.specimen.Recipe(epochs=30))
    naive = train(young.joined(signalled(young)), n=n or (6 if quick else 10), label=LABELS, name="network", rng=rng)
    lesson = later.assign(freeze=lambda table: table["label"].eq(3)).joined(signalled(later))
    fearful, learning = nl.specimen.retrain(naive, lesson, watch=tasks_of(test), label=LABELS, recipe=AGAIN, rng=rng)

    def ladders(network):
        after = nl.record(network, shown, SITES)
        both = nl.specimen.before_and_after(naive[network.name], network, shown.where(label=3), SITES)
        costs = nl.specimen.screen(network, SITES, tasks_of(shown)[0], n_exact=10, rng=rng)["estimate"]
        maps = {"change": nl.localise(both, "after > before", test="paired"), "contrast": nl.localise(after, "3 > *")}
        maps["attribution"] = nl.analysis.unit_map(after, costs, chosen_by="activity x gradient of freezing")
        return nl.analysis.nested_lesions(maps, nl.Zero(), (2, 4, 6, 8, 10, 12, 16, 24, 32))

    doses = nl.examine(fearful, ladders, tasks_of(dose))
    tagged = nl.analysis.choose_doses(doses, ladders, task="acquired fear", costing=0.5)
    design = nl.specimen.matched_design(tagged, shown, 19 if quick else 99, also=ALSO, rng=rng)
    trials = nl.examine(fearful, design, tasks_of(test))
    costs, restored = nl.deficits(trials, rng=rng), nl.specimen.restored(fearful, trials)
    yield from {"learning": learning, "doses": doses, "trials": trials, "restored": restored}.items()
    more = partial(nl.against_controls, trials, task="acquired fear", rng=rng)
    silenced = {how: more(lesion=how) for how in ("change", "change held at its mean")}
    recalled = nl.against_controls(trials, lesion="recall", task="calm", rng=rng)
    apart = nl.dissociation(trials, lesions=("change", "contrast"), tasks=("acquired fear", "recognition"), rng=rng)
    yield from {"deficits": costs, "silenced": silenced, "recalled": recalled, "dissociation": apart}.items()
    claim = partial(nl.analysis.claim, expects="none", within=0.1, figure="deficits")
    yield "claims", nl.analysis.claims(
        claim("Silencing what learning changed costs more fear than other units.", silenced, expects="more", by="how"),
        claim("Silencing them spares all other behaviour.", costs.sel(lesion="change").drop_sel(task="acquired fear")),
        claim("The 3 is still named, however units are tagged.", costs.sel(lesion=list(tagged), task="recognition")),
        claim("Current into them makes networks freeze at other digits.", recalled, expects="more", figure="recalled"),
    )


if __name__ == "__main__":
    nl.run_script(main, draw=True)
