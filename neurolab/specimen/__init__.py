"""The torch floor: networks on the bench, recorded and examined; the only room with torch in it.

What to type, as ``dir(nl.specimen)`` lists it too; the modules below are where it is kept, and are not public.

Networks: ``Specimen``, ``Cohort``, ``from_folder``, ``mlp``, ``with_readout``, ``glued``, ``glued_cohort``.
Train: ``train_cohort``, ``untrained_cohort``, ``train_routed``, ``Recipe``, ``Prune``, ``Routing``, ``Training``,
``training_table``.
Record and examine: ``record``, ``examine``, ``Task``, ``Probe``, ``Padded``, ``padded``, ``predicted_bytes``,
``screen``, ``bench``.
Lesion and go on: ``remove_units``, ``retrain``, ``restored``, ``before_and_after``, ``matched_design``,
``kept_by_magnitude``, ``ABLATIONS``, ``OnWeights``.
Stimulate: ``electrode``, ``Inject``, ``takeover``, ``Withstood``.
Texts and heads: ``generate``, ``Greedy``, ``head_tasks``, ``condition_tasks``.
Weights as graphs: ``structure``, ``structures``.
"""

from neurolab.specimen import phantoms as phantoms
from neurolab.specimen import zoo as zoo
from neurolab.specimen.ablations import ABLATIONS as ABLATIONS
from neurolab.specimen.ablations import OnWeights as OnWeights
from neurolab.specimen.architectures import mlp as mlp
from neurolab.specimen.bench import bench as bench
from neurolab.specimen.beside import matched_design as matched_design
from neurolab.specimen.beside import restored as restored
from neurolab.specimen.electrodes import Inject as Inject
from neurolab.specimen.electrodes import Withstood as Withstood
from neurolab.specimen.electrodes import electrode as electrode
from neurolab.specimen.electrodes import takeover as takeover
from neurolab.specimen.examine import examine as examine
from neurolab.specimen.feeds import Padded as Padded
from neurolab.specimen.feeds import padded as padded
from neurolab.specimen.folder import from_folder as from_folder
from neurolab.specimen.generate import Greedy as Greedy
from neurolab.specimen.generate import generate as generate
from neurolab.specimen.glue import glued as glued
from neurolab.specimen.glue import glued_cohort as glued_cohort
from neurolab.specimen.head_scores import condition_tasks as condition_tasks
from neurolab.specimen.head_scores import head_tasks as head_tasks
from neurolab.specimen.magnitude import kept_by_magnitude as kept_by_magnitude
from neurolab.specimen.readout import with_readout as with_readout
from neurolab.specimen.recipe import Prune as Prune
from neurolab.specimen.recipe import Recipe as Recipe
from neurolab.specimen.record import predicted_bytes as predicted_bytes
from neurolab.specimen.record import record as record
from neurolab.specimen.removal import remove_units as remove_units
from neurolab.specimen.retraining import retrain as retrain
from neurolab.specimen.routed import Routing as Routing
from neurolab.specimen.routed import train_routed as train_routed
from neurolab.specimen.screening_run import screen as screen
from neurolab.specimen.specimen import Cohort as Cohort
from neurolab.specimen.specimen import Probe as Probe
from neurolab.specimen.specimen import Specimen as Specimen
from neurolab.specimen.specimen import Task as Task
from neurolab.specimen.train import train_cohort as train_cohort
from neurolab.specimen.train import untrained_cohort as untrained_cohort
from neurolab.specimen.training import Training as Training
from neurolab.specimen.training import training_table as training_table
from neurolab.specimen.twice import before_and_after as before_and_after
from neurolab.specimen.unit_edges import structure as structure
from neurolab.specimen.unit_edges import structures as structures

__all__ = [
    "ABLATIONS",
    "Cohort",
    "Greedy",
    "Inject",
    "OnWeights",
    "Padded",
    "Probe",
    "Prune",
    "Recipe",
    "Routing",
    "Specimen",
    "Task",
    "Training",
    "Withstood",
    "before_and_after",
    "bench",
    "condition_tasks",
    "electrode",
    "examine",
    "from_folder",
    "generate",
    "glued",
    "glued_cohort",
    "head_tasks",
    "kept_by_magnitude",
    "matched_design",
    "mlp",
    "padded",
    "predicted_bytes",
    "record",
    "remove_units",
    "restored",
    "retrain",
    "screen",
    "structure",
    "structures",
    "takeover",
    "train_cohort",
    "train_routed",
    "training_table",
    "untrained_cohort",
    "with_readout",
]

__dir__ = __all__.copy
