"""What the tests of a single case found, and the classes that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy import stats as sps

from neurolab.digest import digest_of
from neurolab.stats.single_case import verdict as class_of

NOT_TESTED = "not tested"
SAME = 1e-12  # a spread below this share of the scores is rounding
LEAST, SKEWED = 8, 0.01  # so many controls show skew, where its test (D'Agostino 1970) has this p or less
MANY = 0.5  # this share of controls with one and the same highest score is a ceiling


@dataclass(frozen=True, eq=False)
class CaseTable:
    """Cases and controls x tasks in float64; NaN where a control has no score.

    cases (case, task), controls (control, task); covariates (case, m) and (control, m), m = 0 without any.
    lesions : what was done to each case, "" for a patient. before : the cases' own scores before it (case, task), NaN
        for patients. note : what the table says of itself. over : "specimen" or "subject", what the controls sample.
    labels : column of groups -> those of the cases and then of the controls, where everybody else is a control.
    """

    case_names: tuple[str, ...]
    control_names: tuple[str, ...]
    tasks: tuple[str, ...]
    lesions: tuple[str, ...]
    cases: np.ndarray
    before: np.ndarray
    controls: np.ndarray
    case_covariates: np.ndarray
    covariates: np.ndarray
    covariate_names: tuple[str, ...]
    over: str
    source: str
    note: str
    labels: Mapping[str, Sequence[str]]

    @property
    def inputs(self) -> str:
        """The digest of every number that a test sees."""
        return digest_of(self.cases, self.controls, self.case_covariates, self.covariates)

    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Get the controls' mean and sd (task,), and every control in sds from what is expected of it (control, task).

        Without covariates that is the mean; with them, their regression.
        """
        mean, sd, z = *np.full((2, len(self.tasks)), np.nan), np.full_like(self.controls, np.nan)
        for j, column in enumerate(self.controls.T):
            kept, m = ~np.isnan(column), self.covariates.shape[1]
            if kept.sum() < m + 2:
                continue
            values = column[kept]
            mean[j], sd[j] = values.mean(), values.std(ddof=1)
            design = np.column_stack((np.ones(kept.sum()), self.covariates[kept]))
            left = values - (design @ np.linalg.lstsq(design, values, rcond=None)[0] if m else mean[j])
            spread = np.sqrt((left**2).sum() / (kept.sum() - 1 - m))
            z[kept, j] = left / spread if spread > SAME * np.abs(values).max() else np.nan
        return mean, sd, z


@dataclass(eq=False)
class CaseFound:
    """The tests of cases, filled one by one.

    values : name -> (case, task) or (case, pair), NaN where there was no test. said : why not, a sentence each.
    beyond : cases with covariates outside those of all controls.
    """

    table: CaseTable
    alternative: str
    alpha: float
    kind: str
    values: dict[str, np.ndarray] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    beyond: set[str] = field(default_factory=set)

    def fill(self, names: Sequence[str], shape: tuple[int, int]) -> None:
        """Make room for numbers by name."""
        self.values |= {name: np.full(shape, np.nan) for name in names}

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        return round(1 - self.alpha, 12)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Positions of every pair of tasks."""
        return list(combinations(range(len(self.table.tasks)), 2))

    @property
    def who(self) -> list[str]:
        """The cases, with what was done to them."""
        return [
            f"{name} after lesion of {lesion}" if lesion else name
            for name, lesion in zip(self.table.case_names, self.table.lesions)
        ]

    def tested_controls(self, *tasks: int) -> np.ndarray:
        """Get which controls have a score on these tasks."""
        return ~np.isnan(self.table.controls[:, list(tasks)]).any(axis=1)

    @property
    def deficit(self) -> np.ndarray:
        """Whether each case has a deficit on each task (case, task)."""
        return self.values["p"] <= self.alpha

    @property
    def ceiling(self) -> np.ndarray:
        """Whether half the controls or more share their best score (task,): more room there would spread them."""
        best = np.nanmax if self.alternative == "less" else np.nanmin
        kept = [column[~np.isnan(column)] for column in self.table.controls.T]
        return np.array([bool(len(one) > 1 and np.mean(one == best(one)) >= MANY) for one in kept])

    def tail(self, task: int) -> float:
        """Get the skewness of the controls where they trail off to the side of deficits for certain, else NaN."""
        kept = self.table.controls[~np.isnan(self.table.controls[:, task]), task]
        known = kept.size >= LEAST and sps.skewtest(kept, alternative=self.alternative).pvalue <= SKEWED
        return float(sps.skew(kept)) if known else np.nan

    @property
    def classes(self) -> np.ndarray:
        """The class of each case on each pair of tasks (case, pair), after Crawford, Garthwaite & Gray 2003."""
        found = np.full((len(self.table.case_names), len(self.pairs)), NOT_TESTED, dtype=object)
        for i, k in np.ndindex(found.shape):
            x, y = self.pairs[k]
            p = [self.values["p"][i, x], self.values["p"][i, y], self.values["difference_p"][i, k]]
            if np.isfinite(p).all():
                found[i, k] = class_of(*(bool(one <= self.alpha) for one in p))
        return found

    def doubles(self, k: int) -> list[tuple[str, str]]:
        """Get the two cases that dissociate a pair of tasks in opposite directions; empty if none do."""
        kinds, x_minus_y = self.classes[:, k], self.values["difference_effect"][:, k]
        names = self.table.case_names
        return [
            (names[i], names[j])
            for i, j in combinations(range(len(names)), 2)
            if "dissociation" in kinds[i] and "dissociation" in kinds[j] and x_minus_y[i] * x_minus_y[j] < 0
        ]
