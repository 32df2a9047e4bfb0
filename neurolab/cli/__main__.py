"""``python -m neurolab.cli``: the same as ``neurolab``."""

from neurolab.cli.entry import main

raise SystemExit(main())
