"""Figures: a result goes in, axes come out; nothing is computed here that is not in the result."""

from neurolab.plots.controls import plot_controls as plot_controls
from neurolab.plots.deficits import plot_deficits as plot_deficits
from neurolab.plots.dissociation import plot_dissociation as plot_dissociation
from neurolab.plots.dose import plot_dose as plot_dose
from neurolab.plots.drawing import FIGURES as FIGURES
from neurolab.plots.drawing import drawing as drawing
from neurolab.plots.drawing import plot_for as plot_for
from neurolab.plots.held_out import plot_held_out as plot_held_out
from neurolab.plots.interaction import plot_interaction as plot_interaction
from neurolab.plots.localiser_matrix import plot_localiser_matrix as plot_localiser_matrix
from neurolab.plots.picked import plot_picked as plot_picked
from neurolab.plots.rates import plot_rates as plot_rates
from neurolab.plots.recovery import plot_recovery as plot_recovery
from neurolab.plots.reliability import plot_reliability as plot_reliability
from neurolab.plots.robustness import plot_robustness as plot_robustness
from neurolab.plots.save import SavedFigure as SavedFigure
from neurolab.plots.save import save_figure as save_figure
from neurolab.plots.selectivity import plot_selectivity as plot_selectivity
from neurolab.plots.single_case import plot_single_case as plot_single_case
from neurolab.plots.spared import plot_spared as plot_spared
from neurolab.plots.stat_map import plot_stat_map as plot_stat_map
from neurolab.plots.style import settings as settings
from neurolab.plots.symptom_map import plot_symptom_map as plot_symptom_map
from neurolab.plots.twins import alt_text as alt_text
from neurolab.plots.twins import legend_text as legend_text
from neurolab.plots.twins import source_table as source_table
