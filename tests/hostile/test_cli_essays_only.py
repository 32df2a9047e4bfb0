"""``neurolab run essays --only NAME``: a wrong name writes nothing; the help shows every option and name."""

import pytest

from neurolab.cli import main
from neurolab.protocol.essays import ESSAYS


def test_only__an_unknown_name_is_refused_before_anything_is_written(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["run", "essays", "--quick", "--out", str(out), "--only", "electrod"]) != 0
    said = capsys.readouterr()
    assert "electrode" in said.err
    assert "module_pruning" in said.err
    assert "essays: " not in said.out
    assert not out.exists()
    missing = str(tmp_path / "no_such_script.py")
    assert main(["run", "essays", "--quick", "--out", str(out), "--only", "electrode", "--only", missing]) != 0
    assert "no_such_script" in capsys.readouterr().err
    assert not out.exists()


def test_help__shows_every_option_and_which_protocols_have_claims(capsys):
    with pytest.raises(SystemExit):
        main(["run", "essays", "--help"])
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--rng", "--quick", "--out", "--again", "--only"))
    assert all(name in shown for name in ESSAYS)
