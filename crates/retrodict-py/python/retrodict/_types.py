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


class Parameter(TypedDict, total=False):
    """A named parameter: an unknown of the fit, a constant, or tied to others."""

    start: float
    """Where the fit begins; the value of a fixed one."""
    lower: float
    """The least value."""
    upper: float
    """The greatest value."""
    unit: str
    """Its unit; the simulator's if left out."""
    transform: Union[Literal["none", "log", "log10", "logit", "scale"], Mapping[str, Any]]
    """What rules see in its place: "logit" stays between lower and upper, "scale" counts in multiples of the start."""
    fixed: Union[bool, float]
    """Whether it is a constant: True for its start, or the value itself."""
    tied: str
    """A formula in other parameters that it follows, such as "2 * k_on"."""
    prior: Mapping[str, float]
    """{"mean", "std"} in its unit, or log-normal, {"median", "log_std"}."""
    scope: str
    """The data set that it belongs to, or "each" for one in each of them; shared by all if left out."""


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


class TrainingStop(TypedDict, total=False):
    """When a training ends. Criteria that are left out are not checked."""

    epochs: int
    """Maximum number of epochs."""
    steps: int
    """Maximum number of steps, each on one mini-batch."""
    time: Union[float, str]
    """Time limit in seconds, or as "90s" or "2m"; what is spent on held-out data does not count."""
    patience: int
    """Stopped once the loss on held-out data has not improved for this number of epochs."""
    loss_below: float
    """Converged once the loss on held-out data, or on the training data if none are held out, is at most this."""


class Data(TypedDict, total=False):
    """Arrays to learn from, a sample in each row; the last ones are held out."""

    target: ArrayLike
    """y* of each sample."""
    x: ArrayLike
    """x of each sample, where it is known."""
    input: ArrayLike
    """What the network sees of each sample; y* if left out."""
    train: int
    """Number of samples in an epoch; all that are not held out if left out."""
    test: int
    """Number of samples held out, by which the best weights are chosen."""
    shuffle: bool
    """Whether the order of the samples changes from epoch to epoch."""


class Differences(TypedDict, total=False):
    """How to approximate derivatives that a Python simulator lacks."""

    scheme: Literal["central", "forward"]
    """Central: two evaluations per unknown, about ten digits; forward: one, about seven. Central if left out."""
    step: float
    """Relative to the size of each unknown."""
    at_once: int
    """Number of concurrent calls of the simulator, each in its own thread; if left out, 1, in the caller's."""
