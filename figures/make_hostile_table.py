"""Write figures/hostile_models.md: what the bench does with each hostile network, as the tests found it.

Run it from the root of the checkout: ``python figures/make_hostile_table.py``. It runs the tests of the bank and fails
with them.
"""

import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
TESTS = [HERE.parent / "tests" / "hostile" / name for name in ("test_specimen_bank.py", "test_specimen_devices.py")]
HEAD = """# Hostile networks on the bench

Each row is one test of `tests/hostile/test_specimen_bank.py`; the last, of `test_specimen_devices.py`. *right*:
recordings and lesioned answers equal those of plain torch hooks written by hand, or, over several devices, those of the
same network on the processor. *refused*: a typed error, with the sentence that it says; none is silently wrong.
torchlens {version} agrees with the recordings of the {agree} networks marked °.

| network | site | recorded | lesioned | what the bench says |
| --- | --- | --- | --- | --- |
"""


def main():
    """Run the tests and write the table."""
    with tempfile.TemporaryDirectory() as folder:
        found = pathlib.Path(folder) / "found.xml"
        subprocess.run([sys.executable, "-m", "pytest", *map(str, TESTS), "-q", f"--junitxml={found}", "-o",
                        "junit_family=xunit1"], check=True, cwd=HERE.parent)
        cases = list(ElementTree.parse(found).iter("testcase"))
    said = [{entry.get("name"): entry.get("value") for entry in case.iter("property")} for case in cases]
    agreed = {row["agrees"] for row in said if "agrees" in row}
    version = next((row["torchlens"] for row in said if "torchlens" in row), "(not installed)")
    lines = [_line(row, agreed) for row in said if "recorded" in row]
    target = HERE / "hostile_models.md"
    target.write_text(HEAD.format(version=version, agree=len(agreed)) + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{target.name}: {len(lines)} networks, {len(agreed)} of them compared with torchlens")


def _line(row, agreed):
    sentence = row["sentence"].replace("|", "\\|").replace("\n", " ")
    mark = " °" if row["model"] in agreed else ""
    return f"| {row['model']}{mark} | `{row['site']}` | {row['recorded']} | {row['lesioned']} | {sentence} |"


if __name__ == "__main__":
    main()
