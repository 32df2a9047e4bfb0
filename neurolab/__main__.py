"""``python -m neurolab``: the command line."""

import sys

from neurolab.cli import main

if __name__ == "__main__":
    sys.exit(main())
