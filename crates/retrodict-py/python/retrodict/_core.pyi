from typing import Any, Callable, Literal, Mapping, Optional, Protocol, Sequence, TypedDict, Union, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Options = Mapping[str, Any]
Named = Union[str, Options]
"""A name of the registry, or a dictionary with "name" and options."""

class Forward(Protocol):
    """An object with forward(x), and jacobian, jvp, vjp and invert_near if it has them."""
    def forward(self, x: Array, /) -> ArrayLike: ...

class HasForward(Protocol):
    """An object whose attribute `forward` is the function."""
    @property
    def forward(self) -> Callable[[Array], ArrayLike]: ...

AnySimulator = Union[str, "Simulator", Callable[[Array], ArrayLike], Forward, HasForward]

class Stop(TypedDict, total=False):
    """When a run ends."""
    steps: int
    """At most so many; 100 if left out."""
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
    step_below: float
    """Stationary once ‖Δx‖ ≤ this · ‖x‖; 1e-15 if left out."""
    diverged_above: float
    """Diverged once the loss exceeds this multiple of the first one; 1e8 if left out."""

class Differences(TypedDict, total=False):
    """How derivatives are found that a Python simulator lacks."""
    scheme: Literal["central", "forward"]
    step: float
    """Relative to the size of each unknown."""
    at_once: int
    """Calls of the simulator at the same time, on threads; 1 if left out."""

class SimulationError(RuntimeError):
    """The simulation, or its inverse, failed; where Python code did, its exception is the cause."""

@final
class Record:
    """Where a run stands after a step; step 0 is the start."""
    @property
    def step(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def loss(self) -> float: ...
    @property
    def best_loss(self) -> float: ...
    @property
    def step_norm(self) -> float: ...
    @property
    def x(self) -> Array: ...
    @property
    def counts(self) -> dict[str, int]: ...

@final
class Solution:
    """What a run found: the best x, how the run ended, and what the data say of x."""
    @property
    def x(self) -> Array: ...
    @property
    def y(self) -> Array: ...
    @property
    def residuals(self) -> Array: ...
    @property
    def loss(self) -> float: ...
    @property
    def status(
        self,
    ) -> Literal[
        "converged",
        "step-limit",
        "time-limit",
        "stalled",
        "saddle",
        "diverged",
        "line-search-failed",
        "failed",
        "cancelled",
    ]: ...
    @property
    def message(self) -> str: ...
    @property
    def converged(self) -> bool: ...
    @property
    def steps(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def history(self) -> Array: ...
    @property
    def notices(self) -> list[str]: ...
    @property
    def trouble(self) -> Optional[str]: ...
    @property
    def exception(self) -> Optional[BaseException]: ...
    def statistics(
        self,
        *,
        noise: Optional[Literal["known", "estimated"]] = None,
        names: Optional[Sequence[str]] = None,
    ) -> Statistics: ...

@final
class Statistics:
    """What the data say of x: spread, correlation, rank, and what they do not see."""
    @property
    def covariance(self) -> Array: ...
    @property
    def correlations(self) -> Array: ...
    @property
    def deviations(self) -> Array: ...
    @property
    def noise(self) -> Literal["known", "estimated"]: ...
    @property
    def chi_squared(self) -> Optional[float]: ...
    @property
    def reduced_chi_squared(self) -> Optional[float]: ...
    @property
    def goodness_of_fit(self) -> Optional[float]: ...
    @property
    def degrees_of_freedom(self) -> int: ...
    @property
    def rank(self) -> int: ...
    @property
    def condition(self) -> float: ...
    @property
    def unseen(self) -> Array: ...
    @property
    def words(self) -> list[str]: ...
    def intervals(self, level: float = 0.95) -> Array: ...

@final
class Simulator:
    """One of retrodict's own simulators, y = P(x), or a model behind a server or a program."""
    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> dict[str, Any]: ...
    @property
    def input_shape(self) -> tuple[int, ...]: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def has_inverse(self) -> bool: ...
    def typical_input(self, seed: int = 0) -> Array: ...
    def forward(self, x: ArrayLike) -> Array: ...
    def jvp(self, x: ArrayLike, dx: ArrayLike) -> Array: ...
    def vjp(self, x: ArrayLike, dy: ArrayLike) -> Array: ...
    def invert_near(self, y: ArrayLike, x0: ArrayLike) -> Array: ...

@final
class Entry:
    """A simulator or method of the registry."""
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> list[str]: ...
    @property
    def sentence(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def defaults(self) -> dict[str, Any]: ...

@final
class Check:
    """What a check found, beside what it should have found."""
    @property
    def name(self) -> str: ...
    @property
    def passed(self) -> bool: ...
    @property
    def measured(self) -> float: ...
    @property
    def expected(self) -> str: ...
    @property
    def detail(self) -> str: ...

@final
class Checks:
    """All checks of a simulator; printed, a line for each."""
    @property
    def passed(self) -> bool: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Check: ...

def simulator(name: str, /, **settings: Any) -> Simulator: ...
def simulators() -> list[Entry]: ...
def methods() -> list[Entry]: ...
def check(simulator: AnySimulator, x: ArrayLike, *, seed: int = 0) -> Checks: ...
def solve(
    simulator: AnySimulator,
    target: ArrayLike,
    start: ArrayLike,
    *,
    method: str = "levenberg-marquardt",
    options: Optional[Options] = None,
    noise: Optional[ArrayLike] = None,
    loss: Optional[Named] = None,
    missing: bool = False,
    lower: Optional[ArrayLike] = None,
    upper: Optional[ArrayLike] = None,
    priors: Optional[Union[Named, Sequence[Named]]] = None,
    inverse: Optional[Named] = None,
    stop: Optional[Union[int, Stop]] = None,
    observer: Optional[Callable[[Record], Optional[bool]]] = None,
    differences: Optional[Differences] = None,
) -> Solution: ...
