"""Is the most selective unit the most important one?  Planted truth first, then ten trained networks (--quick: six).

Phantoms differ in the gains of their units, and stimuli are noisy; units without outgoing weight cost exactly nothing.
"""

import itertools

import neurolab as nl

TASKS = ("name faces", "name objects")


def phantom_trials(build, region, *, top, n, rng):
    """Lesion what the localiser finds, and the planted region that it misses, in n phantoms of one kind."""
    shown = nl.specimen.phantoms.phantom_stimuli(n_each=24, noise=0.25, rng=rng)
    choose, test = shown.split(2, by="label", rng=rng)

    def patient(seed):
        specimen, _, truth = build(jitter=0.15, rng=seed)
        intact = nl.record(specimen, choose, ["relu"])
        found = nl.select_roi(nl.localise(intact, "faces > objects"), name="most selective", top=top)
        lesions = [nl.Lesion(found, nl.Mean(intact)), nl.Lesion(truth[region], nl.Mean(intact))]
        return nl.examine(specimen, [nl.sham(lesions[0]), *lesions], nl.specimen.phantoms.naming_tasks(test))

    return nl.concat(map(patient, range(n * rng, n * (rng + 1))))


def band_trials(cohort, *, rng):
    """Lesion a quarter of the units at a time, from the most face-selective quarter to the most object-selective."""
    choose, test = nl.datasets.load_stimuli("faces-and-objects").split(2, by="label", rng=rng)

    def patient(specimen):
        intact = nl.record(specimen, choose, ["features.6"])
        stat_map = nl.localise(intact, "faces > objects")
        upto = [nl.select_roi(stat_map, name=f"top {share}", top=share) for share in (0.25, 0.5, 0.75, 1.0)]
        bands = [upto[0], *(large - small for small, large in itertools.pairwise(upto))]
        names = ("most face-selective", "second quarter", "third quarter", "most object-selective")
        lesions = [nl.Lesion(band.renamed(name), nl.Mean(intact)) for band, name in zip(bands, names)]
        return nl.examine(specimen, [nl.sham(lesions[0]), *lesions], nl.specimen.phantoms.naming_tasks(test))

    return nl.concat(map(patient, cohort))


def main(*, rng=0, quick=False):
    n = 6 if quick else 10
    print(nl.design_check(n))
    idle = phantom_trials(nl.specimen.phantoms.epiphenomenal, "causal", top=8, n=n, rng=rng)
    yield "epiphenomenal", nl.deficits(idle, rng=rng)
    yield "epiphenomenal_spared", nl.spared(idle, lesion="most selective", tasks=TASKS, within=0.1, rng=rng)
    hidden = phantom_trials(nl.specimen.phantoms.causal_without_selectivity, "shared", top=4, n=n, rng=rng)
    yield "causal_without_selectivity", nl.deficits(hidden, rng=rng)
    trials = band_trials(nl.datasets.load_cohort("faces-and-objects")[:n], rng=rng)
    yield "trials", trials
    yield "bands", nl.deficits(trials, rng=rng)
    ends = ("most face-selective", "most object-selective")
    yield "dissociation", nl.dissociation(trials, lesions=ends, tasks=TASKS, spared_within=0.1, rng=rng)


if __name__ == "__main__":
    nl.run_script(main, draw=["epiphenomenal", "causal_without_selectivity", "bands", "dissociation"])
