"""How good a double dissociation do 2,000 random lesions (--quick: 100) offer to whoever may pick the best pair?"""

import neurolab as nl

TASKS = ("low digits", "high digits")


def main(*, rng=0, quick=False):
    n_candidates, n_pool, n_networks = (100, 500, 6) if quick else (2000, 8000, 8)
    cohort = nl.datasets.load_cohort("digits")[:n_networks]
    digits = nl.datasets.load_stimuli("digits")
    halves = {TASKS[0]: list("01234"), TASKS[1]: list("56789")}
    tasks = [nl.Task(name, digits.where(condition=kind), nl.scores.accuracy) for name, kind in halves.items()]

    def patient(specimen):
        pool = nl.record(specimen, nl.datasets.load_stimuli("digits-train"), ["1"])
        lesions = nl.random_lesions(pool, nl.Mean(pool), n_candidates + n_pool, n_units=16, rng=rng)
        return nl.examine(specimen, lesions, tasks)

    print(nl.design_check(cohort))
    trials = nl.concat(map(patient, cohort))
    names = [f"random {draw}" for draw in range(1, n_candidates + n_pool + 1)]
    picked = nl.picked_dissociation(
        trials, candidates=names[:n_candidates], pool=names[n_candidates:], tasks=TASKS, rng=rng
    )
    yield "picked", picked


if __name__ == "__main__":
    nl.run_script(main, draw={"picked": nl.plots.plot_picked})
