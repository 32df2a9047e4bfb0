"""Find the face area, then remove it: is a region that prefers faces needed for them?"""

# %% [markdown]
# # Find the face area, then remove it
#
# Twelve small networks learnt to name drawn faces and drawn objects. One of them is yours. In 50 minutes you find the
# units that prefer faces, silence them, compare that with silencing others, and say what it shows.
#
# Each part asks for a **prediction** first: write it down before you run the next cell. Then you **observe**, and
# answer the questions: `lab.check("Q1", your answer)` works it out on your own network, gives a hint at the first miss
# and the reason at the second. At the end you **explain**. All is kept in `progress.json` in this folder.
#
# It needs no internet. Every figure is also told in words; with `plain=True` in `lab.start` nothing is drawn.

# %%
import neurolab as nl
from neurolab import lab

mine = lab.start("find_the_face_area", student="")  # write your name between the quotes

# %% [markdown] tags=["instructor"]
# **Instructor.** 0-5 predict; 5-15 record and map; 15-25 lesion, table; 25-33 random lesions; 33-42 object area,
# dissociation; 42-50 all twelve, two sentences for Results. Students have networks of their own (by name), so numbers
# differ; `lab.key("Q1")` gives the answer for the network of the session. What goes wrong in class: everybody chooses
# another number of units (plot it on x); intact accuracy is not 1 (talk about the baseline).

# %% [markdown]
# ## 1. Predict
#
# The third layer has 128 units. Faces are half of the drawings.

# %%
lab.predict("P1", None)
lab.predict("P2", None)
lab.predict("P3", None)

# %% [markdown]
# ## 2. Observe: a localiser
#
# Half of the drawings choose the units, the other half will test them. A unit prefers faces if its response to faces is
# larger than to objects; 128 tests are corrected for one another (q).

# %%
network = nl.datasets.load_cohort("faces-and-objects")[mine.network]
choose, test = nl.datasets.load_stimuli("faces-and-objects").split(2, by="label", rng=mine.rng)
intact = nl.record(network, choose, ["features.6"])
stat_map = nl.localise(intact, "faces > objects")
lab.show(stat_map, nl.plots.plot_stat_map, "map")
print("q at most .05:", int((stat_map.q <= 0.05).sum()), "units; of these with an effect above 0:",
      int(((stat_map.q <= 0.05) & (stat_map.effect > 0)).sum()))  # fmt: skip
lab.check("Q1", None)

# %% [markdown]
# Why two halves? Here is noise: 500 units that prefer nothing. The best 50 are chosen on one half of the data.

# %%
first, second = (nl.simulate.phantom_recording(n_units=500, effect=0.0, n_stimuli=20, rng=half) for half in (0, 1))
best = nl.select_roi(nl.localise(first, "faces > objects"), name="best", top=50)
for name, data in (("the half that chose them", first), ("the other half", second)):
    chosen = nl.localise(data, "faces > objects").isel(neuroid=best.units["layer"])
    print(f"mean effect of the best 50 units in {name}: {float(chosen.effect.mean()):.2f} sd")
lab.check("Q2", None)

# %% [markdown]
# ## 3. Observe: remove it
#
# The most face-selective quarter of the units is held at its mean response. So is the quarter that prefers objects, and
# 199 random quarters. A deficit is the accuracy of the sham (the whole procedure, no damage) less that of the lesion.

# %%
areas = {"face area": "faces > objects", "object area": "objects > faces"}
face, thing = (
    nl.Lesion(nl.select_roi(nl.localise(intact, contrast), name=name, top=0.25), nl.Mean(intact))
    for name, contrast in areas.items()
)
random = nl.matched_controls(face, intact, 199, match=("site",), rng=mine.rng)
tasks = [nl.Task(f"name {kind}", test.where(condition=kind), nl.scores.accuracy) for kind in ("faces", "objects")]
trials = nl.examine(network, [nl.sham(face), face, thing, *random], tasks)
lesions = nl.deficits(trials, rng=mine.rng)
lab.read(lesions, "deficits")
lab.show(lesions, nl.plots.plot_deficits, "deficits")
lab.check("Q3", None)

# %% [markdown]
# Random lesions hurt as well. Is the face area worse than they are?

# %%
controls = nl.against_controls(trials, lesion="face area", task="name faces", rng=mine.rng)
lab.read(controls, "controls")
lab.show(controls, nl.plots.plot_controls, "controls")
as_bad = int((controls.control.values >= float(controls.target[0]) - 1e-9).sum())
print("random lesions that cost naming faces as much or more:", as_bad, "of 199")
lab.check("Q4", None)

# %% [markdown]
# ## 4. Two lesions, two tasks

# %%
pair, both = tuple(areas), ("name faces", "name objects")
crossed = nl.dissociation(trials, lesions=pair, tasks=both, spared_within=0.1, rng=mine.rng)
lab.read(crossed, "dissociation")
lab.show(crossed, nl.plots.plot_dissociation, "dissociation")
lab.check("Q5", None)
lab.check("Q6", None)

# %% [markdown]
# ## 5. All twelve networks
#
# Yours is one network: its stimuli were the sample. To speak about networks trained like it, networks are the sample.


# %%
def patient(specimen):
    seen = nl.record(specimen, choose, ["features.6"])
    targets = [
        nl.Lesion(nl.select_roi(nl.localise(seen, contrast), name=name, top=0.25), nl.Mean(seen))
        for name, contrast in areas.items()
    ]
    return [nl.sham(targets[0]), *targets]


everybody = nl.examine(nl.datasets.load_cohort("faces-and-objects"), patient, tasks)
of_all = nl.dissociation(everybody, lesions=pair, tasks=both, spared_within=0.1, rng=mine.rng)
lab.read(of_all, "twelve networks")
lab.show(of_all, nl.plots.plot_dissociation, "twelve-networks")
lab.check("Q7", None)

# %% [markdown]
# ## 6. Explain
#
# Look at your predictions again: which of them was furthest off, and why?

# %%
lab.explain("E1", "")
lab.explain("E2", "")
