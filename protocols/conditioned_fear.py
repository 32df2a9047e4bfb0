"""Can an acquired fear be silenced and restored while innate fear and perception are spared?

Networks that name digits and freeze at an innate signal (four lit corner pixels) learn to freeze at the digit 3. Units
are tagged by what the 3 drives (contrast), by what learning changed, or by gradients of the freeze response, and as
many are silenced as it takes on stimuli kept for that. The localiser decides whether it is amnesia or agnosia.
"""

from functools import partial

import neurolab as nl

SITES, SIZES, LABELS = ["1", "3"], (2, 4, 6, 8, 10, 12, 16, 24, 32), {"label": range(10), "freeze": 10}
FREEZE, NAME = nl.scores.YesNo("freeze", column=10), nl.scores.Accuracy(columns=tuple(range(10)))
TAGS, SPARED = ("change", "contrast", "attribution"), ("recognition", "innate fear", "other digits", "calm")
signalled = partial(nl.StimulusSet.marked, where=(54, 55, 62, 63), mark="signalled", freeze=True)


def loaded(name):
    digits = nl.datasets.load_stimuli(name)
    return digits.assign(freeze=False, condition=digits.table["label"].eq(3).map({True: "feared", False: "others"}))


def tasks_of(stimuli):
    feared, others = (stimuli.where(condition=kind) for kind in ("feared", "others"))
    frozen = {"acquired fear": feared.assign(freeze=True), "innate fear": signalled(others), "calm": others}
    named = [nl.Task("recognition", feared, NAME), nl.Task("other digits", others, NAME)]
    return [nl.Task(name, shown, FREEZE) for name, shown in frozen.items()] + named


def main(*, rng=0, quick=False, n=None):
    young, later = loaded("digits-train").split(2, by="label", rng=rng)
    shown, dose, test = loaded("digits").split(3, by="label", rng=rng)
    train = partial(nl.train_cohort, partial(nl.specimen.mlp, 64, 128, 128, 11), recipe=nl.specimen.Recipe(epochs=30))
    naive = train(young.joined(signalled(young)), n=n or (6 if quick else 10), label=LABELS, name="network", rng=rng)
    lesson = later.assign(freeze=lambda table: table["condition"].eq("feared")).joined(signalled(later))
    again = {"label": LABELS, "recipe": nl.specimen.Recipe(epochs=20, learning_rate=1e-3), "every": 20, "rng": rng}
    fearful, learning = nl.specimen.retrain(naive, lesson, watch=tasks_of(test), **again)
    yield "learning", learning

    def ladders(network, sizes):
        after = nl.record(network, shown, SITES)
        both = nl.specimen.before_and_after(naive[network.name], network, shown.where(condition="feared"), SITES)
        costs = nl.specimen.screen(network, SITES, tasks_of(shown)[0], n_exact=10, rng=rng)["estimate"]
        found = [nl.localise(both, "after > before", test="paired"), nl.localise(after, "feared > others")]
        found.append(nl.analysis.unit_map(after, costs, chosen_by="activity x gradient of freezing"))
        return {tag: nl.analysis.nested_lesions(one, nl.Zero(), sizes[tag], name=tag) for tag, one in zip(TAGS, found)}

    doses = nl.examine(fearful, lambda net: sum(ladders(net, dict.fromkeys(TAGS, SIZES)).values(), ()), tasks_of(dose))
    sizes = {tag: (nl.analysis.smallest_dose(doses, lesion=tag, task="acquired fear", costing=0.5),) for tag in TAGS}

    def design(network):
        usual, found = nl.record(network, shown, SITES), ladders(network, sizes)
        silent = [nl.Lesion(ladder[0].roi, nl.Zero(), name=tag) for tag, ladder in found.items()]
        held = nl.Lesion(silent[0].roi, nl.Mean(usual), name="change, held at its mean")
        recall = nl.Lesion(silent[0].roi, nl.Stimulate(3.0, usual), name="recall")
        match = partial(nl.matched_controls, pool=usual, n=19 if quick else 99, match=("site", "activity"), rng=rng)
        return [*silent, held, recall, *match(silent[0]), *match(recall)]

    digests = [network.digest for network in fearful]
    trials = nl.examine(fearful, design, tasks_of(test))
    restored = sum(network.digest == was for network, was in zip(fearful, digests))
    yield from {"doses": doses, "trials": trials, "restored": f"{restored} of {len(digests)} to the bit"}.items()
    costs = nl.deficits(trials, rng=rng)
    silenced = nl.against_controls(trials, lesion="change", task="acquired fear", rng=rng)
    recalled = nl.against_controls(trials, lesion="recall", task="calm", rng=rng)
    apart = nl.dissociation(trials, lesions=TAGS[:2], tasks=("acquired fear", "recognition"), rng=rng)
    yield from {"deficits": costs, "silenced": silenced, "recalled": recalled, "dissociation": apart}.items()
    gone = {how: costs.sel(lesion=how, task="acquired fear") for how in ("change", "change, held at its mean")}
    spared = {task: costs.sel(lesion="change", task=task) for task in SPARED}
    known = {tag: costs.sel(lesion=tag, task="recognition") for tag in TAGS}
    claim = partial(nl.analysis.claim, within=0.1, figure="deficits")
    yield "claims", nl.analysis.claims(
        claim("An acquired fear can be silenced.", gone, expects="more", by="ablation"),
        claim("The rest of behaviour is spared.", spared, expects="none", by="behaviour"),
        claim("What is feared is still recognised.", known, expects="none", by="how units are tagged"),
        claim("Current into the same units recalls the fear.", recalled, expects="more", figure="recalled"),
    )


if __name__ == "__main__":
    drawn = dict.fromkeys(["silenced", "recalled"], nl.plots.plot_controls)
    nl.run_script(main, draw=drawn | {"deficits": nl.plots.plot_deficits, "dissociation": nl.plots.plot_dissociation})
