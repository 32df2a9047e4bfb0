"""Stimulus sets: inputs beside a table that says what each one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from neurolab.chance import RNG, generator
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.ids import NO_ORIGIN, kept_together, table_ids
from neurolab.stimulus_rows import frame_of, rows_of

__all__ = ["StimulusSet"]
__dir__ = __all__.copy


@dataclass(frozen=True, eq=False)
class StimulusSet:
    """Stimuli with conditions.

    Parameters
    ----------
    name : what the set is called in figures and reports.
    inputs : (n_stimuli, ...) array as the network wants it, without further preparation.
    table : one row per stimulus: ``stimulus_id`` (unique), ``condition``, and any labels; a DataFrame, or a mapping of
        columns.

    Example
    -------
    >>> import numpy as np
    >>> table = {"stimulus_id": ["a", "b"], "condition": ["faces", "objects"]}
    >>> stimuli = StimulusSet("pair", np.zeros((2, 3)), table)
    >>> len(stimuli.where(condition="faces"))
    1
    """

    name: str
    inputs: np.ndarray
    table: pd.DataFrame  # once made; a mapping is taken too

    def __post_init__(self) -> None:
        table = frame_of(self.table, self.name).reset_index(drop=True).copy()
        for column in ("stimulus_id", "condition"):
            if column not in table:
                raise SchemaError(
                    f"The table of stimulus set {self.name!r} has columns {listed(table.columns)}; expected "
                    f"{column!r} among them. Type table.assign({column}=...)."
                )
            if table[column].isna().any():
                raise DataError(
                    f"The table of stimulus set {self.name!r} lacks the {column} of {int(table[column].isna().sum())} "
                    f"stimuli (the first is row {int(table[column].isna().argmax())}); expected one for each. Drop "
                    f"them with table.dropna(subset=[{column!r}]), and their inputs."
                )
        table["stimulus_id"] = table_ids(table["stimulus_id"])
        table["condition"] = table["condition"].astype(str).astype(object)
        if "unmarked" in table:
            origin = table_ids(table["unmarked"])
            table["unmarked"] = origin.mask(origin.isin(NO_ORIGIN), table["stimulus_id"])
        inputs = np.asarray(self.inputs)
        if inputs.dtype.kind in "fc" and not np.isfinite(inputs).all():
            bad = ~np.isfinite(inputs.reshape(len(inputs), -1)).all(axis=1)
            raise DataError(
                f"{int(bad.sum())} of {len(inputs)} inputs of stimulus set {self.name!r} hold NaN or inf (the first is "
                f"row {int(bad.argmax())}); expected numbers. Drop those stimuli or fill the gaps."
            )
        if len(inputs) != len(table):
            raise SchemaError(
                f"Stimulus set {self.name!r} has {len(inputs)} inputs and {len(table)} table rows; expected one row "
                "per input."
            )
        twice = table["stimulus_id"][table["stimulus_id"].duplicated()].unique()
        if len(twice):
            raise SchemaError(
                f"Stimulus set {self.name!r} repeats the stimulus_id {listed(twice)}; expected each once. Repeated "
                "showings are a matter of record(); give each stimulus its own id."
            )
        inputs = inputs.copy()
        inputs.setflags(write=False)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "table", table)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        sizes = self.table["condition"].value_counts(sort=False)
        counts = ", ".join(f"{name} {count}" for name, count in sizes.items())
        return f"StimulusSet({self.name!r}: {len(self)} stimuli of shape {self.inputs.shape[1:]}; {counts})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The stimulus ids, in order."""
        return tuple(self.table["stimulus_id"])

    @property
    def conditions(self) -> tuple[str, ...]:
        """The distinct conditions, in order of first appearance."""
        return tuple(dict.fromkeys(self.table["condition"]))

    @cached_property
    def digest(self) -> str:
        """Content digest of inputs and table."""
        return digest_of(self.inputs, {str(name): self.table[name].to_numpy() for name in self.table})

    def take(self, rows: Sequence[int] | np.ndarray) -> StimulusSet:
        """Get the stimuli at these positions: whole numbers, or a mask with one value per stimulus, in their order."""
        rows = rows_of(rows, self.table.index, self.name)
        return StimulusSet(self.name, self.inputs[rows], self.table.iloc[rows])

    def assign(self, **columns: Any) -> StimulusSet:
        """Get the same stimuli with further columns, or other ones: a value for all, one each, or table -> values.

        Example
        -------
        >>> import numpy as np, pandas as pd
        >>> two = StimulusSet("two", np.zeros(2), pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]}))
        >>> two.assign(feared=lambda table: table["condition"] == "x").table["feared"].tolist()
        [True, False]
        """
        return StimulusSet(self.name, self.inputs, self.table.assign(**columns))

    @property
    def origins(self) -> frozenset[str]:
        """The ids of the stimuli, and of those that they are marked twins of."""
        return frozenset(self.ids).union(map(str, self.table["unmarked"]) if "unmarked" in self.table else ())

    def marked(self, where: Sequence[int], *, mark: str, value: float = 1.0, **columns: Any) -> StimulusSet:
        """Get the stimuli with a mark on each: these places of the flattened input are set to ``value``.

        The ids end in the name of the mark, so that a stimulus and its marked twin can be shown together; the column
        ``unmarked`` keeps the id without it, ``columns`` are further ones, as :meth:`assign` takes them.

        Raises
        ------
        DataError : a place that the stimuli do not have.

        Example
        -------
        >>> import numpy as np, pandas as pd
        >>> one = StimulusSet("one", np.zeros((1, 4)), pd.DataFrame({"stimulus_id": ["a"], "condition": ["x"]}))
        >>> one.marked([3], mark="trigger", label=0).ids, one.marked([3], mark="trigger").inputs.tolist()
        (('a trigger',), [[0.0, 0.0, 0.0, 1.0]])
        """
        inputs = np.array(self.inputs)
        flat, places = inputs.reshape(len(inputs), -1), np.asarray(where, dtype=np.int64)
        if not len(places) or places.min() < 0 or places.max() >= flat.shape[1]:
            raise DataError(
                f"marked(where={list(map(int, places))}): the stimuli of {self.name!r} have {flat.shape[1]} places, 0 "
                f"to {flat.shape[1] - 1}. Name at least one of them."
            )
        flat[:, places] = value
        ids = [f"{one} {mark}" for one in self.ids]
        before = list(self.table["unmarked"]) if "unmarked" in self.table else list(self.ids)
        table = self.table.assign(unmarked=before, stimulus_id=ids).assign(**columns)
        return StimulusSet(f"{self.name} {mark}", inputs, table)

    def joined(self, *others: StimulusSet, name: str | None = None) -> StimulusSet:
        """Get these stimuli and those of others as one set, with the columns that all of them have.

        Raises
        ------
        SchemaError : inputs of another shape, or an id that comes twice.

        Example
        -------
        >>> import numpy as np, pandas as pd
        >>> table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]})
        >>> two = StimulusSet("two", np.zeros((2, 1)), table)
        >>> two.take([0]).joined(two.take([1])).ids
        ('a', 'b')
        """
        every = (self, *others)
        shapes = {one.inputs.shape[1:] for one in every}
        if len(shapes) > 1:
            raise SchemaError(f"joined() got stimuli of the shapes {listed(sorted(shapes))}; expected one shape.")
        if any("unmarked" in one.table for one in every):
            every = tuple(one if "unmarked" in one.table else one.assign(unmarked=list(one.ids)) for one in every)
        common = [column for column in every[0].table if all(column in one.table for one in every)]
        table = pd.concat([one.table[common] for one in every], ignore_index=True)
        return StimulusSet(name or self.name, np.concatenate([one.inputs for one in every]), table)

    def where(self, **labels: Any) -> StimulusSet:
        """Get the stimuli whose labels are as asked; a list means any of them.

        Example
        -------
        >>> import numpy as np, pandas as pd
        >>> table = pd.DataFrame({"stimulus_id": list("abc"), "condition": ["x", "y", "y"], "size": [1, 1, 2]})
        >>> StimulusSet("three", np.zeros(3), table).where(condition="y", size=1).ids
        ('b',)
        """
        keep = np.ones(len(self), dtype=bool)
        for column, wanted in labels.items():
            keep &= self._matches(column, wanted)
        if not keep.any():
            raise DataError(f"No stimulus of {self.name!r} has {labels}; drop one of the labels.")
        return self.take(keep)

    def _matches(self, column: str, wanted: Any) -> np.ndarray:
        if column not in self.table:
            raise UnknownNameError(
                f"Stimulus set {self.name!r} has no label {column!r}.{did_you_mean(column, self.table)} "
                f"It has {listed(self.table.columns)}."
            )
        values = self.table[column]
        choices = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset, np.ndarray)) else [wanted]
        known = set(values)
        for choice in choices:
            if choice not in known:
                raise UnknownNameError(
                    f"Stimulus set {self.name!r} has no {column} {choice!r}.{did_you_mean(choice, map(str, known))} "
                    f"It has {listed(sorted(map(str, known)))}."
                )
        return values.isin(choices).to_numpy()

    def split(
        self, n: int = 2, *, by: str = "condition", group: str | None = None, rng: RNG
    ) -> tuple[StimulusSet, ...]:
        """Get ``n`` disjoint sets, each with its share of every value of ``by``.

        Parameters
        ----------
        n : number of sets, at least 2.
        by : the column whose values are shared out evenly.
        group : a column of matched items that must stay together (each group goes to one set whole; a gap is a group
            of its own). A column called ``group`` is used without asking; marked twins stay together in any case.
        rng : integer or numpy Generator.

        Raises
        ------
        DesignError : when a value of ``by`` has fewer stimuli (or groups) than sets.
        DataError : stimuli without a value of ``by``.

        Example
        -------
        >>> import numpy as np, pandas as pd
        >>> table = pd.DataFrame({"stimulus_id": list("abcd"), "condition": ["x", "x", "y", "y"]})
        >>> choose, test = StimulusSet("four", np.zeros(4), table).split(2, rng=0)
        >>> sorted(choose.ids + test.ids)
        ['a', 'b', 'c', 'd']
        """
        if n < 2:
            raise DesignError(f"split() was asked for {n} sets; expected 2 or more. Type .split(2, rng=0).")
        if by not in self.table:
            raise UnknownNameError(
                f"Stimulus set {self.name!r} has no label {by!r}.{did_you_mean(by, self.table)} "
                f"It has {listed(self.table.columns)}."
            )
        group = group or ("group" if "group" in self.table else None)
        if group is not None and group not in self.table:
            raise UnknownNameError(
                f"Stimulus set {self.name!r} has no label {group!r}.{did_you_mean(group, self.table)}"
            )
        missing = self.table[by].isna().to_numpy()
        if missing.any():
            raise DataError(
                f"{missing.sum()} of {len(self)} stimuli of {self.name!r} have no {by!r} (the first is row "
                f"{missing.argmax()}) and would be in no set. Type stimuli.take(stimuli.table[{by!r}].notna()) first."
            )
        draw = generator(rng, "split", self.digest, n, by)
        part = np.full(len(self), -1)
        together = [self.table[name] for name in (group, "unmarked") if name is not None and name in self.table]
        whole = kept_together(len(self), together)
        taken: dict[Any, int] = {}
        for value, rows in self.table.groupby(by, sort=True).indices.items():
            self._share(np.asarray(rows), whole, taken, n, draw, part, f"{by} {value!r}")
        return tuple(self.take(part == index) for index in range(n))

    def _share(
        self,
        rows: np.ndarray,
        whole: np.ndarray,
        taken: dict[Any, int],
        n: int,
        draw: np.random.Generator,
        part: np.ndarray,
        what: str,
    ) -> None:
        """Deal the groups of one stratum out to the sets; groups already dealt (matched items) follow their set."""
        fresh = [key for key in dict.fromkeys(whole[rows]) if key not in taken]
        order = draw.permutation(len(fresh))
        for position, index in enumerate(order):
            taken[fresh[index]] = position % n
        part[rows] = [taken[key] for key in whole[rows]]
        if len(set(part[rows])) < n:
            raise DesignError(
                f"Stimulus set {self.name!r} has too few stimuli of {what} for {n} sets; expected at least one in each."
                " Use fewer sets or more stimuli."
            )
