"""What the arguments of `solve` are, for type checkers and readers."""

from __future__ import annotations

from typing import Any, Callable, Literal, Mapping, Protocol, TypedDict, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

Options = Mapping[str, Any]

Named = Union[str, Options]
"""A name of the registry, or a dictionary with "name" and options."""


class HasForward(Protocol):
    """An object with forward(x); jacobian, jvp, vjp and invert_near are used where it has them."""

    @property
    def forward(self) -> Callable[[Array], ArrayLike]: ...


class Stop(TypedDict, total=False):
    """When a run ends. What is left out is not asked for."""

    steps: int
    """At most so many; 1000 if left out."""
    time: float
    """At most so many seconds."""
    loss_below: float
    """Converged once the loss is at most this."""
    discrepancy_below: float
    """Converged once χ² per datum is at most this: 1 where the data are explained; needs noise."""
    gradient_below: float
    """Converged once ‖∂L/∂x‖ is at most this."""
    short_step: float
    """Converged once a step was no longer than this · ‖x‖."""
    plateau: float
    """Converged once the lowest loss fell by no more than this share of itself over `plateau_steps`."""
    plateau_steps: int
    """10 if left out."""
    loss_change: float
    """Converged once a step changed the loss by no more than this share of it, and the linear model promises no more, as
    `ftol` of SciPy; for levenberg-marquardt. 0, as if left out, goes on to the last digit."""
    step_below: float
    """Stationary once ‖Δx‖ ≤ this · ‖x‖; 1e-15 if left out."""
    diverged_above: float
    """Diverged once the loss exceeds this multiple of the first one; 1e8 if left out."""


class Differences(TypedDict, total=False):
    """How derivatives are found that a Python simulator lacks."""

    scheme: Literal["central", "forward"]
    """Two evaluations for each unknown and ten digits, or one and seven; central if left out."""
    step: float
    """Relative to the size of each unknown."""
    at_once: int
    """Calls of the simulator at the same time, on threads of their own; 1, on the caller's, if left out."""
