"""Runs FitBenchmarking with the controller for retrodict: all arguments are those of the command `fitbenchmarking`.

    python launch.py -o options.ini -p PROBLEM_SET … -r RESULTS

The installed package is not changed: the folders beside this file join the places where it looks for controllers and
parsers, and the software joins the list of those that its options may name.
"""

import importlib.util
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
# This folder is called as the package is, and must not be found in its place.
sys.path[:] = [entry for entry in sys.path if pathlib.Path(entry or ".").resolve() != HERE.parent]

import fitbenchmarking.controllers  # noqa: E402
import fitbenchmarking.parsing  # noqa: E402
from fitbenchmarking.cli.main import main  # noqa: E402
from fitbenchmarking.utils.options import Options  # noqa: E402

MINIMIZERS = ["levenberg-marquardt"]


def register():
    """Makes the controller known, and the models of Mantid's problems where Mantid is not installed."""
    fitbenchmarking.controllers.__path__.append(str(HERE / "controllers"))
    Options.VALID_MINIMIZERS["retrodict"] = MINIMIZERS
    Options.DEFAULT_MINIMZERS["retrodict"] = MINIMIZERS
    Options.VALID_FITTING["software"].append("retrodict")
    if importlib.util.find_spec("mantid") is None:
        fitbenchmarking.parsing.__path__.insert(0, str(HERE / "parsers"))


if __name__ == "__main__":
    register()
    main()
