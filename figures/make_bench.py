"""Write figures/bench.md, bench.json, bench.png and bench.svg: how fast campaigns are, from the last full run.

Run it from the root of the checkout: ``neurolab bench --json out/bench/bench.json`` (about half an hour of one core),
then ``python figures/make_bench.py``. Other files of ``neurolab bench --json`` may be named, the last row of a workload
counting; quick runs are refused.
"""

import json
import pathlib
import sys

import matplotlib

from neurolab.plots.style import DOUBLE_MM, GREY, SERIES, TINY, WONG, blank, settings

HERE = pathlib.Path(__file__).resolve().parent
LAST = HERE.parent / "out" / "bench" / "bench.json"
HEAD = """# How fast campaigns are

Written by `python figures/make_bench.py` from a full run of `neurolab bench` (`tests/benchmarks/`). Speed-up is the CPU
time of the loop of hooks (of mne in P1, of msapy in S1, of the plain forward in R1) over that of neurolab, the two in
turns in one process, one torch thread, median of the repeats; intact passes, canaries and writing are counted, and with
*export* also the export of the network, which happens once. *Of the bound*: the least operations of the workload at the
measured peak of a matrix product, over the time taken. *Extra MB*: peak memory of a fresh process above that of the
network, its stimuli and torch. Peers: the same lesions in the same process, against the same loop. {about}

| id | workload | against | speed-up | range | repeats | with export | goal | of the bound | largest difference | extra MB | peers |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""  # noqa: E501


def main(words):
    """Read the rows and write the table and the figure."""
    files = [pathlib.Path(word) for word in words] or [LAST]
    found = {row["id"]: row for file in files for row in json.loads(file.read_text(encoding="utf-8"))}
    rows = [found[name] for name in sorted(found, key=["L1", "L2", "L3", "L3s", "S1", "P1", "R1", "E1"].index)]
    quick = [row["id"] for row in rows if row["quick"]]
    if quick:
        raise SystemExit(f"{', '.join(quick)} were run with --quick; type neurolab bench --json {LAST}.")
    (HERE / "bench.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    versions = {}
    for row in rows:
        versions |= row["details"]["versions"]
    runs = "one run" if len(files) == 1 else f"{len(files)} runs, one workload after another"
    told = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    about = f"Measured in {runs}. Versions: {told}."
    notes = [f"- {row['id']}: {note}" for row in rows for note in row["notes"]]
    text = HEAD.format(about=about) + "\n".join(map(_line, rows)) + "\n\n## Notes\n\n" + "\n".join(notes) + "\n"
    (HERE / "bench.md").write_text(text, encoding="utf-8")
    with matplotlib.rc_context(settings()):
        _draw([row for row in rows if row["speedup"]])


def _line(row):
    """One row of the table."""
    spread = f"{row['range'][0]:.3g} to {row['range'][1]:.3g}" if row["range"] else ""
    peers = ", ".join(f"{name} {times:.2f}x" for name, times in row["peers"].items())
    cells = [row["id"], row["what"], row["against"], _told(row["speedup"], ".3g", "x"), spread, str(row["repeats"]),
             _told(row["full_campaign"], ".3g", "x"), _told(row["goal"], ".3g", "x"),
             _told(row["bound_fraction"], ".2f"), _told(row["max_abs_diff"], ".1e"), _told(row["extra_mb"], ".0f"),
             peers]
    return "| " + " | ".join(cells) + " |"


def _told(value, how, unit=""):
    return "" if value is None else format(value, how) + unit


def _draw(rows):
    """One line per workload on a logarithmic axis: neurolab, its peers, the goal."""
    ax = blank(DOUBLE_MM, 14 + 9 * len(rows))
    peers = sorted({name for row in rows for name in row["peers"] if name not in (row["against"], "hook loop")})
    for at, row in enumerate(rows):
        ax.plot(row["range"], [at, at], color=WONG["black"], linewidth=1.2, zorder=2)
        ax.plot(row["speedup"], at, "o", color=WONG["black"], markersize=5, label="neurolab" if not at else None)
        ax.text(max(row["range"][1], row["goal"]) * 1.1, at, f"{row['speedup']:.3g}x", va="center", fontsize=TINY)
        ax.plot([row["goal"]] * 2, [at - 0.3, at + 0.3], color=GREY, label="goal" if not at else None)
        for name, times in row["peers"].items():
            if name in peers:
                colour, marker = SERIES[peers.index(name)]
                ax.plot(times, at, marker, color=colour, markerfacecolor="none", markersize=4)
    for name, (colour, marker) in zip(peers, SERIES):
        ax.plot([], [], marker, color=colour, markerfacecolor="none", markersize=4, label=name)
    ax.axvline(1, color=GREY, linewidth=0.5, linestyle="--", zorder=0)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}x")
    ax.set_yticks(range(len(rows)), [f"{row['id']}: {row['what'].partition(',')[0]}" for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel("CPU time of the loop of hooks / CPU time (P1: mne, S1: msapy, R1: plain forward in its place)")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handletextpad=0.4)  # beside: any spread may lie within
    for end in ("png", "svg"):
        metadata = {"Software": None} if end == "png" else {"Date": None}
        ax.figure.savefig(HERE / f"bench.{end}", metadata=metadata)


if __name__ == "__main__":
    main(sys.argv[1:])
