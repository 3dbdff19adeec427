"""Solve inverse problems: from observations y* to an x with P(x) ≈ y*.

`solve` does it, for a Python function or for retrodict's own simulators (`simulator`, `simulators`), and `invert` does what
a dictionary or a TOML file describes; `methods`
lists the update rules, and `check` tests the derivatives of a simulator of your own.
"""

from ._core import (
    Check,
    Checks,
    Entry,
    Posterior,
    Record,
    SimulationError,
    Simulator,
    Solution,
    Statistics,
    __version__,
    check,
    invert,
    methods,
    simulator,
    simulators,
    solve,
)
from ._model import Model
from ._types import Differences, HasForward, Stop

__all__ = [
    "Check",
    "Checks",
    "Differences",
    "Entry",
    "HasForward",
    "Model",
    "Posterior",
    "Record",
    "SimulationError",
    "Simulator",
    "Solution",
    "Statistics",
    "Stop",
    "__version__",
    "check",
    "invert",
    "methods",
    "simulator",
    "simulators",
    "solve",
]
