"""Commands that measure for long say at once where they cannot write, and lose nothing that was there."""

import pytest

from neurolab.cli import main


class Measuring:
    """A runner of benchmarks that must not run."""

    def __init__(self, run):
        self.run = run


@pytest.mark.parametrize(("words", "option", "place"), [
    (["bench", "L1", "--quick", "--json"], "--json", "file/rows.json"),
    (["calibrate", "--quick", "--only", "sign_flip", "--out"], "--out", "file/out"),
    (["calibrate", "--as-measured", "--out"], "", "file/out"),
])  # fmt: skip
def test_measuring__into_what_cannot_be_written_is_one_message_before_anything_is_measured(
    words, option, place, tmp_path, capsys, monkeypatch
):
    def measured(*args, **kwargs):
        raise AssertionError("something was measured")

    for name in ("neurolab.calibrate.run.calibrate", "neurolab.cli.bench.benchmarks"):
        monkeypatch.setattr(name, measured if name.endswith("calibrate") else lambda module: Measuring(measured))
    (tmp_path / "file").touch()
    assert main([*words, str(tmp_path / place)]) == 1
    said = capsys.readouterr().err
    if option:
        assert said.startswith(f"StoreWriteError: {tmp_path / 'file'}")
        assert f"Type {option} " in said
        assert "in a folder of your own.\n" in said or "with a folder of your own.\n" in said
    else:
        assert said.startswith("ProtocolError: Nothing is finished in")


def test_bench__whose_file_is_there_keeps_it_until_the_first_row(tmp_path, monkeypatch):
    rows = tmp_path / "rows.json"
    rows.write_text("[1]")

    def failing(*args, **kwargs):
        assert rows.read_text() == "[1]"
        raise KeyboardInterrupt

    monkeypatch.setattr("neurolab.cli.bench.benchmarks", lambda module: Measuring(failing))
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        raise SystemExit(main(["bench", "L1", "--json", str(rows)]))
    assert rows.read_text() == "[1]"


def test_bench__that_measures_nothing_leaves_no_file(tmp_path, monkeypatch):
    def failing(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("neurolab.cli.bench.benchmarks", lambda module: Measuring(failing))
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        raise SystemExit(main(["bench", "L1", "--json", str(tmp_path / "new" / "rows.json")]))
    assert not list((tmp_path / "new").iterdir())
