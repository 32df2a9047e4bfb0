"""Verbs on recordings and trials: each takes data and gives a labelled result. No network is run here."""

from typing import TYPE_CHECKING

import lazy_loader as _lazy

if TYPE_CHECKING:
    from neurolab.analysis.across import compare_cohorts
    from neurolab.analysis.adjacency import Nearest, Within, neighbours
    from neurolab.analysis.aligned import alignment
    from neurolab.analysis.alike import RSA, compare
    from neurolab.analysis.alike_others import compare_models
    from neurolab.analysis.along import trend
    from neurolab.analysis.battery import damage_battery, unit_coalitions
    from neurolab.analysis.before import design_check
    from neurolab.analysis.case import single_case
    from neurolab.analysis.claimed import claim, claims
    from neurolab.analysis.clump_forming import ClusterMass, Tfce
    from neurolab.analysis.clumps import clusters
    from neurolab.analysis.communities import Leiden, Louvain, Spectral
    from neurolab.analysis.contributions import shapley
    from neurolab.analysis.control_families import with_controls
    from neurolab.analysis.controls import against_controls
    from neurolab.analysis.cut_of_networks import clusterability
    from neurolab.analysis.cut_out import cluster_lesions
    from neurolab.analysis.cut_table import cut_indices
    from neurolab.analysis.damaged import damage_indices, intact_indices
    from neurolab.analysis.deficit import deficits
    from neurolab.analysis.dissociate import dissociation
    from neurolab.analysis.distances import dissimilarities
    from neurolab.analysis.dose import dose_response
    from neurolab.analysis.dosing import choose_doses
    from neurolab.analysis.functional import functional_labels, unit_lesions
    from neurolab.analysis.game_numbers import game_indices
    from neurolab.analysis.greedy import greedy_roi
    from neurolab.analysis.heldout import held_out
    from neurolab.analysis.important import importance
    from neurolab.analysis.in_pairs import pair_interactions
    from neurolab.analysis.laddered import disjoint_lesions, dosed_lesions, nested_lesions
    from neurolab.analysis.legible import tuning_indices
    from neurolab.analysis.lesion_rows import lesion_matrix
    from neurolab.analysis.localiser import localise
    from neurolab.analysis.matrix import localiser_matrix
    from neurolab.analysis.models import mixed
    from neurolab.analysis.noise import robustness
    from neurolab.analysis.ordered import pruning_map, unit_map
    from neurolab.analysis.own_index import index_mean
    from neurolab.analysis.partition import modules
    from neurolab.analysis.picked import picked_dissociation
    from neurolab.analysis.planning import power
    from neurolab.analysis.profiles import indices_of, profile
    from neurolab.analysis.readable import decode
    from neurolab.analysis.relearn import recovery
    from neurolab.analysis.reliability import map_reliability
    from neurolab.analysis.removed import reserve
    from neurolab.analysis.reselect import reselected_controls
    from neurolab.analysis.rungs import arm_scores, smallest_dose
    from neurolab.analysis.saved import savings, savings_by_arm
    from neurolab.analysis.select import select_roi
    from neurolab.analysis.set_numbers import minimal_indices
    from neurolab.analysis.smallest import minimal_set, search_minimal_set
    from neurolab.analysis.spare import spared
    from neurolab.analysis.symptoms import symptom_map
    from neurolab.analysis.together import interaction
    from neurolab.analysis.two_models import best_layers
    from neurolab.analysis.unit_graph import Correlation, layered_graph

# Files are not called like the verbs they hold: a submodule would hide the function of the same name.
_VERBS = {
    "across": ["compare_cohorts"],
    "adjacency": ["Nearest", "Within", "neighbours"],
    "alike": ["RSA", "compare"],
    "alike_others": ["compare_models"],
    "along": ["trend"],
    "aligned": ["alignment"],
    "battery": ["damage_battery", "unit_coalitions"],
    "before": ["design_check"],
    "case": ["single_case"],
    "claimed": ["claim", "claims"],
    "clump_forming": ["ClusterMass", "Tfce"],
    "clumps": ["clusters"],
    "contributions": ["shapley"],
    "communities": ["Leiden", "Louvain", "Spectral"],
    "control_families": ["with_controls"],
    "controls": ["against_controls"],
    "cut_of_networks": ["clusterability"],
    "cut_out": ["cluster_lesions"],
    "cut_table": ["cut_indices"],
    "damaged": ["damage_indices", "intact_indices"],
    "deficit": ["deficits"],
    "dissociate": ["dissociation"],
    "distances": ["dissimilarities"],
    "dose": ["dose_response"],
    "dosing": ["choose_doses"],
    "functional": ["functional_labels", "unit_lesions"],
    "game_numbers": ["game_indices"],
    "greedy": ["greedy_roi"],
    "heldout": ["held_out"],
    "readable": ["decode"],
    "important": ["importance"],
    "in_pairs": ["pair_interactions"],
    "laddered": ["disjoint_lesions", "dosed_lesions", "nested_lesions"],
    "legible": ["tuning_indices"],
    "lesion_rows": ["lesion_matrix"],
    "localiser": ["localise"],
    "matrix": ["localiser_matrix"],
    "models": ["mixed"],
    "noise": ["robustness"],
    "ordered": ["pruning_map", "unit_map"],
    "own_index": ["index_mean"],
    "partition": ["modules"],
    "picked": ["picked_dissociation"],
    "planning": ["power"],
    "profiles": ["indices_of", "profile"],
    "relearn": ["recovery"],
    "reliability": ["map_reliability"],
    "removed": ["reserve"],
    "reselect": ["reselected_controls"],
    "rungs": ["arm_scores", "smallest_dose"],
    "saved": ["savings", "savings_by_arm"],
    "select": ["select_roi"],
    "set_numbers": ["minimal_indices"],
    "smallest": ["minimal_set", "search_minimal_set"],
    "spare": ["spared"],
    "symptoms": ["symptom_map"],
    "together": ["interaction"],
    "two_models": ["best_layers"],
    "unit_graph": ["Correlation", "layered_graph"],
}

__all__ = [
    "RSA",
    "ClusterMass",
    "Correlation",
    "Leiden",
    "Louvain",
    "Nearest",
    "Spectral",
    "Tfce",
    "Within",
    "against_controls",
    "alignment",
    "arm_scores",
    "best_layers",
    "choose_doses",
    "claim",
    "claims",
    "cluster_lesions",
    "clusterability",
    "clusters",
    "compare",
    "compare_cohorts",
    "compare_models",
    "cut_indices",
    "damage_battery",
    "damage_indices",
    "decode",
    "deficits",
    "design_check",
    "disjoint_lesions",
    "dissimilarities",
    "dissociation",
    "dose_response",
    "dosed_lesions",
    "functional_labels",
    "game_indices",
    "greedy_roi",
    "held_out",
    "importance",
    "index_mean",
    "indices_of",
    "intact_indices",
    "interaction",
    "layered_graph",
    "lesion_matrix",
    "localise",
    "localiser_matrix",
    "map_reliability",
    "minimal_indices",
    "minimal_set",
    "mixed",
    "modules",
    "neighbours",
    "nested_lesions",
    "pair_interactions",
    "picked_dissociation",
    "power",
    "profile",
    "pruning_map",
    "recovery",
    "reselected_controls",
    "reserve",
    "robustness",
    "savings",
    "savings_by_arm",
    "search_minimal_set",
    "select_roi",
    "shapley",
    "single_case",
    "smallest_dose",
    "spared",
    "symptom_map",
    "trend",
    "tuning_indices",
    "unit_coalitions",
    "unit_lesions",
    "unit_map",
    "with_controls",
]

_load, __dir__, _ = _lazy.attach(__name__, submod_attrs=_VERBS)


def __getattr__(name: str) -> object:
    if name in __all__ or name.startswith("_"):
        return _load(name)
    from neurolab.whereabouts import not_in_room

    raise AttributeError(not_in_room(name, "analysis"), name=name)
