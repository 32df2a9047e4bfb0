"""Distances between the responses to each two stimuli, where they are looked for: in the room of analyses."""

from neurolab.rdms import dissimilarities as dissimilarities
