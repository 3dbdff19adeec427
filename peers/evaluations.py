"""Counts what Levenberg–Marquardt and SciPy's `lm` and `trf` evaluate, each with its default tolerances and exact J.

    python evaluations.py [--seeds N] [--verbose]     (needs the package `retrodict`, NumPy and SciPy)
"""

import argparse
import collections
import warnings

import numpy as np
import retrodict
from scipy.optimize import least_squares

import bounded_fits
import more_garbow_hillstrom
import nist_sets

warnings.simplefilter("ignore")
np.seterr(all="ignore")

Problem = collections.namedtuple("Problem", "name residuals jacobian start bounds")
Run = collections.namedtuple("Run", "loss evaluations status x")


def complex_step(f, n):
    """J to round-off: no difference is taken."""

    def jacobian(x):
        columns = []
        for i in range(n):
            z = np.array(x, complex)
            z[i] += 1e-200j
            columns.append(np.imag(f(z)) / 1e-200)
        return np.stack(columns, 1)

    return jacobian


def nist():
    for name in nist_sets.MODELS:
        model, table = nist_sets.load(name)
        for k, start in enumerate(table.starts):
            yield Problem(
                f"{name}/{k + 1}",
                lambda p, m=model, t=table: m.value(p, t.at) - t.y,
                lambda p, m=model, t=table: m.jacobian(p, t.at),
                np.array(start, float),
                None,
            )


def more_garbow_hillstrom_problems():
    for name, f, start in more_garbow_hillstrom.problems():
        yield Problem(name, f, complex_step(f, len(start)), start, None)


def bounded(seed):
    for k, (f, start, box) in enumerate(bounded_fits.problems(200, seed)):
        yield Problem(f"bounded {seed}/{k}", f, complex_step(f, len(start)), start, box)


def by_scipy(p, method):
    box = {} if p.bounds is None else {"bounds": p.bounds}
    try:
        found = least_squares(
            p.residuals, p.start, jac=p.jacobian, method=method, max_nfev=3000, **box
        )
    except Exception:
        return Run(np.inf, 0, "failed", p.start)
    # A limit of evaluations ends at no minimum.
    return Run(found.cost, found.nfev, "converged" if found.status > 0 else "limit", found.x)


def by_retrodict(p):
    model = retrodict.Model(lambda x: p.residuals(np.asarray(x)), jacobian=p.jacobian)
    box = {} if p.bounds is None else {"lower": p.bounds[0], "upper": p.bounds[1]}
    target = np.zeros(len(p.residuals(p.start)))
    half = {"name": "squared", "half": True}
    found = retrodict.solve(
        model, target, p.start, method="levenberg-marquardt", loss=half, **box
    )
    return Run(found.loss, found.counts["forward"], found.status, np.array(found.x))


def cosine(p, x):
    """The largest cosine between the residuals and what a free unknown does to them: 0 at a minimum.

    An unknown that does next to nothing to them, changed by its own size, is left out: it lowers no loss.
    """
    r, jacobian = p.residuals(x), np.array(p.jacobian(x))
    gradient = jacobian.T @ r
    if p.bounds is not None:
        low, high = p.bounds
        jacobian[:, ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))] = 0
    effects = np.linalg.norm(jacobian, axis=0) * np.maximum(np.abs(x), 1)
    jacobian[:, effects <= 1e-10 * np.linalg.norm(r)] = 0
    lengths = np.linalg.norm(jacobian, axis=0) * np.linalg.norm(r)
    return np.max(np.abs(jacobian.T @ r) / np.where(lengths > 0, lengths, 1))


def same(p, best):
    """Whether a loss is that of the best: to a millionth, or to what round-off of a fit that is exact leaves."""
    r = p.residuals(p.start)
    slack = 1e-10 * 0.5 * (r @ r)
    return lambda run: run.loss <= best * (1 + 1e-6) + slack


def compare(name, problems, verbose):
    ratios, counts, statuses = [], [], collections.Counter()
    tally = collections.Counter()
    for p in problems:
        tally["problems"] += 1
        ours = by_retrodict(p)
        theirs = [by_scipy(p, m) for m in (["lm", "trf"] if p.bounds is None else ["trf"])]
        best = min(run.loss for run in [ours, *theirs])
        reaches = same(p, best)
        solved = [run for run in theirs if reaches(run)]
        statuses[ours.status] += 1
        counts.append(ours.evaluations)
        tally["ours"] += reaches(ours)
        tally["theirs"] += bool(solved)
        tally["ours alone"] += reaches(ours) and not solved
        tally["theirs alone"] += bool(solved) and not reaches(ours)
        trf = theirs[-1]
        r = p.residuals(p.start)
        slack = 1e-12 * 0.5 * (r @ r)
        worse = trf.status == "converged" and ours.loss > 1.01 * trf.loss + slack
        tally["worse than trf"] += worse
        tally["better than trf"] += trf.loss > 1.01 * ours.loss + slack
        rest = cosine(p, ours.x) if ours.loss > slack else 0.0
        false = ours.status == "converged" and rest > 1e-3
        tally["false converged"] += false
        if reaches(ours) and solved:
            ratio = ours.evaluations / min(run.evaluations for run in solved)
            ratios.append(ratio)
        else:
            ratio = np.nan
        if verbose and (worse or false or not reaches(ours) or ratio > 1.3):
            print("  ", p.name, ours[:3], [run[:3] for run in theirs], f"cosine {rest:.1e}")
    q = np.quantile(ratios, [0.5, 0.9])
    print(
        f"{name}: solved {tally['ours']} of {tally['problems']}, SciPy {tally['theirs']}; "
        f"evaluations, median {np.median(counts):.0f}, all {sum(counts)}; over the better of SciPy's: "
        f"median {q[0]:.2f}, 90th percentile {q[1]:.2f}; {dict(tally)}; {dict(statuses)}",
        flush=True,
    )


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=1, help="sets of 200 bounded fits")
    arguments.add_argument("--verbose", action="store_true")
    told = arguments.parse_args()
    compare("NIST", nist(), told.verbose)
    compare("Moré–Garbow–Hillstrom", more_garbow_hillstrom_problems(), told.verbose)
    for seed in range(told.seeds):
        compare(f"200 bounded fits, seed {seed}", bounded(seed), told.verbose)


if __name__ == "__main__":
    main()
