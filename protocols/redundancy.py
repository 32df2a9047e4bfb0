"""Do parts of a network stand in for one another, and does training with noise make them?  Every coalition of units.

Small networks, so that all sets of hidden units can be lesioned: Shapley values, pairs and smallest sets are exact. A
unit of one network is no unit of another; what is compared over networks is the shape of each network's game. Accuracy
has a ceiling under which single losses hide; the margin has none, so that everything is asked of both.
"""

from functools import partial

import neurolab as nl

RECIPES = {"control": {}, "dropout": {"dropout": 0.2}, "activation noise": {"activation_noise": 0.5}}
SCORES = {"accuracy": nl.scores.accuracy, "margin": nl.scores.margin}
CLAIMS = {
    "Dropout makes units more redundant: the index R rises, whichever its sign.": ("redundancy", "more"),
    "After dropout the cost of single units agrees less with what they contribute.": ("single against Shapley", "less"),
    "After dropout it takes more units to suppress half of the task.": ("smallest set", "more"),
}
SIGN = "With dropout units are redundant: alone they cost less, in sum, than all together (R above 0)."


def main(*, rng=0, quick=False):
    n, n_units, step = (6, 8, 6) if quick else (8, 11, 3)
    train, held_out = nl.datasets.load_stimuli("digits-train"), nl.datasets.load_stimuli("digits")
    choose, test = held_out.take(range(0, len(held_out), step)), held_out.take(range(1, len(held_out), step))
    tasks = [nl.Task(name, test, score) for name, score in SCORES.items()]
    build = partial(nl.specimen.mlp, 64, n_units, 10)

    def design(network):
        return nl.analysis.unit_coalitions(nl.record(network, choose, ["1"]), nl.Zero())

    profiles, found = {name: {} for name in SCORES}, {}
    for condition, settings in RECIPES.items():
        recipe = nl.specimen.Recipe(epochs=60, learning_rate=5e-3, **settings)
        cohort = nl.train_cohort(build, train, n=n, recipe=recipe, name=condition, rng=rng)
        trials, training = nl.examine(cohort, design, tasks), nl.specimen.training_table(cohort)
        intact = nl.analysis.intact_indices(trials, task="accuracy")
        able = trials.sel(specimen=intact.index[intact["accuracy"] > 0.2])  # near chance (.1) nothing can be lost
        for score in SCORES:
            parts = [intact]
            if able.sizes["specimen"] > 1:
                parts.append(nl.analysis.game_indices(nl.analysis.shapley(able, task=score, rng=rng), able))
                parts.append(nl.analysis.minimal_indices(able, task=score, costing=0.5, rng=rng))
            profiles[score][condition] = nl.analysis.profile(parts, training=training, indices=dict(CLAIMS.values()))
            yield f"{condition}_{score}".replace(" ", "_"), profiles[score][condition].reset_index()
    for score, tables in profiles.items():
        found[score] = nl.analysis.compare_cohorts(tables, against="control", rng=rng)
        yield f"compared_on_{score}", found[score]
    after = {score: tables["dropout"] for score, tables in profiles.items()}
    yield "redundancy_with_dropout", (signs := nl.analysis.index_mean(after, index="redundancy", rng=rng))
    claims = [nl.analysis.claim(SIGN, signs, expects="more", by="score")]
    for sentence, (index, side) in CLAIMS.items():
        by_score = {score: one.sel(index=index, condition="dropout") for score, one in found.items()}
        claims.append(nl.analysis.claim(sentence, by_score, expects=side, by="score", figure="compared_on_accuracy"))
    yield "claims", nl.analysis.claims(*claims)


if __name__ == "__main__":
    nl.run_script(main, draw=[f"compared_on_{score}" for score in SCORES])
