"""What a run says to a reader: methods paragraphs, tables of results, references, one self-contained HTML."""

from typing import TYPE_CHECKING

import lazy_loader as _lazy

if TYPE_CHECKING:
    from neurolab.report.html import write_report
    from neurolab.report.in_a_line import effect_line
    from neurolab.report.methods import methods_text
    from neurolab.report.references import REFERENCES, bibliography
    from neurolab.report.tables import printed_table, result_table

# The verb is not called ``report``: the name of this package would hide it in ``neurolab``.
_NAMES = {
    "html": ["write_report"],
    "in_a_line": ["effect_line"],
    "methods": ["methods_text"],
    "references": ["REFERENCES", "bibliography"],
    "tables": ["printed_table", "result_table"],
}

__all__ = [
    "REFERENCES",
    "bibliography",
    "effect_line",
    "methods_text",
    "printed_table",
    "result_table",
    "write_report",
]

__getattr__, __dir__, _ = _lazy.attach(__name__, submod_attrs=_NAMES)
