"""Write figures/memory.md, memory.json, memory.png and memory.svg: time and peak memory of a campaign as it grows.

Run it from the root of the checkout: ``python figures/make_memory.py`` (some minutes of one core). Every point is a
process of its own: ``nl.examine`` on a perceptron 784-512-512-10, single units and random groups of its hidden layers,
scored and written to a store on disk; what is known of each lesion is all that may grow.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
#: Lesions at 256 stimuli, and stimuli at 1,000 lesions.
POINTS = [(1_000, 256), (2_000, 256), (5_000, 256), (10_000, 256), (1_000, 512), (1_000, 1_024), (1_000, 2_048)]
HEAD = """# Time and memory of a campaign as it grows

Written by `python figures/make_memory.py`: `nl.examine(..., store=...)` of a perceptron 784-512-512-10, lesions of 1 to
32 units at two sites, one thread, each row in a process of its own. Peak memory is that above the process with the
network, its stimuli and the design; the design takes memory too. The trials that come back hold what is known of every
lesion, texts included, and the scores (8 bytes per lesion and stimulus) up to 8 MiB; of more, the scores stay in the
store until they are asked for, so that an analysis of all of them takes that much memory again. Last, the peak of the
whole process, design included.

| lesions | stimuli | CPU s | design MB | peak MB | of it the trials held, MB | the process, MB |
| --- | --- | --- | --- | --- | --- | --- |
"""


def one(lesions, stimuli):
    """Examine one campaign in this process; get its seconds of CPU and its peak memory."""
    import numpy as np
    import torch

    import neurolab as nl
    from neurolab.cli.bench import benchmarks
    from neurolab.specimen.engine import answers

    measure, networks, design_of = benchmarks("measure"), benchmarks("networks"), benchmarks("cuts").design_of
    with measure.one_thread(), tempfile.TemporaryDirectory() as folder:
        shown = networks.digits(stimuli)
        net = nl.Specimen(networks.perceptron(), shown.inputs[:1], name="perceptron")
        stream = np.random.default_rng(0)
        design, before = [], measure.resident("VmRSS")
        for at in range(lesions):
            units = stream.choice(512, int(stream.integers(1, 33)), replace=False)
            design.append(nl.Lesion(nl.ROI(f"set {at}", {f"relu{1 + at % 2}": units}), nl.Zero()))
        size = measure.resident("VmRSS") - before
        task = nl.Task("digits", shown, nl.scores.margin)
        warm = nl.Specimen(torch.nn.Sequential(*networks.perceptron(8)), shown.inputs[:1])
        dict(answers(warm, design_of([benchmarks("cuts").Cut("1", (0,))], "unit"), shown))  # all is imported
        nl.examine(net, design[:2], [task], progress=False)
        found = []
        began = time.process_time()
        peak = measure.extra_mb(
            lambda: found.append(nl.examine(net, design, [task], progress=False, store=pathlib.Path(folder) / "store"))
        )
        return {"cpu_s": time.process_time() - began, "design_mb": size, "peak_mb": peak,
                "trials_mb": held_size(found[0]) / 2**20, "process_mb": measure.resident("VmHWM")}


def held_size(trials):
    """Get the bytes of what trials hold in memory: each text once, scores unless they are left in the store."""
    from neurolab.campaign.unread import LARGE

    held = trials.drop_vars("score") if trials["score"].nbytes > LARGE else trials
    columns = [one.values.ravel() for one in held.variables.values() if one.dtype == object]
    return held.nbytes + sum({id(text): sys.getsizeof(text) for column in columns for text in column}.values())


def main():
    """Run every point and write what was found."""
    rows = []
    for lesions, stimuli in POINTS:
        done = subprocess.run([sys.executable, __file__, str(lesions), str(stimuli)], check=True, capture_output=True)
        found = json.loads(done.stdout.decode().strip().splitlines()[-1])
        rows.append({"lesions": lesions, "stimuli": stimuli, **found})
        print(rows[-1], flush=True)
    (HERE / "memory.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    form = ("| {lesions:,} | {stimuli:,} | {cpu_s:.1f} | {design_mb:.0f} | {peak_mb:.0f} | {trials_mb:.0f} "
            "| {process_mb:.0f} |")
    lines = [form.format(**row) for row in rows]
    (HERE / "memory.md").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    draw(rows)


def draw(rows):
    """Draw time and memory against lesions, and against stimuli."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from neurolab.plots.style import DOUBLE_MM, GREY, MM, WONG, settings

    with matplotlib.rc_context(settings()):
        figure = Figure(figsize=(DOUBLE_MM * MM, 55 * MM), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, 4)
        for start, along, fixed in ((0, "lesions", ("stimuli", 256)), (2, "stimuli", ("lesions", 1_000))):
            some = [row for row in rows if row[fixed[0]] == fixed[1]]
            x = [row[along] for row in some]
            panels[start].plot(x, [row["cpu_s"] for row in some], "o-", color=WONG["blue"])
            panels[start].set_ylabel("CPU time (s)")
            panels[start + 1].plot(x, [row["peak_mb"] for row in some], "s-", color=WONG["vermillion"], label="peak")
            panels[start + 1].plot(x, [row["trials_mb"] for row in some], ":", color=GREY, label="trials held")
            panels[start + 1].set_ylabel("memory above the start (MB)")
            panels[start + 1].legend()
            for ax in panels[start : start + 2]:
                ax.set_xlabel(f"{along} ({fixed[1]:,} {fixed[0]})")
                ax.set_xlim(0)
                ax.set_ylim(0)
        for end in ("png", "svg"):
            figure.savefig(HERE / f"memory.{end}", metadata={"Software": None} if end == "png" else {"Date": None})


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(one(int(sys.argv[1]), int(sys.argv[2]))))
    else:
        main()
