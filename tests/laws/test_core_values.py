"""Laws of stimulus sets, regions, lesions and designs."""

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurolab as nl
from neurolab.chance import generator
from neurolab.digest import digest_of


def stimuli(n_per_condition=6, conditions=("faces", "objects")):
    condition = np.repeat(conditions, n_per_condition)
    table = pd.DataFrame({"stimulus_id": [f"s{i:03d}" for i in range(len(condition))], "condition": condition})
    return nl.StimulusSet("made", np.arange(len(condition) * 2.0).reshape(-1, 2), table)


def pool(n_units=30, n_sites=2, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((12, n_units * n_sites)) * rng.uniform(0.5, 2, n_units * n_sites)
    return nl.make_recording(
        values,
        presentation={"stimulus_id": [f"s{i}" for i in range(12)], "condition": ["a", "b"] * 6},
        neuroid={
            "site": np.repeat([f"site{k}" for k in range(n_sites)], n_units),
            "unit": np.tile(range(n_units), n_sites),
        },
        kind="simulated",
    )


@given(n=st.integers(2, 4), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_split__is_a_balanced_partition_that_the_seed_decides(n, seed):
    whole = stimuli(8)
    parts = whole.split(n, rng=seed)
    assert sorted(i for part in parts for i in part.ids) == sorted(whole.ids)
    sizes = [part.table["condition"].value_counts() for part in parts]
    assert all(abs(a["faces"] - b["faces"]) <= 1 for a in sizes for b in sizes)
    assert [part.ids for part in parts] == [part.ids for part in whole.split(n, rng=seed)]


def test_split__another_seed_is_another_split():
    whole = stimuli(20)
    assert whole.split(2, rng=0)[0].ids != whole.split(2, rng=1)[0].ids


def test_split__keeps_matched_items_together():
    whole = stimuli(8)
    paired = nl.StimulusSet("pairs", whole.inputs, whole.table.assign(group=np.tile(range(8), 2)))
    first, second = paired.split(2, rng=3)
    assert set(first.table["group"]).isdisjoint(second.table["group"])


units = st.sets(st.integers(0, 40), min_size=1)


@given(a=units, b=units, c=units)
@settings(max_examples=50, deadline=None)
def test_roi__algebra(a, b, c):
    A, B, C = (nl.ROI(name, {"conv": sorted(x)}) for name, x in zip("abc", (a, b, c)))
    assert (A | B).digest == (B | A).digest
    assert ((A | B) | C).digest == (A | (B | C)).digest
    assert (A - B).n_units + (A & B).n_units == A.n_units
    assert A.dice(B) == B.dice(A) == pytest.approx(2 * len(a & b) / (len(a) + len(b)))


def test_roi__remembers_the_stimuli_of_both():
    a, b = nl.ROI("a", {"x": [1]}, chosen_on=frozenset({"s1"})), nl.ROI("b", {"x": [2]}, chosen_on=frozenset({"s2"}))
    assert (a | b).chosen_on == {"s1", "s2"}


def test_roi__mask_and_complement_share_out_the_valid_neuroids():
    recording = pool()
    valid = np.ones(60, bool)
    valid[[3, 40]] = False
    recording = recording.assign_coords(valid=("neuroid", valid))
    roi = nl.ROI("a", {"site0": [0, 5], "site1": [7]})
    assert np.flatnonzero(roi.mask(recording)).tolist() == [0, 5, 37]
    outside = roi.complement(recording)
    assert outside.n_units == 60 - 3 - 2


def test_lesion__digest_is_about_what_is_done_and_id_about_what_it_is_called():
    roi = nl.ROI("a", {"conv": [1, 2]})
    one, other = nl.Lesion(roi, nl.Zero()), nl.Lesion(roi.renamed("b"), nl.Zero())
    assert one.digest == other.digest
    assert one.id != other.id
    assert one.digest != nl.Lesion(roi, nl.Scale(0.5)).digest
    assert one.digest != nl.Lesion(nl.ROI("a", {"conv": [1, 3]}), nl.Zero()).digest


def test_ablation__digest_knows_its_reference():
    a, b = nl.Mean(pool(seed=0)), nl.Mean(pool(seed=1))
    assert a.digest != b.digest
    assert a.digest == nl.Mean(pool(seed=0)).digest
    mean, sd = a.statistics("site1", np.array([4]))
    values = pool(seed=0).values[:, 34]
    assert mean[0] == pytest.approx(values.mean())
    assert sd[0] == pytest.approx(values.std(ddof=1))


@given(seed=st.integers(0, 500), draws=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_dose_ladder__nests(seed, draws):
    whole = nl.Lesion(nl.ROI("area", {"x": range(7), "y": range(5)}), nl.Zero())
    rungs = nl.dose_ladder(whole, [0.1, 0.3, 0.6, 1.0], n_draws=draws, rng=seed)
    for draw in range(draws):
        ladder = rungs[draw * 4 : draw * 4 + 4]
        for small, large in itertools.pairwise(ladder):
            assert (small.roi - large.roi).n_units == 0
        assert ladder[-1].roi.digest == whole.roi.digest


@given(seed=st.integers(0, 300), match=st.sampled_from([("site",), ("site", "activity"), ("site", "mean"), ("sd",)]))
@settings(max_examples=25, deadline=None)
def test_matched_controls__same_count_per_site_disjoint_and_all_different(seed, match):
    recording = pool()
    target = nl.Lesion(nl.ROI("area", {"site0": [0, 3, 9], "site1": [2]}), nl.Zero())
    controls = nl.matched_controls(target, recording, 20, match=match, rng=seed)
    assert len({control.roi.digest for control in controls}) == 20
    assert len({control.id for control in controls}) == 20
    for control in controls:
        assert {site: len(units) for site, units in control.roi.units.items()} == {"site0": 3, "site1": 1}
        assert (control.roi & target.roi).n_units == 0


def test_matched_controls__new_seed_new_masks_same_seed_same_masks():
    target = nl.Lesion(nl.ROI("area", {"site0": [0, 3, 9]}), nl.Zero())
    draws = [[c.roi.digest for c in nl.matched_controls(target, pool(), 5, rng=seed)] for seed in (0, 0, 1)]
    assert draws[0] == draws[1]
    assert not set(draws[0]) & set(draws[2])


def test_matched_controls__matching_on_activity_brings_them_nearer():
    recording = pool(n_units=200, n_sites=1)
    mean = recording.values.mean(0)
    target = nl.Lesion(nl.ROI("area", {"site0": np.argsort(mean)[-10:]}), nl.Zero())

    def gap(match):
        controls = nl.matched_controls(target, recording, 30, match=match, caliper=0.25, rng=0)
        return abs(
            np.mean([mean[c.roi.units["site0"]].mean() for c in controls]) - mean[target.roi.units["site0"]].mean()
        )

    assert gap(("site", "mean")) < 0.5 * gap(("site",))


def test_pairs__are_unions():
    a, b, c = (nl.Lesion(nl.ROI(name, {"x": [k]}), nl.Zero()) for k, name in enumerate("abc"))
    assert [pair.name for pair in nl.pairs([a, b, c])] == ["a + b", "a + c", "b + c"]
    assert nl.pairs([a, b])[0].roi.units["x"].tolist() == [0, 1]


def test_generator__streams_depend_on_the_address_not_on_the_order():
    first = generator(5, "noise", "a").standard_normal(4)
    generator(5, "noise", "b").standard_normal(100)
    assert np.array_equal(first, generator(5, "noise", "a").standard_normal(4))
    assert not np.array_equal(first, generator(5, "noise", "b").standard_normal(4))
    assert not np.array_equal(first, generator(0, "noise", "a").standard_normal(4))


def test_digest__tells_shape_dtype_and_content_apart():
    x = np.arange(6)
    distinct = {
        digest_of(x),
        digest_of(x.reshape(2, 3)),
        digest_of(x.astype(float)),
        digest_of(x[::-1]),
        digest_of("x"),
    }
    assert len(distinct) == 5
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_load__knows_a_result_before_its_verb_was_used(tmp_path):
    from neurolab.analysis import deficits
    from neurolab.simulate import phantom_trials
    from neurolab.storage import save

    save(deficits(phantom_trials(rng=0), rng=0), tmp_path / "found.nc")
    code = "import sys, neurolab as nl; print(nl.load(sys.argv[1]).attrs['analysis'])"
    words = [sys.executable, "-c", code, str(tmp_path / "found.nc")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "deficits"


def test_random_lesions__never_repeat_a_set():
    pool = nl.simulate.phantom_recording(n_units=6, rng=0)
    units = pool.sizes["neuroid"]
    most = units * (units - 1) // 2
    drawn = nl.random_lesions(pool, nl.Zero(), most, n_units=2, rng=0)
    assert len({lesion.roi.digest for lesion in drawn}) == most
    with pytest.raises(nl.errors.DesignError, match=f"only {most} differ"):
        nl.random_lesions(pool, nl.Zero(), most + 1, n_units=2, rng=0)


def test_random_controls_of_a_lesion__carry_its_name_dose_and_size():
    pool = nl.simulate.phantom_recording(n_units=20, rng=0)
    target = nl.Lesion(nl.select_roi(nl.localise(pool, "faces > objects"), name="area", top=3), nl.Zero(), dose=0.5)
    free, bound = (nl.random_lesions(pool, nl.Zero(), 4, rng=0, **size) for size in ({"n_units": 3}, {"of": target}))
    assert [one.roi.digest for one in bound] == [one.roi.digest for one in free]
    assert {(one.name, one.role, one.family, one.dose) for one in bound} == {("area", "control", "random", 0.5)}
    assert [one.draw for one in bound] == [1, 2, 3, 4]
    for size in ({}, {"n_units": 3, "of": target}):
        with pytest.raises(nl.errors.DesignError, match="one of them"):
            nl.random_lesions(pool, nl.Zero(), 4, rng=0, **size)


def test_with_controls__is_the_target_and_both_families_as_drawn_by_hand():
    pool = nl.simulate.phantom_recording(n_units=40, rng=0)
    target = nl.Lesion(nl.select_roi(nl.localise(pool, "faces > objects"), name="area", top=3), nl.Zero())
    design = nl.analysis.with_controls(target, pool, 5, rng=3)
    random = nl.matched_controls(target, pool, 5, match=("site",), family="random", rng=3)
    active = nl.matched_controls(target, pool, 5, match=("site", "activity"), family="activity", rng=3)
    wanted = [target, *random, *active]
    assert [(one.id, one.family, one.digest) for one in design] == [(one.id, one.family, one.digest) for one in wanted]


def test_one_of_a_thing__is_not_many():
    one, two = (nl.ROI("area", {"conv": range(n)}) for n in (1, 2))
    assert [repr(roi) for roi in (one, two)] == ["ROI('area', 1 unit; conv: 1)", "ROI('area', 2 units; conv: 2)"]
    assert "1 unit, Zero" in repr(nl.Lesion(one, nl.Zero()))
    index = pd.DataFrame({"r": np.arange(6.0)}, index=[f"n seed {k}" for k in range(6)])
    note = nl.analysis.index_mean({"nets": index}, index="r", rng=0).attrs["note"]
    assert "Holm-corrected for 1 test, is" in note


@given(st.integers(1, 12), st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4, unique=True))
def test_a_dose_is_the_nearest_number_of_units(n, doses):
    rungs = nl.dose_ladder(nl.Lesion(nl.ROI("area", {"a": range(n)}), nl.Zero()), doses, rng=0)
    assert [rung.n_units for rung in rungs] == [max(1, round(dose * n)) for dose in doses]
