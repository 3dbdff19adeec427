"""Times profile likelihoods beside the loop that one writes with SciPy, and fits of differential equations, on one thread.

    python profiles.py [--rounds N]     (needs the package `retrodict`, NumPy and SciPy)

The loop: from the best fit outwards in steps of half a standard deviation, each fit with `least_squares` begun at the last one,
until Λ exceeds its threshold; then `brentq` for the end of the interval. It is given exact derivatives, and once more none.
Both sides start from the same fit and end at the same threshold; samples alternate, and the least time of each counts.
"""

import os

for library in ("RAYON", "OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import argparse  # noqa: E402
import collections  # noqa: E402
import math  # noqa: E402
import pathlib  # noqa: E402
import time  # noqa: E402
import tomllib  # noqa: E402

import numpy as np  # noqa: E402
import retrodict  # noqa: E402
from scipy.integrate import odeint  # noqa: E402
from scipy.optimize import brentq, least_squares  # noqa: E402

import nist_sets  # noqa: E402

PELTS = pathlib.Path(__file__).parent.parent / "crates/retrodict-cli/experiments/lotka-volterra.toml"
RATES = ["growth", "predation", "death", "conversion"]
EXACT = {"stop": {"steps": 200, "loss_change": 0.0}}

Case = collections.namedtuple("Case", "name simulator target start residuals jacobian")


def pelts():
    """Years and ln of both populations, and the start, as the built-in experiment holds them."""
    problem = tomllib.loads(PELTS.read_text())["problem"][0]
    years = np.array(problem["simulator"]["times"])
    return years, np.array(problem["target"]).reshape(-1, 2), np.array(problem["start"]["values"])


class Populations:
    """ln of both populations from the logarithms of four rates and both first values, with sensitivities, by LSODA."""

    def __init__(self, years):
        self.years = years

    def value(self, x):
        a, b, c, d, *start = np.exp(x)

        def rate(y, _):
            met = y[0] * y[1]
            return [a * y[0] - b * met, d * met - c * y[1]]

        return np.log(odeint(rate, start, self.years, rtol=1e-8, atol=1e-8))

    def jacobian(self, x):
        a, b, c, d, *start = np.exp(x)
        first = np.zeros((2, 6))
        first[0, 4], first[1, 5] = start

        def rate(y, _):
            hares, lynxes = y[0], y[1]
            s, met = y[2:].reshape(2, 6), hares * lynxes
            along = hares * s[1] + lynxes * s[0]
            upper, lower = a * s[0] - b * along, d * along - c * s[1]
            upper[0] += a * hares
            upper[1] -= b * met
            lower[2] -= c * lynxes
            lower[3] += d * met
            return np.concatenate([[a * hares - b * met, d * met - c * lynxes], upper, lower])

        whole = odeint(rate, np.concatenate([start, first.ravel()]), self.years, rtol=1e-8, atol=1e-8)
        return whole[:, 2:].reshape(-1, 2, 6) / whole[:, :2, None]


def hares():
    years, target, start = pelts()
    own = Populations(years)
    simulator = retrodict.simulator(
        "lotka-volterra", times=list(years), initial=[30.0, 4.0], fit_initial=True, logarithm=True
    )
    return Case(
        "hares and lynxes",
        simulator,
        target,
        start,
        lambda x: (own.value(x) - target).ravel(),
        lambda x: own.jacobian(x).reshape(-1, 6),
    )


def curve(name, formula, start, model, t, y):
    """A formula here, and the same in NumPy."""
    simulator = retrodict.simulator("formula", formula=formula, times=list(t))
    return Case(name, simulator, y, start, lambda p: model.value(p, t) - y, lambda p: model.jacobian(p, t))


class Decay:
    def value(self, p, t):
        return p[0] * np.exp(-p[1] * t) + p[2]

    def jacobian(self, p, t):
        e = np.exp(-p[1] * t)
        return np.stack([e, -p[0] * t * e, np.ones_like(t)], 1)


def decay():
    t = np.linspace(0.0, 6.0, 25)
    y = Decay().value([2.0, 0.7, 0.3], t) + 0.05 * np.random.default_rng(3).normal(size=25)
    return curve("decay", "a * exp(-k * t) + c", [1.0, 1.0, 0.1], Decay(), t, y)


def peaks():
    model, table = nist_sets.load("gauss3")
    formula = "b1 * exp(-b2 * t) + b3 * exp(-((t - b4) / b5)^2) + b6 * exp(-((t - b7) / b8)^2)"
    return curve("two peaks (NIST's Gauss3)", formula, list(table.starts[1]), model, table.at, table.y)


class Loop:
    """The profiles of all unknowns with SciPy."""

    def __init__(self, case, best, statistics, threshold, exact):
        self.residuals, self.jacobian = case.residuals, case.jacobian if exact else None
        self.best, self.deviations = best, statistics.deviations
        self.lowest = 0.5 * np.sum(case.residuals(best) ** 2)
        self.variance = 2.0 * self.lowest / (len(case.target.ravel()) - len(best))
        self.quantile = math.sqrt(threshold)
        self.evaluations = 0

    def refit(self, i, value, guess):
        """√Λ at a value of unknown i, and the others at their best."""
        whole = lambda w: np.insert(w, i, value)
        settings = {"method": "lm"}
        if self.jacobian is not None:
            settings["jac"] = lambda w: np.delete(self.jacobian(whole(w)), i, 1)
        found = least_squares(lambda w: self.residuals(whole(w)), guess, **settings)
        self.evaluations += found.nfev
        return math.sqrt(max(2.0 * (found.cost - self.lowest) / self.variance, 0.0)), found.x

    def end(self, i, side):
        value, guess = self.best[i], np.delete(self.best, i)
        step = 0.5 * side * self.deviations[i]
        for _ in range(60):
            tau, there = self.refit(i, value + step, guess)
            if tau >= self.quantile:
                miss = lambda v: self.refit(i, v, guess)[0] - self.quantile
                return brentq(miss, value, value + step, xtol=1e-6 * self.deviations[i])
            value, guess = value + step, there
        return side * math.inf

    def profiles(self):
        return np.array([[self.end(i, -1), self.end(i, 1)] for i in range(len(self.best))])


def clocked(work):
    start = time.perf_counter()
    result = work()
    return 1e3 * (time.perf_counter() - start), result


def ends(profiles):
    return np.array([[found["low"], found["high"]] for found in profiles.values()])


def compare(case, rounds):
    solution = retrodict.solve(case.simulator, case.target, case.start, method="levenberg-marquardt", **EXACT)
    best, statistics = solution.x, solution.statistics()
    threshold = next(iter(solution.profiles().values()))["threshold"]
    ours, exact, plain = [], [], []
    for _ in range(rounds):
        ours.append(clocked(lambda: ends(solution.profiles())))
        exact.append(clocked(Loop(case, best, statistics, threshold, True).profiles))
        plain.append(clocked(Loop(case, best, statistics, threshold, False).profiles))
    own, with_jacobian, without = (min(sample[0] for sample in side) for side in (ours, exact, plain))
    apart = np.max(np.abs(ours[0][1] - exact[0][1]) / statistics.deviations[:, None])
    print(
        f"| {case.name} | {len(best)} | {case.target.size} | {own:.3g} | {with_jacobian:.4g} | {with_jacobian / own:.0f} "
        f"| {without:.4g} | {without / own:.0f} | {apart:.1e} |",
        flush=True,
    )


def fitted_noise():
    """Rates, first populations and a log-normal noise level for each animal, fitted together; then the profiles of all eight."""
    years, target, start = pelts()
    simulator = retrodict.simulator("lotka-volterra", times=list(years), initial=[30.0, 4.0], fit_initial=True)
    names = [*RATES, "initial prey", "initial predators"]
    parameters = {name: {"start": value, "transform": "log"} for name, value in zip(names, np.exp(start))}
    levels = ["sigma_hare", "sigma_lynx"]

    def work():
        solution = retrodict.solve(
            simulator,
            np.exp(target),
            parameters=parameters,
            noise={"parameter": levels, "distribution": "log-normal"},
            method="levenberg-marquardt",
        )
        assert solution.converged, solution.message
        return solution, solution.profiles(names + levels)

    return work


def sciml(name, truth, start, upper):
    """The parameter-estimation benchmark of SciML: both states every 0.01 until 3; six digits are asked for."""
    times = [0.01 * i for i in range(301)]
    settings = {"times": times, "initial": [1.0, 1.0], "transform": ["none"]}
    data = retrodict.simulator(name, **settings, dt=2e-3).forward(truth)
    model = retrodict.simulator(name, **settings, dt=1e-2)

    def work():
        solution = retrodict.solve(model, data, start, lower=0.0, upper=upper, method="levenberg-marquardt")
        assert solution.converged and np.allclose(solution.x, truth, rtol=1e-6), solution
        return solution

    return work


def fits(rounds):
    lotka, nagumo = [1.5, 1.0, 3.0, 1.0], [0.7, 0.8, 0.08, 0.5]
    cases = [
        ("hares and lynxes with two noise levels: fit and eight profiles", fitted_noise()),
        ("Lotka–Volterra (SciML) from [1, 0.5, 3.5, 1.5]", sciml("lotka-volterra", lotka, [1.0, 0.5, 3.5, 1.5], 5.0)),
        ("FitzHugh–Nagumo (SciML) from halves", sciml("fitzhugh-nagumo", nagumo, [0.5 * p for p in nagumo], 1.0)),
    ]
    for name, work in cases:
        work()
        print(f"| {name} | {min(clocked(work)[0] for _ in range(rounds)):.3g} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, one thread; least of {options.rounds}, in ms\n")
    print("| profiles | unknowns | data | retrodict | SciPy, exact J | ratio | SciPy, differences | ratio | ends apart, σ |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in (decay(), peaks(), hares()):
        compare(case, options.rounds)
    print("\n| fit | ms |\n|---|---|")
    fits(options.rounds)


if __name__ == "__main__":
    main()
