"""The torch floor: networks on the bench, recorded and examined; the only room with torch in it."""

from neurolab.specimen.ablations import ABLATIONS as ABLATIONS
from neurolab.specimen.bench import bench as bench
from neurolab.specimen.examine import examine as examine
from neurolab.specimen.record import record as record
from neurolab.specimen.specimen import Cohort as Cohort
from neurolab.specimen.specimen import Probe as Probe
from neurolab.specimen.specimen import Specimen as Specimen
from neurolab.specimen.specimen import Task as Task
