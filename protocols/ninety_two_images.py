"""Does a trained vision network see 92 pictures as human and monkey IT do, and do its face units carry that likeness?

Kriegeskorte et al. 2008, doi:10.1016/j.neuron.2008.10.043. One trained network and untrained twins: the sample is
people and pictures (monkey IT: pictures alone), never networks. Its face units are found on photographs, and no layer
is chosen by its likeness. Cut units stay at their mean over the 92 pictures.
"""

import neurolab as nl

MODEL, PICTURES = "efficientnet-lite0", "ninety-two-images"
SITES = ["_conv_stem", "_blocks.2", "_blocks.5", "_blocks.8", "_blocks.11", "_blocks.15", "_fc"]
LAST = "_blocks.15"  # the deepest block, below every lesion: named before looking
CONTROLS = {"matched": ("site", "activity"), "random": ("site",)}
TRAINED = "Training makes a network see as IT does."
FACES = "Its face units carry its likeness to IT, more than other units do (less than a tenth of it counts as none)."


def units_of(photographs, seen):
    """The tenth of every layer that prefers faces most on photographs, and what the same units do on the pictures."""
    stat_map = nl.localise(photographs, "faces > non-faces")
    region = nl.select_roi(stat_map, name="face units", top=0.1, per_site=True)
    checked = nl.localise(seen.isel(neuroid=region.mask(seen)), "human face + nonhuman face > *")
    return {"face_map": stat_map, "face_units_on_the_pictures": checked}, nl.Lesion(region, nl.Mean(seen))


def main(*, rng=0, quick=False, size=112):
    n_twins, n = (1, 2) if quick else (8, 39)  # 39: the fewest draws whose rank has an interval
    pictures = nl.datasets.load_stimuli(PICTURES, size=size)
    brains = {who: nl.datasets.load_brain(PICTURES, who=who) for who in ("human", "monkey")}
    network = nl.datasets.load_specimen(MODEL, size=size)
    twins = [nl.datasets.load_specimen(MODEL, size=size, untrained=rng + k) for k in range(n_twins)]
    seen, *naive = (nl.record(one, pictures, SITES) for one in (network, *twins))
    better, costs = {}, {}
    for who, brain in brains.items():
        yield f"{who}_layers", nl.analysis.compare({"trained": seen, "untrained": naive[0]}, brain, by="site")
        gain = nl.analysis.compare_models(seen, naive, brain, names=("trained", "untrained"), by="site")
        better[who] = gain.sel(model=LAST)
        yield f"{who}_training", gain
    photographs = nl.record(network, nl.datasets.load_stimuli("lfw-faces", size=size), SITES[:-1])
    found, target = units_of(photographs, seen)
    yield from found.items()
    after = nl.record(network, pictures, SITES, lesions=[target])
    for kind, match in CONTROLS.items():
        drawn = nl.matched_controls(target, photographs, n, match=match, family=kind, rng=rng)
        controls = [nl.record(network, pictures, SITES, lesions=[lesion]) for lesion in drawn]
        for who, brain in brains.items():
            named = {"intact": seen, "names": ("face units cut", f"{kind} units cut"), "by": "site"}
            cost = nl.analysis.compare_models(after, controls, brain, **named)
            costs[f"{who}, {kind}"] = cost.sel(model=LAST)
            yield f"{who}_{kind}", cost
    trained = {"expects": "more", "by": "brain", "figure": "human_training"}
    carried = {"expects": "less", "within": 0.1, "test": "share_p", "by": "brain, controls", "figure": "human_matched"}
    claims = [nl.analysis.claim(TRAINED, better, **trained), nl.analysis.claim(FACES, costs, **carried)]
    yield "claims", nl.analysis.claims(*claims)


if __name__ == "__main__":
    change = [f"{who}_{kind}" for who in ("human", "monkey") for kind in ("training", *CONTROLS)]
    drawn = dict.fromkeys(["human_layers", "monkey_layers"], nl.plots.plot_likeness)
    nl.run_script(main, draw=drawn | dict.fromkeys(change, nl.plots.plot_likeness_change))
