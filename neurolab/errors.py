"""Every error that neurolab raises on purpose: what was given, what was expected, what to type next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CampaignIncomplete",
    "CampaignMismatchError",
    "CampaignWarning",
    "CriterionMissed",
    "CriterionWarning",
    "DataError",
    "DesignError",
    "DoseWarning",
    "DoubleDippingError",
    "FileFormatError",
    "LabError",
    "LesionNotApplied",
    "LesionNotUndone",
    "LesionPlanError",
    "MatchingError",
    "MissingDataError",
    "MissingPackageError",
    "NeurolabError",
    "PartialTrialsError",
    "ProtocolError",
    "RefusedSiteError",
    "ReplicationUnitError",
    "SchemaError",
    "SpecimenError",
    "StoreBusyError",
    "StoreError",
    "StoreWriteError",
    "TooLargeError",
    "UnfinishedError",
    "UnknownNameError",
    "UnknownSiteError",
    "WordsError",
]

__dir__ = __all__.copy


class NeurolabError(Exception):
    """The root of every error below; catch it to catch them all."""


class SchemaError(NeurolabError, ValueError):
    """A recording, trials, stimulus set or result lacks something that its specification asks for."""


class UnknownNameError(NeurolabError, KeyError):
    """A condition, task, lesion, choice or data set that does not exist."""

    def __str__(self) -> str:  # KeyError would print the repr, quotes and escapes included
        return str(self.args[0]) if self.args else ""


class UnknownSiteError(UnknownNameError):
    """An address that the specimen does not have."""


class RefusedSiteError(NeurolabError):
    """A site that exists but cannot be recorded or cut truthfully, with the reason and a site that can."""


class LesionNotApplied(NeurolabError):
    """A planned lesion did not happen: its site never ran, or another value reached the consumer."""


class LesionNotUndone(NeurolabError):
    """After the run the specimen differs from before: parameters, buffers, flags, hooks or chance."""


class LesionPlanError(NeurolabError, ValueError):
    """A lesion that cannot be carried out as planned: units out of range, no reference, tied weights."""


class DoubleDippingError(NeurolabError):
    """The stimuli that chose a region would also estimate its effect."""


class ReplicationUnitError(NeurolabError):
    """Units, folds or permutations were offered as the sample."""


class DesignError(NeurolabError, ValueError):
    """A design that cannot answer the question: too few networks, stimuli or controls."""


class MatchingError(DesignError):
    """The pool is too small, or too different, to draw the asked number of matched controls."""


class CriterionMissed(NeurolabError):
    """Networks ended short of the criterion of their recipe; all that were trained are in ``cohort``."""

    def __init__(self, message: str, *, cohort: object = None) -> None:
        super().__init__(message)
        self.cohort = cohort


class CriterionWarning(UserWarning):
    """Networks ended short of the criterion of their recipe; they are kept and flagged."""


class DataError(NeurolabError, ValueError):
    """Numbers that cannot be used as they are: NaN or inf, constant, of unequal length."""


class FileFormatError(NeurolabError, ValueError):
    """A file that is truncated, of another format, with a wrong checksum, or that could run code."""


class SpecimenError(NeurolabError):
    """A model that cannot be put on the bench as it is."""


class ProtocolError(NeurolabError, ValueError):
    """A protocol script that gives no named findings, or an output folder that holds somebody else's files."""


class LabError(NeurolabError, ValueError):
    """A teaching lab that was not started, or whose folder or file of progress cannot be used."""


class WordsError(ProtocolError):
    """Words of the command line that a protocol does not take."""


class MissingDataError(NeurolabError, FileNotFoundError):
    """A data set or package is not on this machine; the message says how to get it."""


class MissingPackageError(MissingDataError):
    """A package that holds weights or stimuli is not installed; a protocol that needs it is listed as not run."""


class TooLargeError(NeurolabError, MemoryError):
    """A campaign or a batch that does not fit the memory there is, or that was allowed; the message says what does."""


class StoreError(NeurolabError):
    """Something about a campaign's store on disk; what was committed to it before is still there."""


class CampaignMismatchError(StoreError, ValueError):
    """A store that was made with other weights, stimuli, tasks, settings or versions; the message lists which."""


class StoreBusyError(StoreError):
    """Another process writes to the same store under the same writer's name."""


class StoreWriteError(StoreError, OSError):
    """A full disk or a read-only folder: nothing more could be committed."""


class UnfinishedError(StoreError):
    """A campaign of which cells are still missing was asked for whole."""


class DoseWarning(UserWarning):
    """No dose of a ladder cost as much as was asked; the largest was taken, and is flagged."""


class CampaignWarning(UserWarning):
    """A store was mended on the way: cells whose files are gone or damaged count as not done."""


class PartialTrialsError(NeurolabError, ValueError):
    """Trials of which some lesions are still to come (a shard, a stopped campaign) were asked for an analysis."""


class CampaignIncomplete(NeurolabError):
    """A campaign has ended and some of its lesions could not be computed; all others are finished and kept.

    ``trials`` are the partial trials, ``failed`` says of each lesion that failed what its error was.
    """

    def __init__(self, message: str, *, trials: object = None, failed: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.trials = trials
        self.failed = dict(failed or {})


def did_you_mean(given: object, known: Iterable[object], *, n: int = 3) -> str:
    """Get ``" Did you mean 'block4'?"`` for the nearest of the known names, or an empty string.

    Capitals do not count. A name of one sign is near to short words alone: nobody who types "fc1" means the module "1".

    Example
    -------
    >>> did_you_mean("block5", ["block4", "head"]), did_you_mean("id", ["ID", "age"])
    (" Did you mean 'block4'?", " Did you mean 'ID'?")
    """
    names = dict.fromkeys(name for name in map(str, known) if len(name) > 1 or len(str(given)) < 3)
    folded = {name: name.casefold() for name in names}
    alike = difflib.get_close_matches(str(given).casefold(), list(dict.fromkeys(folded.values())), n=n, cutoff=0.5)
    near = [name for one in alike for name in folded if folded[name] == one][:n]
    return f" Did you mean {' or '.join(repr(name) for name in near)}?" if near else ""


def listed(names: Iterable[object], *, most: int = 12, empty: str = "none") -> str:
    """Get the names as one readable list, cut after ``most``; ``empty`` where there are none.

    Example
    -------
    >>> listed(["a", "b", "c"], most=2), listed([])
    ("'a', 'b', … (3 in all)", 'none')
    """
    every = [repr(str(name)) for name in names]
    if not every:
        return empty
    return ", ".join(every) if len(every) <= most else ", ".join(every[:most]) + f", … ({len(every)} in all)"


def amount(n: float, one: str, many: str = "") -> str:
    """Get a number with what is counted, in the number that fits.

    Example
    -------
    >>> amount(1, "unit"), amount(3, "unit"), amount(0, "stimulus", "stimuli")
    ('1 unit', '3 units', '0 stimuli')
    """
    number = str(int(n)) if n == int(n) else f"{n:.4g}"
    return f"{number} {one if n == 1 else many or one + 's'}"
