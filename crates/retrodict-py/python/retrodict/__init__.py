"""Solve inverse problems: from observations y* to an x with P(x) ≈ y*.

`solve` does it, for a Python function or for retrodict's own simulators (`simulator`, `simulators`), and `invert` does what
a dictionary or a TOML file describes; `train` trains a network that does it for any y*, and `Network.load` reads one; `methods`
lists the update rules, and `check` tests the derivatives of a simulator of your own.
"""

from ._core import (
    Check,
    Checks,
    Ensemble,
    Entry,
    Network,
    Posterior,
    Record,
    SimulationError,
    Simulator,
    Solution,
    Statistics,
    Trained,
    __version__,
    check,
    invert,
    methods,
    simulator,
    simulators,
    solve,
    train,
)
from ._model import Model
from ._types import Data, Differences, HasForward, Parameter, Stop, TrainingStop

__all__ = [
    "Check",
    "Checks",
    "Data",
    "Differences",
    "Ensemble",
    "Entry",
    "HasForward",
    "Model",
    "Network",
    "Parameter",
    "Posterior",
    "Record",
    "SimulationError",
    "Simulator",
    "Solution",
    "Statistics",
    "Stop",
    "Trained",
    "TrainingStop",
    "__version__",
    "check",
    "invert",
    "methods",
    "simulator",
    "simulators",
    "solve",
    "train",
]
