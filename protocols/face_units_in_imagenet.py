"""Do the units that prefer faces, in a network trained to name things, carry face detection and spare digit naming?

One network: the sample is stimuli, and nothing here generalises to other networks. Both behaviours are linear read-outs
fitted on a third of the real pictures; another third localises, the last third tests.
"""

import neurolab as nl

SITE = "_blocks.11"  # where this network explains the human inferior temporal cortex best
DEPTHS = ["_conv_stem", "_blocks.2", "_blocks.5", "_blocks.8", SITE, "_blocks.15"]
AREAS = {"face area": "faces > non-faces + digits", "digit area": "digits > faces + non-faces"}
OUTPUTS = {"face or not": (0, 1), "which digit": tuple(range(2, 12))}


def controls_of(target, intact, *, n, rng):
    """As many channels of the same activity, of no preference, and of a preference for shuffled labels."""

    def choose(recording):
        return nl.select_roi(nl.localise(recording, AREAS[target.name]), name=target.name, top=0.25)

    yield from nl.matched_controls(target, intact, n, match=("site", "activity"), rng=rng)
    yield from nl.bottom_controls(target, nl.localise(intact, AREAS[target.name]))
    yield from nl.reselected_controls(target, intact, choose, n, rng=rng)


def main(*, rng=0, quick=False):
    network = nl.datasets.load_specimen("efficientnet-lite0", size=112)
    fit, choose, test = nl.datasets.load_stimuli("lfw-faces-and-digits", size=112).split(3, by="label", rng=rng)
    network = nl.specimen.with_readout(network, fit, layer="_fc")
    tasks = [nl.Task(name, test.where(task=name), nl.scores.Accuracy(columns=OUTPUTS[name])) for name in OUTPUTS]
    yield "map", nl.localise(nl.record(network, choose, DEPTHS), AREAS["face area"])
    intact = nl.record(network, choose, [SITE])
    regions = [nl.select_roi(nl.localise(intact, AREAS[name]), name=name, top=0.25) for name in AREAS]
    targets = [nl.Lesion(region, nl.Mean(intact)) for region in regions]
    controls = [lesion for target in targets for lesion in controls_of(target, intact, n=9 if quick else 99, rng=rng)]
    trials = nl.examine(network, [nl.sham(targets[0]), *targets, *controls], tasks)
    yield "trials", trials
    yield "deficits", nl.deficits(trials, over="stimulus", rng=rng)
    for family in ("matched", "reselected"):
        found = nl.against_controls(
            trials, lesion="face area", task="face or not", family=family, over="stimulus", rng=rng
        )
        yield f"faces_against_{family}", found
    yield (
        "dissociation",
        nl.dissociation(
            trials, lesions=tuple(AREAS), tasks=tuple(OUTPUTS), spared_within=0.1, over="stimulus", rng=rng
        ),
    )


if __name__ == "__main__":
    drawn = {"map": nl.plots.plot_stat_map, "deficits": nl.plots.plot_deficits}
    drawn |= dict.fromkeys(["faces_against_matched", "faces_against_reselected"], nl.plots.plot_controls)
    nl.run_script(main, draw=drawn | {"dissociation": nl.plots.plot_dissociation})
