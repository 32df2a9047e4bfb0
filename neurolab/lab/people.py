"""Simulated people for a lab: EEG epochs of a face response whose patterns come from a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.stimuli import StimulusSet

if TYPE_CHECKING:
    import mne

#: The network and site whose patterns the simulated brains carry, as five sources.
MODEL, SITE, N_SOURCES = 11, "features.6", 5
CHANNELS = ("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8",
            "PO7", "PO3", "POz", "PO4", "PO8", "O1", "Oz", "O2")  # fmt: skip
#: Where sources lie: over the back of the head, as face responses do; the first one carries faces against objects.
CENTRES = ("PO8", "PO7", "P8", "O1", "Pz")
RATE, START, N_TIMES = 100.0, -0.1, 50
MICROVOLT = 1e-6


def people(stimuli: StimulusSet, *, n: int = 16, noise: float = 15.0, rng: RNG) -> list[mne.EpochsArray]:
    """Get simulated EEG of people who saw these stimuli, one ``mne.EpochsArray`` each.

    Faces give a larger response than objects about 170 ms after their onset, over the back of the head. Between 100
    and 300 ms the pattern over channels differs from stimulus to stimulus as it does in a trained network, so that a
    network can be compared with these people. People differ in the size of all this; the rest is noise.

    Parameters
    ----------
    stimuli : drawn faces and objects; each is one epoch, with ``stimulus_id`` and ``condition`` in the metadata.
    n : people. noise : sd of the noise of a channel at a time, in microvolt. rng : integer or Generator.

    Returns
    -------
    List of Epochs: 25 channels with positions, -100 to 390 ms at 100 Hz, in volt.

    Raises
    ------
    DesignError : fewer than two people, or stimuli without both conditions.

    When this is invalid
    --------------------
    They are made, not measured: they teach statistics, and say nothing about brains. Noise is independent between
    channels and times, which that of real EEG is not.

    Example
    -------
    >>> from neurolab.datasets import load_stimuli
    >>> few = load_stimuli("faces-and-objects").take(range(0, 800, 50))
    >>> len(people(few, n=2, rng=0)), people(few, n=2, rng=0)[0].get_data(copy=False).shape
    (2, (16, 25, 50))
    """
    faces = stimuli.table["condition"].to_numpy().astype(str) == "faces"
    if n < 2 or not 0 < faces.sum() < len(faces):
        raise DesignError(f"{n} people, {int(faces.sum())} faces of {len(faces)}; expected 2 or more, and objects too.")
    signal = _signal(stimuli, faces)
    return [_person(signal, stimuli, noise, generator(rng, "people", at), f"sub-{at + 1:02d}") for at in range(n)]


def _signal(stimuli: StimulusSet, faces: np.ndarray) -> np.ndarray:
    """What everybody's brain does: (stimulus, channel, time) in microvolt."""
    from neurolab.datasets import load_cohort
    from neurolab.specimen import record

    activity = np.asarray(record(load_cohort("faces-and-objects")[MODEL], stimuli, [SITE]).values, dtype=np.float64)
    centred = activity - activity.mean(axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    sources = left[:, :N_SOURCES] * size[:N_SOURCES]
    sources /= sources.std()
    times = START + np.arange(N_TIMES) / RATE
    early = np.exp(-0.5 * ((times - 0.17) / 0.03) ** 2)
    late = 1 / (1 + np.exp(-(times - 0.1) / 0.01)) / (1 + np.exp((times - 0.3) / 0.01))
    maps = _maps()
    patterns = 3.0 * np.einsum("sk,kc,t->sct", sources, maps, late)
    return patterns - 4.0 * np.einsum("s,c,t->sct", faces.astype(float), maps[0] + maps[1], early)


def _maps() -> np.ndarray:
    """The weight of each source in each channel (source, channel): it falls off with the distance."""
    import mne

    montage = mne.channels.make_standard_montage("colin27_1020").get_positions()["ch_pos"]
    place = np.array([montage[name] for name in CHANNELS])
    centre = np.array([montage[name] for name in CENTRES])
    away = np.linalg.norm(centre[:, None] - place[None], axis=2)
    return np.exp(-0.5 * (away / 0.05) ** 2)


def _person(
    signal: np.ndarray, stimuli: StimulusSet, noise: float, draw: np.random.Generator, name: str
) -> mne.EpochsArray:
    import mne
    import pandas as pd

    values = np.exp(draw.normal(0, 0.3)) * signal + draw.normal(0, noise, signal.shape)
    info = mne.create_info(list(CHANNELS), RATE, "eeg", verbose="ERROR")
    info["subject_info"] = {"his_id": name}
    about = pd.DataFrame({"stimulus_id": list(stimuli.ids), "condition": list(stimuli.table["condition"])})
    events = np.column_stack([np.arange(len(about)), np.zeros(len(about), int), np.ones(len(about), int)])
    epochs = mne.EpochsArray(
        MICROVOLT * values, info, events=events, tmin=START, metadata=about, baseline=None, verbose="ERROR"
    )
    return epochs.set_montage("colin27_1020", verbose="ERROR")
