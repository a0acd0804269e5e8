"""Which optional packages are there, asked before any of them is imported."""

from __future__ import annotations

import importlib.util

from adjudge.errors import MissingPackage

INSTALL = "pip install 'adjudge[local]'"


def require(*packages: str) -> None:
    """Check that packages can be imported, without importing them.

    Raises:
        MissingPackage: The first that is absent.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingPackage(package, needed_for="a model in this process", install=INSTALL)
