"""The commands of teaching labs: which there are, a copy of one, the grades of a class, the key."""

from __future__ import annotations

import argparse

from neurolab.writing import path_of


def lab(options: argparse.Namespace) -> int:
    """Teaching labs: list them, write a copy, grade a class, print the key."""
    return options.lab_command(options)


def _list(options: argparse.Namespace) -> int:
    from neurolab.lab import list_labs

    for one in list_labs():
        print(f"{one.name}\n  {one.title} ({one.minutes} minutes, {len(one.questions)} questions): {one.about}")
    return 0


def _new(options: argparse.Namespace) -> int:
    from neurolab.lab import new

    place = new(options.name, options.out, instructor=options.instructor, student=options.student)
    for path in sorted(place.iterdir()):
        print(path)
    return 0


def _grade(options: argparse.Namespace) -> int:
    from neurolab.lab import grade

    grade(options.folder, out=options.out)
    return 0


def _key(options: argparse.Namespace) -> int:
    from neurolab.lab.shelf import find_lab

    one = find_lab(options.name)
    network = one.network_of(options.student)
    bench = one.bench(network)
    print(f"{one.title}: network {network} of {one.n_networks}, that of {options.student or 'nobody'}")
    for question in one.questions:
        truth = question.truth(bench)
        print(f"{question.name}: {truth if isinstance(truth, str) else f'{truth:.4g}'}  {question.why(truth)}")
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the words and options of the command."""
    words = parser.add_subparsers(title="words", metavar="WORD", required=True)
    words.add_parser("list", help="the labs that there are").set_defaults(lab_command=_list)
    new = words.add_parser("new", help="write a student's copy (script and notebook) into an empty folder")
    new.add_argument("name", help="of the lab, as `neurolab lab list` shows it")
    new.add_argument("--out", type=path_of, help="a new or empty folder (default: one of the lab's name)")
    new.add_argument("--instructor", action="store_true", help="write the instructor's copy too")
    new.add_argument("--student", default="", help="the name to write into it; it chooses the network")
    new.set_defaults(lab_command=_new)
    grade = words.add_parser("grade", help="grade a folder of students' folders; reads progress.json, runs nothing")
    grade.add_argument("folder", type=path_of, help="one folder, or one .json file, per student")
    grade.add_argument("--out", type=path_of, help="the CSV (default FOLDER/grades.csv)")
    grade.set_defaults(lab_command=_grade)
    key = words.add_parser("key", help="print the right answers for one student's network")
    key.add_argument("name", help="of the lab")
    key.add_argument("--student", default="", help="whose network (default: that of a copy without a name)")
    key.set_defaults(lab_command=_key)
