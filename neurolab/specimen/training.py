"""How the networks of a cohort were trained and how far each got: what a comparison of cohorts must look at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neurolab.errors import DataError, amount, listed
from neurolab.specimen.recipe import Recipe
from neurolab.stimuli import StimulusSet

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Cohort

#: Nearer than this share of the way from the commonest answer alone to 1, a trained network learned next to nothing;
#: untrained ones scatter about chance by more than a test over many stimuli would allow.
NEXT_TO_NOTHING = 0.1


@dataclass(frozen=True, eq=False)
class Training:
    """How networks were trained, and how far each got.

    recipe, stimuli, columns : what they were trained with. seeds : of each network. epochs : that each was trained for.
    accuracy : of each on the labels that it was taught, at the end, in evaluation mode. reached : whether each came to
    the criterion of the recipe (without one: to an end). diverged : whether its weights are NaN or infinite.
    labels : (n_networks, n_stimuli, n_columns), as each was taught.
    """

    recipe: Recipe
    stimuli: StimulusSet
    columns: tuple[str, ...]
    seeds: tuple[int, ...]
    epochs: np.ndarray
    accuracy: np.ndarray
    reached: np.ndarray
    diverged: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.seeds)

    def __repr__(self) -> str:
        low, high = self.accuracy.min(), self.accuracy.max()
        said = f"Training: {amount(len(self), 'network')}, accuracy {low:.3f} to {high:.3f}, {self.epochs.min()} to "
        return said + f"{self.epochs.max()} epochs{'; ' + self.missed if self.missed else ''}"

    @property
    def missed(self) -> str:
        """A sentence on the networks that ended short of the criterion, or diverged; "" when all came to it."""
        said = []
        if (short := np.flatnonzero(~self.reached & ~self.diverged)).size:
            each = ", ".join(f"seed {self.seeds[at]}: {self.accuracy[at]:.3f}" for at in short[:12])
            said.append(f"{len(short)} of {amount(len(self), 'network')} missed the criterion of "
                        f"{self.recipe.criterion} in {self.recipe.epochs} epochs (accuracy {each}"
                        f"{', …' if len(short) > 12 else ''})")
        if (lost := np.flatnonzero(self.diverged)).size:
            each = listed((self.seeds[at] for at in lost), most=12)
            said.append(f"{len(lost)} of {amount(len(self), 'network')} diverged, their weights are NaN or infinite "
                        f"(seeds {each}; learning_rate={self.recipe.learning_rate:g})")
        return "; ".join(said)

    @property
    def commonest(self) -> np.ndarray:
        """The share of right answers of each network that always gave the commonest answer that it was taught."""
        shares = [[np.unique(column, return_counts=True)[1].max() / len(column) for column in labels.T]
                  for labels in self.labels]  # fmt: skip
        return np.mean(shares, axis=1)

    @property
    def undermined_by(self) -> list[str]:
        """Sentences on the networks that missed the criterion, diverged or learned next to nothing, where some did."""
        low = self.commonest
        chance = np.flatnonzero(~self.diverged & (self.accuracy < low + NEXT_TO_NOTHING * (1 - low)))
        said = [f"{self.missed}."] if self.missed else []
        if chance.size and self.recipe.epochs:  # nobody expects more of networks that were not trained
            each = ", ".join(f"seed {self.seeds[at]}: {self.accuracy[at]:.3f}" for at in chance[:12])
            said.append(f"{len(chance)} of {amount(len(self), 'network')} are at chance on what they were taught "
                        f"(accuracy {each}{', …' if len(chance) > 12 else ''}; the commonest answer alone gives "
                        f"{low[chance].mean():.3f}): what is found in them is not of networks that learned.")
        return said

    def take(self, rows: slice | Sequence[int]) -> Training:
        """Get the training of some of the networks."""
        arrays = {name: getattr(self, name)[rows] for name in ("epochs", "accuracy", "reached", "diverged", "labels")}
        return replace(self, seeds=tuple(np.asarray(self.seeds)[rows].tolist()), **arrays)

    def taught(self, at: int) -> StimulusSet:
        """Get the training stimuli with the labels that network ``at`` was taught, noise included."""
        columns = {name: self.labels[at][:, column] for column, name in enumerate(self.columns)}
        return StimulusSet(self.stimuli.name, self.stimuli.inputs, self.stimuli.table.assign(**columns))

    def table(self) -> pd.DataFrame:
        """Get one row per network: seed, accuracy, epochs, reached."""
        return pd.DataFrame({"seed": self.seeds, "accuracy": self.accuracy, "epochs": self.epochs,
                             "reached": self.reached})


def training_table(cohorts: Mapping[str, Cohort] | Cohort) -> pd.DataFrame:
    """Get how far training came: one row per condition and network, to be reported before conditions are compared.

    Parameters
    ----------
    cohorts : condition -> cohort as ``train_cohort`` gives it; or one cohort, whose name is the condition.

    Returns
    -------
    DataFrame with condition, specimen, seed, accuracy (training), epochs, reached (the criterion of the recipe).
    ``attrs["undermined_by"]`` lists, by condition, how many networks missed the criterion or are at chance, and
    ``attrs["flags_about"]`` which condition a sentence is about: ``profile``, ``alignment``, ``importance`` and
    ``claims`` pass it on.

    Raises
    ------
    DataError : a cohort of which nothing is known, as it was not trained here.

    When this is invalid
    --------------------
    Networks of unequal training accuracy differ in more than their recipe: train to a criterion before comparing.

    Example
    -------
    >>> import neurolab as nl
    >>> from functools import partial
    >>> digits = nl.datasets.load_stimuli("digits-train")
    >>> untrained = nl.specimen.untrained_cohort(partial(nl.specimen.mlp, 64, 8, 10), digits, n=2, rng=0)
    >>> list(training_table({"untrained": untrained}).epochs)
    [0, 0]
    """
    named = dict(cohorts) if isinstance(cohorts, Mapping) else {cohorts.name: cohorts}
    tables: list[pd.DataFrame] = []
    about: dict[str, dict[str, list[str]]] = {}
    for condition, cohort in named.items():
        training = getattr(cohort, "training", None)
        if training is None:
            raise DataError(f"Nothing is known of the training of {condition!r}; expected cohorts as train_cohort() "
                            "and untrained_cohort() give them.")
        tables.append(training.table().assign(condition=condition, specimen=cohort.names))
        about |= {f"{condition}: {said}": {"condition": [str(condition)]} for said in training.undermined_by}
    found = pd.concat(tables, ignore_index=True)[["condition", "specimen", "seed", "accuracy", "epochs", "reached"]]
    found.attrs |= {"undermined_by": list(about), "flags_about": about}
    return found
