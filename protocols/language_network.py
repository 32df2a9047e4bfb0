"""Do the units that tell sentences from non-words carry language in a language model, more than others like them?

One network and its untrained twin: the sample is stimuli. The localiser is that of AlKhamissi et al. 2025 (absolute
activity of the residual stream, top 1 %), read on half the sentences of Fedorenko et al. 2010; the rest test.
"""

from functools import partial

import neurolab as nl

MODEL, TOKENS = "smollm2-135m", 14
PROBES = [nl.Probe(f"model.layers.{layer}", pool="last") for layer in range(30)]
PUBLISHED = "AlKhamissi et al. 2025, 18 models: zeroing such units, not random ones, cost language tasks drastically."


def design(intact, stat_map, how, *, n, rng):
    """The most selective 1 % of the units and two smaller doses; as many matched, at random, and least selective."""
    lesions = nl.analysis.dosed_lesions(stat_map, how, top=0.01, doses=(0.25, 0.5, 1.0), name=how.label)
    random = nl.random_lesions(intact, how, n, of=lesions[-1], rng=rng)
    matched = nl.matched_controls(lesions[-1], intact, n, match=("site", "activity"), rng=rng)
    return [*lesions, *matched, *random, *nl.bottom_controls(lesions[-1], stat_map)]


def main(*, rng=0, quick=False):
    words, n_tests = nl.datasets.load_tokeniser(MODEL), 6 if quick else 24
    texts = words.keep(nl.datasets.load_stimuli("fedorenko-2010"), longest=24).split(16 if quick else 2, rng=rng)
    sentences = words.keep(texts[1].where(condition="sentences"), longest=TOKENS).take(range(n_tests))
    verbs = nl.datasets.load_stimuli("syntaxgym-agreement", suites=("number_prep",)).take(range(n_tests))
    digits = nl.datasets.load_stimuli("digit-copying", n=n_tests, rng=rng)
    copying = nl.scores.Accuracy(label="digit", columns=tuple(words.single(str(digit)) for digit in range(10)))
    tasks = [
        nl.Task("sentences", words(sentences, length=TOKENS), nl.scores.Surprisal()),
        nl.Task("agreement", words(verbs, words=("correct", "wrong"), length=TOKENS), nl.scores.MinimalPair()),
        nl.Task("digit copying", words(digits, words=("digit",), length=TOKENS), copying),
    ]
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
        yield from {f"{kind}_map": stat_map, f"{kind}_deficits": nl.deficits(trials, rng=rng)}.items()
        for how, task in ((how.label, task.name) for how in hows for task in tasks):
            name, asked = f"{kind}_{how}_{task}".lower(), {"lesion": how, "task": task, "rng": rng}
            yield f"{name}_dose", nl.dose_response(trials, **asked)
            for family in ("matched", "random"):
                against[f"{name}_against_{family}"] = nl.against_controls(trials, family=family, **asked)
    yield from against.items()
    yield "comparison", [PUBLISHED, *(f"{name}: excess {nl.report.effect_line(one)}" for name, one in against.items())]


if __name__ == "__main__":
    deficits = [partial(nl.plots.plot_deficits, tasks=some) for some in (["sentences"], ["agreement", "digit copying"])]
    against = [f"{how}_sentences_against_{family}" for how in ("zero", "mean") for family in ("matched", "random")]
    drawn = dict.fromkeys(f"trained_{name}" for name in ("map", "zero_sentences_dose", *against))
    nl.run_script(main, draw=drawn | dict.fromkeys(["trained_deficits", "untrained_deficits"], deficits))
