"""What the arguments of `solve` are, for type checkers and readers."""

from __future__ import annotations

from typing import Any, Callable, Literal, Mapping, Protocol, TypedDict, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

Options = Mapping[str, Any]

Named = Union[str, Options]
"""A name of the registry, or a dictionary with "name" and options."""


Transform = Union[Literal["none", "log"], Mapping[str, Any]]
"""What rules see in place of x: "log", {"bounds": [low, high]} or {"scale": unit}."""


class HasForward(Protocol):
    """An object with forward(x); jacobian, jvp, vjp and invert_near are used where it has them."""

    @property
    def forward(self) -> Callable[[Array], ArrayLike]: ...


class Stop(TypedDict, total=False):
    """When a run ends. Criteria that are left out are not checked."""

    steps: int
    """Maximum number of steps; 1000 if left out."""
    time: Union[float, str]
    """Time limit in seconds, or as "500ms", "10s" or "2m"."""
    loss_below: float
    """Converged once the loss is at most this."""
    discrepancy_below: float
    """Converged once χ²/N, N the number of data, is at most this: 1 if the data are fitted to
    within their noise level; needs noise."""
    gradient_below: float
    """Converged once ‖∂L/∂x‖ is at most this."""
    short_step: float
    """Converged once a step was no longer than this · ‖x‖."""
    plateau: float
    """Converged once the lowest loss fell by no more than this share of itself over `plateau_steps`."""
    plateau_steps: int
    """10 if left out."""
    loss_change: float
    """Converged once a step changed the loss by no more than this share of it, and the linear model predicts no more,
    like `ftol` of SciPy; for levenberg-marquardt. 0, the default, continues to full precision."""
    step_below: float
    """Stationary once ‖Δx‖ ≤ this · ‖x‖; 1e-15 if left out."""
    diverged_above: float
    """Diverged once the loss exceeds this multiple of the first one; 1e8 if left out."""


class Differences(TypedDict, total=False):
    """How to approximate derivatives that a Python simulator lacks."""

    scheme: Literal["central", "forward"]
    """Central: two evaluations per unknown, about ten digits; forward: one, about seven. Central if left out."""
    step: float
    """Relative to the size of each unknown."""
    at_once: int
    """Number of concurrent calls of the simulator, each in its own thread; if left out, 1, in the caller's."""
