"""Does one localiser find face-selective voxels in a brain and face-selective units in a network, by the same steps?"""

import neurolab as nl

SETTINGS = {"test": "welch", "top": 0.1}  # one settings block, printed under both
REPORTED = {"brain": "face > house", "network": "faces > objects"}
REVERSED = {"brain": "house > face", "network": "objects > faces"}


def main(*, rng=0, quick=False):
    stimuli = nl.datasets.load_stimuli("faces-and-objects")
    people = set(stimuli.where(condition="faces").table["identity"])
    faces_and_houses = stimuli.where(identity=[*people, "house"])
    network = nl.datasets.load_cohort("faces-and-objects")[0]
    recordings = {
        "brain": nl.datasets.load_brain("haxby-2001"),
        "network": nl.record(network, faces_and_houses, ["features.6"]),
    }
    yield "settings", ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
    for kind, recording in recordings.items():
        contrast, folds = REPORTED[kind], "run" if kind == "brain" else 12
        yield f"{kind}_map", nl.localise(recording, contrast, test=SETTINGS["test"], correction="fdr")
        for name, chosen in (("held_out", contrast), ("reversed_held_out", REVERSED[kind])):
            n_permutations = 199 if quick else 1999
            found = nl.held_out(recording, chosen, by=folds, n_permutations=n_permutations, rng=rng, **SETTINGS)
            yield f"{kind}_{name}", found
        by = "run" if kind == "brain" else "stimulus"
        yield (
            f"{kind}_reliability",
            nl.map_reliability(recording, contrast, by=by, n_splits=20 if quick else 200, rng=rng, **SETTINGS),
        )


if __name__ == "__main__":
    kinds = tuple(REPORTED)
    nl.run_script(
        main,
        draw={
            **{f"{kind}_map": nl.plots.plot_stat_map for kind in kinds},
            **{f"{kind}_held_out": nl.plots.plot_held_out for kind in kinds},
            **{f"{kind}_reversed_held_out": nl.plots.plot_held_out for kind in kinds},
            **{f"{kind}_reliability": nl.plots.plot_reliability for kind in kinds},
        },
    )
