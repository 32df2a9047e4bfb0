"""Stimuli whose ids, groups, gaps and twins were once read wrongly without a word."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.analysis import decode, rungs
from neurolab.errors import DataError, DesignError, DoubleDippingError, SchemaError
from neurolab.recording import stimuli_of
from neurolab.trials import make_trials

N = 24
X = np.random.default_rng(0).standard_normal((N, 5)).astype(np.float32)
TABLE = {"stimulus_id": [f"i{at}" for at in range(N)], "condition": ["x", "y"] * (N // 2)}


def stimuli(**columns):
    return nl.StimulusSet("shown", X, pd.DataFrame({**TABLE, **columns}))


# -- one id, however it is written -------------------------------------------------------------------------------------

WHOLE = [np.arange(N), np.arange(N) * 1.0, np.arange(N, dtype=np.float32), list(map(float, range(N))),
         np.arange(N).astype(object) * 1.0, pd.array(range(N), dtype="Int64"), list(map(str, range(N)))]  # fmt: skip


@pytest.mark.parametrize("ids", WHOLE, ids=lambda ids: str(getattr(ids, "dtype", type(ids[0]).__name__)))
def test_whole_numbers__are_one_id_however_they_are_written(ids):
    wanted = list(map(str, range(N)))
    assert list(stimuli(stimulus_id=ids).ids) == wanted
    assert list(nl.StimulusSet("m", X, {**TABLE, "stimulus_id": ids}).ids) == wanted
    found = nl.make_recording(X, presentation={**TABLE, "stimulus_id": ids}, kind="brain")
    assert found["stimulus_id"].values.tolist() == stimuli_of(found) == wanted
    plain = found.assign_coords(stimulus_id=("presentation", np.asarray(ids)))
    assert stimuli_of(plain) == wanted
    roi = nl.select_roi(nl.localise(plain, "x > y"), name="r", top=2)
    assert roi.chosen_on == set(wanted)
    with pytest.raises(DoubleDippingError, match="chosen on 24 of these stimuli"):
        decode(plain, roi=roi, n_permutations=19, rng=0)


def test_ids_that_are_no_whole_numbers__stay_as_they_are():
    given = ["007", "7.0", 0.5, "1e3", *TABLE["stimulus_id"][4:]]
    assert stimuli(stimulus_id=given).ids[:4] == ("007", "7.0", "0.5", "1e3")
    days = pd.date_range("2020-01-01", periods=N)
    assert stimuli(stimulus_id=days).ids[0] == "2020-01-01"
    with pytest.raises(SchemaError, match="repeats the stimulus_id '1'"):
        stimuli(stimulus_id=pd.Series(["1", 1.0, *range(2, N)], dtype=object))


def test_ids_after_a_merge_with_a_gap__are_known_to_have_chosen():
    torch.manual_seed(0)
    net = nl.Specimen(nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2)), X[:2], name="net")
    first = stimuli(stimulus_id=range(N), label=[0, 1] * (N // 2))
    roi = nl.select_roi(nl.localise(nl.record(net, first, ["0"]), "x > y"), name="r", top=3)
    merged = pd.DataFrame({"stimulus_id": [*range(N), None]}).iloc[:N]
    again = nl.Task("again", stimuli(stimulus_id=merged["stimulus_id"], label=[0, 1] * (N // 2)), nl.scores.accuracy)
    assert merged["stimulus_id"].dtype == float
    with pytest.raises(DoubleDippingError, match="shows 24 of the stimuli"):
        nl.examine(net, [nl.Lesion(roi, nl.Zero())], [again])


# -- gaps --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [np.nan, None, pd.NA])
def test_a_gap_among_texts__is_a_gap_in_a_mapping_too(gap):
    for column in ("condition", "stimulus_id"):
        cells = [*TABLE[column][:-1], gap]
        for table in ({**TABLE, column: cells}, pd.DataFrame({**TABLE, column: cells})):
            with pytest.raises(DataError, match=f"lacks the {column} of 1 stimuli .the first is row {N - 1}"):
                nl.StimulusSet("x", X, table)
    kept = nl.StimulusSet("x", X, {**TABLE, "kind": ["a", gap] * (N // 2)})
    assert kept.table["kind"].isna().sum() == N // 2
    assert nl.StimulusSet("x", X, {**TABLE, "kind": ["a", 1] * (N // 2)}).table["kind"].tolist()[:2] == ["a", "1"]


@pytest.mark.parametrize("label", [[0, 1, np.nan] * 8, ["a", "b", None] * 8])
def test_split__loses_no_stimulus_in_silence(label):
    shown = stimuli(label=label)
    with pytest.raises(DataError, match=r"8 of 24 stimuli.*no 'label' \(the first is row 2\)"):
        shown.split(2, by="label", rng=0)
    halves = shown.take(shown.table["label"].notna()).split(2, by="label", rng=0)  # as the message says
    assert [len(half) for half in halves] == [8, 8]


@pytest.mark.parametrize("group", [[0.0, 1.0, np.nan, 3.0] * 6, ["a", "b", None, "c"] * 6])
def test_split__a_missing_group_is_a_group_of_its_own(group):
    shown = stimuli(group=group)
    spread = set()
    for seed in range(20):
        one, other = shown.split(2, rng=seed)
        assert set(one.ids).isdisjoint(other.ids)
        assert len(one) + len(other) == N
        assert set(one.table["group"].dropna()).isdisjoint(other.table["group"].dropna())
        spread.add(int(one.table["group"].isna().sum()))
    assert not spread & {0, 6}  # never all of them together


def test_split__deals_as_before_where_there_are_no_twins():
    halves = stimuli(group=list(range(12)) * 2).split(2, rng=0)
    assert halves[0].ids == tuple(f"i{at}" for at in (3, 4, 5, 6, 9, 10, 15, 16, 17, 18, 21, 22))
    assert stimuli().split(2, rng=0)[0].ids == tuple(f"i{at}" for at in (0, 3, 4, 5, 8, 9, 11, 14, 17, 20, 22, 23))


# -- marked twins ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [{}, {"condition": "lit"}, {"group": range(N, 2 * N)}])
def test_split__twins_stay_together(columns):
    plain = stimuli(**({"group": range(N)} if "group" in columns else {}))
    both = plain.joined(plain.marked([0], mark="lit", **columns))
    for seed in range(5):
        one, other = both.split(2, rng=seed)
        assert not one.origins & other.origins
        assert len(one) == len(other) == N


def test_split__twins_and_groups_together_may_leave_one_set_only():
    chained = stimuli(group=list(range(N)))
    both = chained.joined(chained.marked([0], mark="lit").assign(group=[*range(1, N), 0]))
    with pytest.raises(DesignError, match="too few stimuli"):
        both.split(2, rng=0)


def test_unmarked__a_gap_is_no_common_origin():
    marked = stimuli().take([0, 1]).marked([0], mark="lit")
    table = pd.concat([pd.DataFrame(TABLE), marked.table], ignore_index=True)
    both = nl.StimulusSet("both", np.concatenate([X, marked.inputs]), table)
    assert both.table["unmarked"].tolist() == [*TABLE["stimulus_id"], "i0", "i1"]
    assert "nan" not in both.origins
    found = nl.make_recording(both.inputs, presentation=table, kind="brain")
    assert "nan" not in stimuli_of(found)


# -- take --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        (np.ones(3, bool), DataError, r"mask of shape \(3,\); expected \(24,\)"),
        (np.ones(30, bool), DataError, r"mask of shape \(30,\)"),
        ([0.9, 1.2], DataError, "expected positions"),
        ([np.nan], DataError, "expected positions"),
        (["i0"], DataError, "expected positions"),
        (3, DataError, "expected positions"),
        (pd.array([True, False, None] * 8, dtype="boolean"), DataError, r"mask\.fillna\(False\)"),
        ([99], DataError, "from 99 to 99; there are 24 stimuli, 0 to 23"),
        ([-25], DataError, "from -25 to -25"),
        (pd.Series(TABLE["condition"]).sort_values() == "x", SchemaError, r"an index of its own.*mask\.sort_index\(\)"),
        (pd.Series([True] * N, index=range(1, N + 1)), SchemaError, r"mask\.to_numpy\(\)"),
    ],
    ids=str,
)
def test_take__what_names_no_stimuli_is_told(rows, error, said):
    with pytest.raises(error, match=said):
        stimuli().take(rows)


def test_take__positions_and_masks():
    shown = stimuli()
    mask = shown.table["condition"] == "x"
    wanted = tuple(TABLE["stimulus_id"][::2])
    for rows in (mask, mask.to_numpy(), mask.tolist(), mask.astype(object), mask.astype("boolean"), range(0, N, 2),
                 np.arange(0, N, 2) * 1.0, mask.sort_index(ascending=False).sort_index()):  # fmt: skip
        assert shown.take(rows).ids == wanted
    assert shown.take([-1, 0]).ids == ("i23", "i0")
    assert len(shown.take([])) == len(shown.take(np.zeros(N, bool))) == 0


def test_ids_as_floats__are_one_id_in_trials_and_regions_too():
    trials = make_trials(
        np.ones((1, 1, 2)), specimen=["net"],
        trial={"task": ["t"] * 2, "stimulus_id": [0.0, 1.5], "condition": ["x"] * 2},
        lesions={"lesion_id": ["sham"], "roi": ["sham"], "role": ["sham"]}, kind="ann",
        tasks={"t": {"unit": "hits", "bounded": True, "chance": 0.5}},
    )  # fmt: skip
    assert trials["stimulus_id"].values.tolist() == ["0", "1.5"]
    assert rungs.stimuli_of(trials, "t") == {"0", "1.5"}
    assert rungs.stimuli_of(trials.assign_coords(stimulus_id=("trial", [0.0, 1.5])), "t") == {"0", "1.5"}
    assert nl.ROI("r", {"a": np.arange(2)}, chosen_on=[0.0, 1.5, "7"]).chosen_on == {"0", "1.5", "7"}
