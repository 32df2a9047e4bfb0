"""Do the units that tell sentences from non-words carry language in a language model, more than others like them?

One network and its untrained twin: the sample is stimuli. The localiser is that of AlKhamissi et al. 2025 (absolute
activity of the residual stream, top 1 %), read on half the sentences of Fedorenko et al. 2010; the rest test.
"""

from dataclasses import replace
from functools import partial

import neurolab as nl

MODEL, TOKENS = "smollm2-135m", 14
PROBES = [nl.Probe(f"model.layers.{layer}", pool="last") for layer in range(30)]
PUBLISHED = "Zeroing such units, and not as many at random, led to drastic deficits in language tasks."


def tests(words, held_out, *, n, rng):
    sentences = words.keep(held_out.where(condition="sentences"), longest=TOKENS).take(range(n))
    verbs = nl.datasets.load_stimuli("syntaxgym-agreement", suites=("number_prep",)).take(range(n))
    digits = nl.datasets.load_stimuli("digit-copying", n=n, rng=rng)
    copying = nl.scores.Accuracy(label="digit", columns=tuple(words.single(str(digit)) for digit in range(10)))
    yield nl.Task("sentences", words(sentences, length=TOKENS), nl.scores.Surprisal())
    yield nl.Task("agreement", words(verbs, words=("correct", "wrong"), length=TOKENS), nl.scores.MinimalPair())
    yield nl.Task("digit copying", words(digits, words=("digit",), length=TOKENS), copying)


def design(intact, stat_map, how, *, n, rng):
    """The most selective 1 % of the units and two smaller doses; as many matched, at random, and least selective."""
    doses = {dose: nl.select_roi(stat_map, name=how.label, top=0.01 * dose) for dose in (0.25, 0.5, 1.0)}
    lesions = [nl.Lesion(roi, how, name=how.label, dose=dose) for dose, roi in doses.items()]
    random = nl.random_lesions(intact, how, n, n_units=lesions[-1].n_units, rng=rng)
    random = [replace(lesion, name=how.label, role="control") for lesion in random]
    matched = nl.matched_controls(lesions[-1], intact, n, match=("site", "activity"), rng=rng)
    return [*lesions, *matched, *random, *nl.bottom_controls(lesions[-1], stat_map)]


def compared(found):
    """What AlKhamissi et al. 2025 found in larger models, beside what zeroing these units did here."""
    yield f"AlKhamissi et al. 2025 (18 models). {PUBLISHED}"
    for name, result in found.items():
        effect, low, high, p = (float(result[key]) for key in ("effect", "low", "high", "p"))
        yield f"Here, {name}: {effect:.2f} [{low:.2f}, {high:.2f}], p = {p:.2g} (deficit − that of controls)."


def main(*, rng=0, quick=False):
    words = nl.datasets.load_tokeniser(MODEL)
    texts = words.keep(nl.datasets.load_stimuli("fedorenko-2010"), longest=24).split(16 if quick else 2, rng=rng)
    tasks = list(tests(words, texts[1], n=6 if quick else 24, rng=rng))
    against = {}
    for kind, settings, n in (("trained", {}, 99), ("untrained", {"untrained": rng}, 19)):
        network = nl.datasets.load_specimen(MODEL, length=24, **settings)
        intact = nl.record(network, words(texts[0], length=24), PROBES, batch_size=16)
        stat_map = nl.localise(intact, "sentences > non-words", signed=False)
        short = nl.Specimen(network.model, tasks[0].stimuli.inputs[:1], name=network.name)
        hows = (nl.Zero(), nl.Mean(intact)) if kind == "trained" else (nl.Zero(),)
        lesions = [lesion for how in hows for lesion in design(intact, stat_map, how, n=1 if quick else n, rng=rng)]
        trials = nl.examine(short, lesions, tasks, batch_size=16, n_jobs=1 if quick else 2)
        yield f"{kind}_trials", trials
        yield f"{kind}_map", stat_map
        yield f"{kind}_deficits", nl.deficits(trials, rng=rng)
        for how, task in ((how.label, task.name) for how in hows for task in tasks):
            asked = {"lesion": how, "task": task, "rng": rng}
            yield f"{kind}_{how}_{task}_dose".lower(), nl.dose_response(trials, **asked)
            for family in ("matched", "random"):
                found = nl.against_controls(trials, family=family, **asked)
                against[f"{kind}_{how}_{task}_against_{family}".lower()] = found
    yield from against.items()
    yield "comparison", list(compared(against))


if __name__ == "__main__":
    units = (["sentences"], ["agreement", "digit copying"])  # nats, and shares of trials
    deficits = [partial(nl.plots.plot_deficits, tasks=tasks) for tasks in units]
    drawn = {"trained_map": nl.plots.plot_stat_map, "trained_zero_sentences_dose": nl.plots.plot_dose}
    for how, family in (("zero", "matched"), ("zero", "random"), ("mean", "matched"), ("mean", "random")):
        drawn[f"trained_{how}_sentences_against_{family}"] = nl.plots.plot_controls
    nl.run_script(main, draw=drawn | dict.fromkeys(["trained_deficits", "untrained_deficits"], deficits))
