from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any, Callable, Literal, Optional, Sequence, Union, final

from numpy.typing import ArrayLike

from ._types import (
    Array,
    Data,
    Differences,
    HasForward,
    Named,
    Options,
    Parameter,
    Stop,
    TrainingStop,
    Transform,
)

__all__ = [
    "Check",
    "Checks",
    "Entry",
    "Posterior",
    "Record",
    "SimulationError",
    "Simulator",
    "Solution",
    "Statistics",
    "Trained",
    "__version__",
    "_check",
    "_checks",
    "_entry",
    "_record",
    "_simulator",
    "_solution",
    "_statistics",
    "_trained",
    "check",
    "invert",
    "methods",
    "simulator",
    "simulators",
    "solve",
    "train",
]

__version__: str

_Simulator = Union[str, "Simulator", Callable[[Array], ArrayLike], HasForward]

class SimulationError(RuntimeError):
    """The simulation, or its inverse, failed; where Python code did, its exception is the cause."""

@final
class Record:
    """The state of a run after a step; step 0 is the start."""
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
    """The result of a run: the best x, how the run ended, and what the data say about x. Its arrays are read-only."""
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
        "no-progress",
        "no-effect",
        "failed",
        "cancelled",
    ]: ...
    @property
    def method(self) -> str: ...
    @property
    def method_reason(self) -> Optional[str]: ...
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
    def first_error(self) -> Optional[str]: ...
    @property
    def exception(self) -> Optional[BaseException]: ...
    def statistics(
        self,
        *,
        noise: Optional[Literal["known", "estimated"]] = None,
        names: Optional[Sequence[str]] = None,
    ) -> Statistics: ...
    @property
    def parameters(self) -> dict[str, float]: ...
    def intervals(self, level: float = 0.95) -> dict[str, dict[str, Any]]: ...
    def profiles(
        self, names: Optional[Union[str, Sequence[str]]] = None, *, level: Optional[float] = None
    ) -> dict[str, dict[str, Any]]: ...
    @property
    def criteria(self) -> Optional[dict[str, Any]]: ...
    @property
    def solutions(self) -> list[dict[str, Any]]: ...
    @property
    def weight(self) -> Optional[dict[str, Any]]: ...
    def resume(
        self,
        *,
        steps: Optional[int] = None,
        stop: Optional[Union[int, Stop]] = None,
        observer: Optional[Callable[[Record], Optional[bool]]] = None,
    ) -> Solution: ...
    def posterior(self, *, rank: int = 50, samples: int = 4, seed: int = 0) -> Posterior: ...
    def __copy__(self) -> Solution: ...
    def __deepcopy__(self, _memo: object, /) -> Solution: ...

@final
class Statistics:
    """What the data say about x: uncertainties, correlations, rank, and what is not identifiable."""
    @property
    def covariance(self) -> Array: ...
    @property
    def correlations(self) -> Array: ...
    @property
    def deviations(self) -> Array: ...
    @property
    def noise(self) -> Literal["known", "estimated", "fitted"]: ...
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
    def fixed(self) -> list[int]: ...
    @property
    def words(self) -> list[str]: ...
    def intervals(self, level: float = 0.95) -> Array: ...
    def __copy__(self) -> Statistics: ...
    def __deepcopy__(self, _memo: object, /) -> Statistics: ...

@final
class Posterior:
    """The posterior of a field around x, of low rank: standard deviations and samples."""
    @property
    def deviations(self) -> Array: ...
    @property
    def prior_deviations(self) -> Array: ...
    @property
    def samples(self) -> Array: ...
    @property
    def eigenvalues(self) -> Array: ...
    @property
    def words(self) -> list[str]: ...

@final
class Trained:
    """A trained network: its weights, how the training went, and x = f(y*; θ) for any y*. Its arrays are read-only."""
    @property
    def theta(self) -> Array: ...
    def predict(self, y: ArrayLike) -> Array: ...
    @property
    def weights(self) -> dict[str, Array]: ...
    @property
    def history(self) -> dict[str, Array]: ...
    @property
    def loss(self) -> float: ...
    @property
    def status(
        self,
    ) -> Literal[
        "converged",
        "step-limit",
        "time-limit",
        "out-of-patience",
        "diverged",
        "failed",
        "cancelled",
    ]: ...
    @property
    def message(self) -> str: ...
    @property
    def steps(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def notices(self) -> list[str]: ...
    @property
    def first_error(self) -> Optional[str]: ...
    @property
    def exception(self) -> Optional[BaseException]: ...
    def resume(
        self,
        *,
        epochs: Optional[int] = None,
        steps: Optional[int] = None,
        seconds: Optional[float] = None,
        stop: Optional[TrainingStop] = None,
        observer: Optional[Callable[[dict[str, float]], Optional[bool]]] = None,
    ) -> Trained: ...
    def __copy__(self) -> Trained: ...
    def __deepcopy__(self, _memo: object, /) -> Trained: ...

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
    def __copy__(self) -> Simulator: ...
    def __deepcopy__(self, _memo: object, /) -> Simulator: ...

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
    @property
    def options(self) -> list[dict[str, Any]]: ...
    def __copy__(self) -> Entry: ...
    def __deepcopy__(self, _memo: object, /) -> Entry: ...

@final
class Check:
    """The result of a check, beside the expected one."""
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
    """All checks of a simulator; prints one line per check."""
    @property
    def passed(self) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Check]: ...
    def __getitem__(self, index: int, /) -> Check: ...

def simulator(name: str, /, **settings: Any) -> Simulator: ...
def simulators() -> list[Entry]: ...
def methods() -> list[Entry]: ...
def check(simulator: _Simulator, x: ArrayLike, *, seed: int = 0) -> Checks: ...
def solve(
    simulator: _Simulator,
    target: ArrayLike,
    start: Optional[ArrayLike] = None,
    *,
    parameters: Optional[Mapping[str, Union[float, Parameter, Mapping[str, Any]]]] = None,
    derived: Optional[Mapping[str, Union[str, Mapping[str, str]]]] = None,
    constraints: Optional[Union[str, Sequence[str]]] = None,
    profile: Optional[Union[str, Sequence[str], dict[str, Any]]] = None,
    method: str = "auto",
    options: Optional[Options] = None,
    noise: Optional[Union[ArrayLike, str, Mapping[str, Any]]] = None,
    loss: Optional[Named] = None,
    missing: bool = False,
    lower: Optional[ArrayLike] = None,
    upper: Optional[ArrayLike] = None,
    priors: Optional[Union[Named, Sequence[Named]]] = None,
    inverse: Optional[Named] = None,
    search: Optional[Named] = None,
    transform: Optional[Union[Transform, Sequence[Transform]]] = None,
    starts: int = 1,
    spread: Optional[float] = None,
    seed: int = 0,
    stop: Optional[Union[int, Stop]] = None,
    observer: Optional[Callable[[Record], Optional[bool]]] = None,
    differences: Optional[Differences] = None,
) -> Solution: ...

def invert(
    description: Union[Mapping[str, Any], str, PathLike[str]],
    *,
    simulator: Optional[_Simulator] = None,
    target: Optional[ArrayLike] = None,
    start: Optional[ArrayLike] = None,
    observer: Optional[Callable[[Record], Optional[bool]]] = None,
) -> Solution: ...

def train(
    simulator: Union[_Simulator, Mapping[str, Any], PathLike[str]],
    *,
    network: Optional[Named] = None,
    data: Optional[Union[Data, Mapping[str, Any]]] = None,
    strategy: Optional[Named] = None,
    rule: Optional[Named] = None,
    search: Optional[Named] = None,
    batch: Optional[int] = None,
    epochs: Optional[int] = None,
    stop: Optional[TrainingStop] = None,
    seed: Optional[int] = None,
    loss: Optional[Named] = None,
    inverse: Optional[Named] = None,
    reduction: Optional[Literal["mean", "sum"]] = None,
    schedule: Optional[Mapping[str, Any]] = None,
    clip: Optional[float] = None,
    method: Optional[str] = None,
    x_shape: Optional[Sequence[int]] = None,
    simulator_of: Optional[_Simulator] = None,
    differences: Optional[Differences] = None,
    observer: Optional[Callable[[dict[str, float]], Optional[bool]]] = None,
) -> Trained: ...

# What pickle builds them of.
def _solution(facts: bytes, terms: bytes) -> Solution: ...
def _trained(facts: bytes) -> Trained: ...
def _statistics(found: bytes, shape: Sequence[int], names: Sequence[str]) -> Statistics: ...
def _simulator(name: str, settings: dict[str, Any]) -> Simulator: ...
def _entry(kind: str, name: str) -> Entry: ...
def _record(numbers: tuple[int, float, float, float, float], x: Array, counts: bytes) -> Record: ...
def _check(name: str, passed: bool, measured: float, expected: str, detail: str) -> Check: ...
def _checks(checks: Sequence[Check]) -> Checks: ...
