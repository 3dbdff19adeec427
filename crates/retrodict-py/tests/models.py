"""Simulators that several tests invert."""

import numpy as np

import retrodict

T = np.linspace(0.0, 2.0, 9)
TRUTH = np.array([2.0, 0.7])


def decay(x):
    """x₀ exp(−x₁ t)."""
    return x[0] * np.exp(-x[1] * T)


def decay_jacobian(x):
    fall = np.exp(-x[1] * T)
    return np.stack([fall, -x[0] * T * fall], axis=1)


DECAY = retrodict.Model(decay, jacobian=decay_jacobian)
DATA = decay(TRUTH)
