"""Tables for the book, as Markdown, of what FitBenchmarking kept of a run.

    python tables.py RESULTS/checkpoint.json [--problems]

A problem counts as solved by a method whose χ² is at most 1.01 times the lowest of all methods'. χ² below 1e-20 Σ (y/e)² is
round-off, of data that a model meets exactly, and counts as 0. The time of a problem is the median of its runs; that of a failed fit
is left out, and the median over a set stands beside the number of fits that it is of. Of GSL the first run counts: its controller
makes the solver once, and further runs begin where the first one ended.
"""

import argparse
import base64
import collections
import json
import math
import pathlib
import pickle
import statistics

import numpy as np

WITHIN = 1.01
ROUND_OFF = 1e-20
OURS = "retrodict"
# Software whose further runs begin at the solution of the first.
CONTINUES = {"gsl"}

Fit = collections.namedtuple("Fit", "chi_squared seconds evaluations status")


def unpacked(text):
    return pickle.loads(base64.a85decode(text))


def read(path):
    """For each set, its problems in order with the fit of each method. The file is read as pickle: trust who wrote it."""
    sets = {}
    for label, group in json.loads(path.read_text()).items():
        fits = collections.defaultdict(dict)
        for result in group["results"]:
            method = f"{result['software']} {result['minimizer']}"
            runs = result["runtimes"]
            time = runs[0] if result["software"] in CONTINUES else statistics.median(runs)
            seconds = time if math.isfinite(time) else None
            fits[result["name"]][method] = Fit(result["accuracy"], seconds, result["func_evals"], result["status"])
        for name, problem in group["problems"].items():
            y, e = unpacked(problem["y"]), unpacked(problem["e"])
            scale = float(np.sum((np.asarray(y, float) / (1.0 if e is None else e)) ** 2))
            fits[name] = {m: f._replace(chi_squared=0.0 if f.chi_squared <= ROUND_OFF * scale else f.chi_squared) for m, f in fits[name].items()}
        sets[label] = dict(fits)
    return sets


def solved(fit, best):
    return math.isfinite(fit.chi_squared) and fit.chi_squared <= WITHIN * best


def lowest(fits):
    return min(fit.chi_squared for fit in fits.values())


def methods(sets):
    return list(dict.fromkeys(m for problems in sets.values() for fits in problems.values() for m in fits))


def milliseconds(times):
    return f"{1e3 * statistics.median(times):.3g}" if times else "–"


def ratio(problems, method):
    """The median over the problems of a method's time relative to the fastest method that solves the problem."""
    found = []
    for fits in problems:
        best = lowest(fits)
        fastest = min((f.seconds for f in fits.values() if f.seconds and solved(f, best)), default=None)
        own = fits.get(method)
        if fastest and own and own.seconds and solved(own, best):
            found.append(own.seconds / fastest)
    return f"{statistics.median(found):.2f}" if found else "–"


def accuracy_table(sets):
    names = methods(sets)
    print("| method | " + " | ".join(f"{label} ({len(problems)})" for label, problems in sets.items()) + " | all |")
    print("|---|" + "---|" * (len(sets) + 1))
    for method in names:
        counts = [
            sum(method in fits and solved(fits[method], lowest(fits)) for fits in problems.values())
            for problems in sets.values()
        ]
        total, problems = sum(counts), sum(len(p) for p in sets.values())
        print(f"| {method} | " + " | ".join(map(str, counts)) + f" | {total} of {problems}, {100 * total / problems:.1f} % |")


def time_table(sets):
    print("| method | " + " | ".join(f"{label}, ms" for label in sets) + " | relative to the fastest that solves it, median |")
    print("|---|" + "---|" * (len(sets) + 1))
    for method in methods(sets):
        cells = []
        for problems in sets.values():
            times = [fits[method].seconds for fits in problems.values() if method in fits and fits[method].seconds]
            short = "" if len(times) == len(problems) else f" ({len(times)})"
            cells.append(milliseconds(times) + short)
        every = [fits for problems in sets.values() for fits in problems.values()]
        print(f"| {method} | " + " | ".join(cells) + f" | {ratio(every, method)} |")


def problem_table(sets):
    """Each problem of which ours is not within 1 % of the best, or is not the fastest that solves it."""
    print("| set | problem | χ², lowest | ours | ms, fastest | ours | evaluations, fewest | ours |\n|---|---|---|---|---|---|---|---|")
    for label, problems in sets.items():
        for name, fits in problems.items():
            best = lowest(fits)
            own = next((f for m, f in fits.items() if m.startswith(OURS)), None)
            if own is None:
                continue
            right = [f for f in fits.values() if solved(f, best) and f.seconds]
            fastest = min((f.seconds for f in right), default=None)
            if solved(own, best) and own.seconds and own.seconds <= fastest:
                continue
            fewest = min((f.evaluations for f in right if f.evaluations), default="–")
            times = "–" if fastest is None else f"{1e3 * fastest:.3g}"
            mine = "–" if own.seconds is None else f"{1e3 * own.seconds:.3g}"
            wrong = "" if solved(own, best) else f" **{own.status}**"
            print(f"| {label} | {name} | {best:.6g} | {own.chi_squared:.6g}{wrong} | {times} | {mine} | {fewest} | {own.evaluations} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--problems", action="store_true", help="also the problems where ours is not the best or the fastest")
    options = parser.parse_args()
    sets = read(options.checkpoint)
    accuracy_table(sets)
    print()
    time_table(sets)
    if options.problems:
        print()
        problem_table(sets)


if __name__ == "__main__":
    main()
