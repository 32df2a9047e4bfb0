"""Figures: a result goes in, axes come out; nothing is computed here that is not in the result."""

from neurolab.plots.best_layers import plot_best_layers as plot_best_layers
from neurolab.plots.clusters import plot_clusters as plot_clusters
from neurolab.plots.cohorts import plot_cohorts as plot_cohorts
from neurolab.plots.cohorts import plot_trend as plot_trend
from neurolab.plots.contributions import plot_minimal_set as plot_minimal_set
from neurolab.plots.contributions import plot_pairs as plot_pairs
from neurolab.plots.contributions import plot_shapley as plot_shapley
from neurolab.plots.controls import plot_controls as plot_controls
from neurolab.plots.deficits import plot_deficits as plot_deficits
from neurolab.plots.dissociation import plot_dissociation as plot_dissociation
from neurolab.plots.dose import plot_dose as plot_dose
from neurolab.plots.drawing import FIGURES as FIGURES
from neurolab.plots.drawing import drawing as drawing
from neurolab.plots.drawing import plot_for as plot_for
from neurolab.plots.held_out import plot_held_out as plot_held_out
from neurolab.plots.interaction import plot_interaction as plot_interaction
from neurolab.plots.likeness import plot_likeness as plot_likeness
from neurolab.plots.likeness import plot_likeness_change as plot_likeness_change
from neurolab.plots.localiser_matrix import plot_localiser_matrix as plot_localiser_matrix
from neurolab.plots.modules import plot_modules as plot_modules
from neurolab.plots.over_networks import plot_alignment as plot_alignment
from neurolab.plots.over_networks import plot_clusterability as plot_clusterability
from neurolab.plots.over_networks import plot_importance as plot_importance
from neurolab.plots.picked import plot_picked as plot_picked
from neurolab.plots.rates import plot_rates as plot_rates
from neurolab.plots.recovery import plot_recovery as plot_recovery
from neurolab.plots.reliability import plot_reliability as plot_reliability
from neurolab.plots.reserve import plot_reserve as plot_reserve
from neurolab.plots.robustness import plot_robustness as plot_robustness
from neurolab.plots.save import SavedFigure as SavedFigure
from neurolab.plots.save import save_figure as save_figure
from neurolab.plots.savings import plot_savings as plot_savings
from neurolab.plots.screen import plot_screen as plot_screen
from neurolab.plots.selectivity import plot_selectivity as plot_selectivity
from neurolab.plots.single_case import plot_single_case as plot_single_case
from neurolab.plots.spared import plot_spared as plot_spared
from neurolab.plots.stat_map import plot_stat_map as plot_stat_map
from neurolab.plots.style import settings as settings
from neurolab.plots.symptom_map import plot_symptom_map as plot_symptom_map
from neurolab.plots.twins import alt_text as alt_text
from neurolab.plots.twins import legend_text as legend_text
from neurolab.plots.twins import source_table as source_table

__all__ = [
    "FIGURES",
    "SavedFigure",
    "alt_text",
    "drawing",
    "legend_text",
    "plot_alignment",
    "plot_best_layers",
    "plot_clusterability",
    "plot_clusters",
    "plot_cohorts",
    "plot_controls",
    "plot_deficits",
    "plot_dissociation",
    "plot_dose",
    "plot_for",
    "plot_held_out",
    "plot_importance",
    "plot_interaction",
    "plot_likeness",
    "plot_likeness_change",
    "plot_localiser_matrix",
    "plot_minimal_set",
    "plot_modules",
    "plot_pairs",
    "plot_picked",
    "plot_rates",
    "plot_recovery",
    "plot_reliability",
    "plot_reserve",
    "plot_robustness",
    "plot_savings",
    "plot_screen",
    "plot_selectivity",
    "plot_shapley",
    "plot_single_case",
    "plot_spared",
    "plot_stat_map",
    "plot_symptom_map",
    "plot_trend",
    "save_figure",
    "settings",
    "source_table",
]

__dir__ = __all__.copy


def __getattr__(name: str) -> object:
    from neurolab.whereabouts import not_in_room

    raise AttributeError(not_in_room(name, "plots"), name=name)
