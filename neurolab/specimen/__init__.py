"""The torch floor: networks on the bench, recorded and examined; the only room with torch in it."""

from neurolab.specimen import phantoms as phantoms
from neurolab.specimen import zoo as zoo
from neurolab.specimen.ablations import ABLATIONS as ABLATIONS
from neurolab.specimen.ablations import OnWeights as OnWeights
from neurolab.specimen.bench import bench as bench
from neurolab.specimen.examine import examine as examine
from neurolab.specimen.feeds import Padded as Padded
from neurolab.specimen.feeds import padded as padded
from neurolab.specimen.folder import from_folder as from_folder
from neurolab.specimen.generate import Greedy as Greedy
from neurolab.specimen.generate import generate as generate
from neurolab.specimen.glue import glued as glued
from neurolab.specimen.readout import with_readout as with_readout
from neurolab.specimen.record import predicted_bytes as predicted_bytes
from neurolab.specimen.record import record as record
from neurolab.specimen.screening_run import screen as screen
from neurolab.specimen.specimen import Cohort as Cohort
from neurolab.specimen.specimen import Probe as Probe
from neurolab.specimen.specimen import Specimen as Specimen
from neurolab.specimen.specimen import Task as Task
from neurolab.specimen.structure import structure as structure
from neurolab.specimen.train import Recipe as Recipe
from neurolab.specimen.train import train_cohort as train_cohort
