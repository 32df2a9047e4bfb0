"""Brain and network on the same bench: can one contrast, one statistic and one similarity serve both?"""

# %% [markdown]
# # Brain and network on the same bench
#
# Sixteen people looked at forty drawings while their EEG was recorded (they are simulated, so that we know the truth).
# Twelve networks saw the same drawings; one of them is yours. In 50 minutes you ask both the same questions, with the
# same functions, and find out what n is.
#
# Each part asks for a **prediction** first: write it down before you run the next cell. Then you **observe**, and
# answer the questions: `lab.check("Q1", your answer)` works it out on your own network, gives a hint at the first miss
# and the reason at the second. At the end you **explain**. All is kept in `progress.json` in this folder.
#
# It needs no internet. Every figure is also told in words; with `plain=True` in `lab.start` nothing is drawn.

# %%
import neurolab as nl
from neurolab import lab

mine = lab.start("brain_and_network", student="")  # write your name between the quotes

# %% [markdown] tags=["instructor"]
# **Instructor.** 0-6 load both; 6-16 contrast and map; 16-26 what n is, on noise; 26-36 cluster test on both; 36-45
# distances, noise ceiling, lesion; 45-50 the Methods sentence. `lab.key("Q1")` gives the answer for the network of the
# session. The people carry patterns of network 11 by construction: a student who has that network should find more
# likeness, which is worth a word about models that were fitted to the data they are tested on.

# %% [markdown]
# ## 1. Predict

# %%
lab.predict("P1", None)
lab.predict("P2", None)
lab.predict("P3", None)

# %% [markdown]
# ## 2. Observe: one contrast for both
#
# A brain and a network become the same thing: a recording, presentation by neuroid (here channels, or units).

# %%
choose, rest = nl.datasets.load_stimuli("faces-and-objects").split(2, by="label", rng=mine.rng)
drawings = rest.take(range(0, 400, 10))
network = nl.datasets.load_cohort("faces-and-objects")[mine.network]
seen = nl.record(network, drawings, ["features.6"])
people = [nl.brain.from_epochs(one, condition="condition") for one in lab.people(drawings, n=16, rng=mine.rng)]
first = people[0].sel(time=slice(0.14, 0.20)).mean("time", keep_attrs=True)
for name, recording in (("one person, 140 to 200 ms", first), ("your network", seen)):
    found = nl.localise(recording, "faces > objects")
    print(f"{name}: {int((found.q <= 0.05).sum())} of {found.sizes['neuroid']} set faces and objects apart, q <= .05")
lab.show(nl.localise(seen, "faces > objects"), nl.plots.plot_stat_map, "network-map")
lab.check("Q1", None)

# %% [markdown]
# ## 3. Observe: what n is
#
# Two thousand experiments on nothing: 16 networks of 200 units, which prefer nothing. Units of one network have a fifth
# of their variance in common. How often is an effect found, at .05?

# %%
print(lab.false_alarms(icc=0.2, rng=mine.rng).to_string(index=False))
lab.check("Q2", None)
print(nl.design_check(5))
lab.check("Q3", None)

# %% [markdown]
# ## 4. Observe: one statistic for both
#
# For every person: the response to faces less that to objects, at each channel and time. Neighbouring places that all
# differ form a cluster; the signs of whole people are flipped to see how large clusters get by chance.


# %%
def apart(recording):
    faces = recording.condition.values.astype(str) == "faces"
    return recording[faces].mean("presentation") - recording[~faces].mean("presentation")


by = nl.analysis.ClusterMass(0.01)
brains = nl.analysis.clusters(lab.together(map(apart, people), "subject"), by=by, adjacency=nl.analysis.Within(0.05),
                              n_permutations=200, rng=mine.rng)  # fmt: skip
lab.read(brains, "people: channels and times")
lab.show(brains, nl.plots.plot_clusters, "people-clusters")
lab.check("Q4", None)
lab.check("Q5", None)

# %% [markdown]
# The same function on twelve networks: layers take the place of times. In each layer, the units are chosen on other
# drawings and their response to faces less that to objects is measured here, in units of its spread.

# %%
layers = ["features.0", "features.3", "features.6"]


def by_layer(specimen):
    roi = nl.select_roi(nl.localise(nl.record(specimen, choose, layers), "faces > objects"), name="face units", top=0.1,
                        per_site=True)  # fmt: skip
    return lab.preference(nl.record(specimen, drawings, layers), roi)


networks = nl.analysis.clusters(lab.together(map(by_layer, nl.datasets.load_cohort("faces-and-objects")), "specimen"),
                                by=by, n_permutations=200, rng=mine.rng)  # fmt: skip
lab.read(networks, "networks: layers")

# %% [markdown]
# ## 5. Observe: one similarity for both
#
# How far apart are two drawings, in the pattern over channels, and in the pattern over units? The likeness of a network
# and a person is the rank correlation of these distances. The noise ceiling is how well people predict each other.

# %%
late = [one.sel(time=slice(0.1, 0.3)).mean("time", keep_attrs=True) for one in people]
each = [nl.analysis.dissimilarities(one, name=f"sub-{k + 1:02d}") for k, one in enumerate(late)]
distances = lab.together(each, "rdm")
before = nl.analysis.compare(seen, distances)
lab.read(before, "intact")
lab.check("Q6", None)

# %%
chosen = nl.record(network, choose, ["features.6"])
face = nl.select_roi(nl.localise(chosen, "faces > objects"), name="face area", top=0.25)
damaged = nl.record(network, drawings, ["features.6"], lesions=[nl.Lesion(face, nl.Mean(chosen))])
after = nl.analysis.compare(damaged, distances)
lab.read(after, "after the lesion")
print(f"before {float(before.effect[0]):.3f}, after {float(after.effect[0]):.3f}")
lab.check("Q7", None)

# %% [markdown]
# ## 6. Explain

# %%
lab.explain("E1", "")
lab.explain("E2", "")
print(nl.methods_text(before))
