"""A simulator assembled from functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from ._types import Array


@dataclass(frozen=True)
class Model:
    """y = forward(x), with optional derivatives and inverse. Any object with such methods works as well.

    jacobian: x ↦ J, of shape y.size × x.size or y.shape + x.shape.
    jvp: (x, dx) ↦ J dx. vjp: (x, dy) ↦ Jᵀ dy.
    invert_near: (y, x0) ↦ the solution of forward(x) = y nearest to x0.
    """

    forward: Callable[[Array], Array]
    jacobian: Optional[Callable[[Array], Array]] = None
    jvp: Optional[Callable[[Array, Array], Array]] = None
    vjp: Optional[Callable[[Array, Array], Array]] = None
    invert_near: Optional[Callable[[Array, Array], Array]] = None
