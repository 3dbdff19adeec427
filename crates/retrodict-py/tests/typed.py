"""Code of a user's, for mypy: what is right passes, and what is wrong is told."""

import numpy as np
import retrodict
from numpy.typing import NDArray

Array = NDArray[np.float64]


def forward(x: Array) -> Array:
    return 2.0 * x


class Mine:
    def forward(self, x: Array) -> Array:
        return x


def observer(record: retrodict.Record) -> bool:
    return record.loss < 1e-3


STOP: retrodict.Stop = {"steps": 3, "gradient_below": 1e-6}
solution = retrodict.solve(forward, [1.0], [0.0], stop=STOP, observer=observer)
retrodict.solve(Mine(), 1.0, 0.0, stop=3, observer=lambda record: None)
retrodict.solve(
    retrodict.Model(forward, jvp=lambda x, dx: 2.0 * dx, vjp=lambda x, dy: 2.0 * dy),
    np.ones(1),
    np.zeros(1),
    priors=[{"name": "tikhonov", "weight": 2.0}],
)
retrodict.solve("sine", [1.0, 2.0], [0.0, 0.0], method="pg", differences={"at_once": 2})
retrodict.solve(retrodict.simulator("heat", nu_t=3), np.ones((8, 8)), 0.0)
x: Array = solution.x
words: list[str] = solution.statistics(names=["a"]).words
names: list[str] = [check.name for check in retrodict.check(forward, [1.0])]

# Each of these is wrong, and mypy says so if one of them is not.
retrodict.solve(3, [1.0], [0.0])  # type: ignore[arg-type]
retrodict.solve(forward, [1.0], [0.0], stop={"step": 3})  # type: ignore[arg-type]
retrodict.solve(forward, [1.0], [0.0], observer=lambda record: "stop")  # type: ignore[arg-type, return-value]
