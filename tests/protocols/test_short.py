"""Scripts are short enough to be read aloud: every line counts, and none is squeezed."""

import ast
import pathlib

import pytest

SCRIPTS = sorted((pathlib.Path(__file__).resolve().parents[2] / "protocols").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script__has_at_most_sixty_lines_with_one_statement_each(script):
    text = script.read_text("utf-8")
    lines = text.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 120
    statements = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    began = [node.lineno for node in statements]
    assert len(began) == len(set(began))
