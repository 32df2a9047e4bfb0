"""The command ``neurolab``: words in, a run, a list or a table out. Importing this costs nothing but argparse."""

from neurolab.cli.entry import main as main

__all__ = [
    "main",
]

__dir__ = __all__.copy
