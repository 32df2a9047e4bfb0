"""Does the face area cause face naming?  Localise it, lesion it, look for a double dissociation.

The architecture of the cohort was chosen with lesions in view (see datasets/index.json): a demonstration of the method,
not evidence of how common such dissociations are. A thousand controls on both cores, kept as they are finished:
``neurolab run face_object_dissociation --n-controls 999 --n-jobs 2 --store runs/faces``.
"""

from functools import partial

import neurolab as nl


def main(*, rng=0, quick=False, n_controls=None, n_jobs=1, store=None, shard=None):
    n_controls = (19 if quick else 99) if n_controls is None else n_controls
    cohort = nl.datasets.load_cohort("faces-and-objects")[: 6 if quick else 10]
    choose, test = nl.datasets.load_stimuli("faces-and-objects").split(2, by="label", rng=rng)
    tasks = [nl.Task(f"name {kind}", test.where(condition=kind), nl.scores.accuracy) for kind in ("faces", "objects")]
    areas = {"face area": "faces > objects", "object area": "objects > faces"}

    def patient(specimen):
        intact = nl.record(specimen, choose, ["features.6"])
        targets = [
            nl.Lesion(nl.select_roi(nl.localise(intact, contrast), name=name, top=0.25), nl.Mean(intact))
            for name, contrast in areas.items()
        ]
        controls = [
            control
            for target in targets
            for control in nl.matched_controls(target, intact, n_controls, match=("site", "activity"), rng=rng)
        ]
        return [nl.sham(targets[0]), *targets, *controls]

    print(nl.design_check(cohort, n_controls=n_controls))
    trials = nl.examine(cohort, patient, tasks, n_jobs=n_jobs, store=store, shard=shard)
    yield "trials", trials
    sites = ["features.0", "features.3", "features.6"]
    stat_map = nl.localise(nl.record(cohort[0], choose, sites), areas["face area"])
    yield "map", stat_map
    yield "face_area", nl.select_roi(stat_map.isel(neuroid=stat_map.site.values == 2), name="face area", top=0.25)
    yield "deficits", nl.deficits(trials, rng=rng)
    yield "controls", nl.against_controls(trials, lesion="face area", task="name faces", rng=rng)
    yield "object_controls", nl.against_controls(trials, lesion="object area", task="name objects", rng=rng)
    pair, named = tuple(areas), ("name faces", "name objects")
    yield "dissociation", nl.dissociation(trials, lesions=pair, tasks=named, spared_within=0.1, rng=rng)


if __name__ == "__main__":
    nl.run_script(
        main,
        draw={
            "dissociation": nl.plots.plot_dissociation,
            "controls": nl.plots.plot_controls,
            "object_controls": nl.plots.plot_controls,
            "deficits": nl.plots.plot_deficits,
            "map": partial(nl.plots.plot_stat_map, roi="face_area"),
        },
    )
