"""The workloads in NumPy and SciPy."""

import concurrent.futures
import multiprocessing

import numpy as np
import scipy.fft
from scipy.integrate import odeint
from scipy.optimize import least_squares, minimize

import nist_sets
import peer

NU_T = 8.0


def gains(shape, half):
    """e^(-k²νt), on the half spectrum or on the full one."""
    angular = [2 * np.pi * np.fft.fftfreq(n) for n in shape]
    if half:
        angular[1] = 2 * np.pi * np.fft.rfftfreq(shape[1])
    return np.exp(-NU_T * (angular[0][:, None] ** 2 + angular[1][None, :] ** 2))


def heat(n, half):
    """A field forwards and backwards, with both filters prepared."""
    h = gains((n, n), half)
    w = h / (h * h + 1e-4)
    x = np.sin(0.1 * (np.arange(n * n) % 1009)).reshape(n, n)

    def complex_filter(field, gain):
        spectrum = scipy.fft.fft2(field, workers=peer.THREADS)
        spectrum *= gain
        return scipy.fft.ifft2(spectrum, workers=peer.THREADS, overwrite_x=True).real

    def real_filter(field, gain):
        spectrum = scipy.fft.rfft2(field, workers=peer.THREADS)
        spectrum *= gain
        return scipy.fft.irfft2(spectrum, s=(n, n), workers=peer.THREADS, overwrite_x=True)

    apply = real_filter if half else complex_filter
    return lambda: np.abs(apply(apply(x, h), w)).sum()


H = gains((64, 64), True)
LEFT = 1e-6


class Reached(Exception):
    """The loss is where it should be."""


def blur(x):
    return scipy.fft.irfft2(scipy.fft.rfft2(x.reshape(64, 64)) * H, s=(64, 64)).ravel()


def fit_heat(target):
    """L-BFGS from 0 until the loss is LEFT of the first one; the share that is left."""
    first = 0.5 * target @ target
    share = 1.0

    def loss(x):
        nonlocal share
        residual = blur(x) - target
        value = 0.5 * residual @ residual
        share = value / first
        if share <= LEFT:
            raise Reached
        return value, blur(residual)

    try:
        options = {"maxiter": 10_000, "maxfun": 20_000, "maxcor": 10, "ftol": 0, "gtol": 0}
        minimize(loss, np.zeros(target.size), jac=True, method="L-BFGS-B", options=options)
    except Reached:
        pass
    return share


def quasi_newton():
    """The 128 fields, on one process for each thread."""
    fields = np.load(peer.DATA / "heat_boxes_128.npz")["x"].astype(float)
    targets = [blur(x) for x in fields.reshape(-1, 64, 64)]
    if peer.THREADS == 1:
        return lambda: max(map(fit_heat, targets))
    pool = concurrent.futures.ProcessPoolExecutor(peer.THREADS, multiprocessing.get_context("fork"))
    return lambda: max(pool.map(fit_heat, targets, chunksize=8))


XI = 32.0
C = S = np.sqrt(0.5)
ROTATION = np.array([[C, -S], [S, C]])


def sine(solve):
    """A hundred problems near their solution, one after the other; how many were solved, times
    ten, as the other side solves a thousand."""
    random = np.random.default_rng(1)
    problems = []
    for _ in range(100):
        x = 0.3 * random.standard_normal(2)
        problems.append((simulate(x), x + 0.1 * random.standard_normal(2)))
    return lambda: 10 * sum(solve(y, start) <= 1e-20 for y, start in problems)


def simulate(x):
    a, b = ROTATION @ x
    return np.array([np.sin(a) / XI, XI * b])


def jacobian(x):
    a = C * x[0] - S * x[1]
    return np.array([np.cos(a) / XI * ROTATION[0], XI * ROTATION[1]])


def newton(method):
    def solve(target, start):
        def loss(x):
            r = simulate(x) - target
            return 0.5 * r @ r

        def gradient(x):
            return jacobian(x).T @ (simulate(x) - target)

        def hessian(x):
            j, r = jacobian(x), simulate(x) - target
            curvature = -np.sin(ROTATION[0] @ x) / XI * r[0]
            return j.T @ j + curvature * np.outer(ROTATION[0], ROTATION[0])

        def reached(intermediate_result):
            if intermediate_result.fun <= 1e-20:
                raise StopIteration

        options = {"maxiter": 100}
        if method == "Newton-CG":
            options["xtol"] = 1e-14
        else:
            options["gtol"] = 1e-14
        found = minimize(loss, start, jac=gradient, hess=hessian, method=method, callback=reached, options=options)
        return found.fun

    return solve


def marquardt(target, start):
    residual = lambda x: simulate(x) - target
    found = least_squares(residual, start, jac=jacobian, method="lm", ftol=1e-15, xtol=1e-15, gtol=1e-15)
    return found.cost


def populations():
    """Four rates from two noisy populations, by MINPACK through LSODA; the loss."""
    data = np.load(peer.DATA / "lotka_volterra.npz")
    t, y0, seen = data["t"], data["y0"], data["data"]

    def residual(x):
        a, b, c, d = np.exp(x)

        def rate(y, _):
            return [a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]

        path = odeint(rate, y0, np.concatenate([[0.0], t]), rtol=1e-8, atol=1e-8)
        return (path[1:] - seen).ravel()

    return lambda: least_squares(residual, np.log(data["start"]), method="lm").cost


def bounded_fits():
    """NIST's 27 sets from both starts within wide bounds; how many end at the certified values."""
    fits = [nist_sets.load(name) for name in nist_sets.MODELS]

    def solve():
        solved = 0
        for model, table in fits:
            for start in table.starts:
                found = least_squares(
                    lambda p: model.value(p, table.at) - table.y,
                    start,
                    jac=lambda p: model.jacobian(p, table.at),
                    bounds=table.bounds,
                    method="trf",
                    x_scale="jac",
                )
                solved += bool(np.all(np.abs(found.x / table.certified - 1) < 1e-4))
        return solved

    return solve


def workload(name):
    kind, _, variant = name.partition("/")
    if kind.startswith("heat-"):
        return heat(int(kind.removeprefix("heat-")), variant == "rfft2")
    return {
        "lbfgs-128": quasi_newton,
        "lotka-volterra": populations,
        "nist-bounded": bounded_fits,
        "sine-newton": lambda: sine(newton(variant)),
        "sine-gauss-newton": lambda: sine(marquardt),
    }[kind]()


if __name__ == "__main__":
    peer.serve(workload)
