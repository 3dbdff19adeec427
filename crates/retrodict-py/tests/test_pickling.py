"""What is returned goes through pickle and copy, and is not changed by what is done to it."""

import copy
import pickle

import numpy as np
import pytest
from models import DATA, DECAY, TRUTH, decay, decay_jacobian

import retrodict


def through_pickle(thing):
    return pickle.loads(pickle.dumps(thing))


WAYS = [through_pickle, copy.copy, copy.deepcopy]
same = np.testing.assert_array_equal

PLAIN = [
    "loss", "status", "message", "converged", "steps", "seconds", "counts", "notices", "first_error",
]


def assert_same(a, b):
    for name in PLAIN:
        assert getattr(a, name) == getattr(b, name), name
    for name in ("x", "y", "residuals", "history"):
        same(getattr(a, name), getattr(b, name))
    assert repr(a) == repr(b)


def problems():
    gaps = np.ma.masked_array(DATA, np.arange(9) == 3)
    return {
        "model": ((DECAY, DATA, [1.0, 1.0]), {}),
        "function": ((decay, DATA, [1.0, 1.0]), {"differences": {"scheme": "forward"}}),
        "noise": ((DECAY, DATA, [1.0, 1.0]), {"noise": np.linspace(0.1, 0.5, 9)}),
        "covariance": ((DECAY, DATA, [1.0, 1.0]), {"noise": 0.1 * np.eye(9)}),
        "missing": ((DECAY, gaps, [1.0, 1.0]), {"noise": 0.1}),
        "loss": ((DECAY, DATA, [1.0, 1.0]), {"loss": {"name": "huber", "delta": 0.1}}),
        "bounds": ((DECAY, DATA, [1.0, 1.0]), {"lower": -np.inf, "upper": [3.0, 2.0]}),
        "prior": ((DECAY, DATA, [1.0, 1.0]), {"priors": [{"name": "tikhonov", "weight": 0.1}]}),
        "inverse": ((DECAY, DATA, [1.0, 1.0]), {"inverse": "path"}),
        "own": ((retrodict.simulator("heat", shape=[8], nu_t=0.1), np.ones(8), 0.0), {}),
        "name": (("sine", [0.1, 2.0], [0.3, 0.1]), {"method": "gauss-newton"}),
    }


@pytest.mark.parametrize("name", problems())
@pytest.mark.parametrize("way", WAYS)
def test_solutions(name, way):
    arguments, known = problems()[name]
    solution = retrodict.solve(*arguments, **known)
    there = way(solution)
    assert_same(there, solution)
    if name != "loss":
        found, expected = there.statistics(), solution.statistics()
        same(found.covariance, expected.covariance)
        assert found.noise == expected.noise and found.words == expected.words
    assert_same(way(there), solution)


def test_a_solution_whose_model_stays_behind_keeps_its_numbers():
    solution = retrodict.solve(lambda x: decay(x), DATA, [1.0, 1.0], differences={}, noise=0.1)
    there = through_pickle(solution)
    assert_same(there, solution)
    with pytest.raises(RuntimeError, match="pickled without its simulator.*top level of a module"):
        there.statistics()
    # Copies stay here, and lose nothing.
    for way in (copy.copy, copy.deepcopy):
        same(way(solution).statistics().covariance, solution.statistics().covariance)
    assert_same(through_pickle(there), solution)


class Estimator:
    """Keeps its solution, as estimators do."""

    def forward(self, x):
        return decay(x)

    def jacobian(self, x):
        return decay_jacobian(x)

    def fit(self, y):
        self.solution = retrodict.solve(self, y, [1.0, 1.0], noise=0.1)
        return self


def test_a_model_that_holds_its_solution():
    estimator = Estimator().fit(DATA)
    there = through_pickle(estimator)
    assert_same(there.solution, estimator.solution)
    same(there.solution.statistics().deviations, estimator.solution.statistics().deviations)
    again = through_pickle(estimator.solution)
    assert_same(again, estimator.solution)
    assert copy.deepcopy(estimator).solution.converged


class Picky(Exception):
    """An exception that pickle writes and does not read."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


@pytest.mark.parametrize("kind", [lambda: OSError("gone"), lambda: Picky("gone", "lost")], ids=["plain", "picky"])
def test_exceptions_that_ended_a_run(kind):
    calls = []

    def forward(x):
        calls.append(x)
        if len(calls) > 3:
            raise kind()
        return decay(x)

    solution = retrodict.solve(
        retrodict.Model(forward, decay_jacobian), DATA, [1.0, 1.0], method="gd", options={"learning_rate": 1e-3}
    )
    there = through_pickle(solution)
    assert there.status == "failed" and "gone" in str(there.exception)
    same(there.x, solution.x)
    with pytest.raises(RuntimeError, match="without its simulator"):
        there.y


def test_exceptions_with_a_solution():
    def observer(record):
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough") as raised:
        retrodict.solve(DECAY, DATA, [1.0, 1.0], observer=observer)
    there = through_pickle(raised.value)
    assert there.solution.status == "cancelled" and "enough" in there.solution.message
    same(there.solution.x, [1.0, 1.0])
    assert str(through_pickle(retrodict.SimulationError("of ours"))) == "of ours"


@pytest.mark.parametrize("way", WAYS)
def test_statistics(way):
    statistics = retrodict.solve(DECAY, DATA, [1.0, 1.0], noise=0.1).statistics(names=["a", "b"])
    there = way(statistics)
    for name in ("covariance", "correlations", "deviations", "unseen"):
        same(getattr(there, name), getattr(statistics, name))
    for name in (
        "noise", "chi_squared", "reduced_chi_squared", "goodness_of_fit", "degrees_of_freedom", "rank", "condition", "words",
    ):
        assert getattr(there, name) == getattr(statistics, name), name
    same(there.intervals(0.9), statistics.intervals(0.9))
    blind = retrodict.Model(lambda x: np.array([x[0] + x[1]]), lambda x: np.ones((1, 2)))
    statistics = retrodict.solve(blind, [1.0], [0.0, 0.0]).statistics(names=["a", "b"])
    assert way(statistics).words == statistics.words
    assert np.isinf(way(statistics).deviations).all()


@pytest.mark.parametrize("way", WAYS)
def test_simulators(way):
    heat = retrodict.simulator("heat", shape=[4, 4], nu_t=0.25)
    there = way(heat)
    assert (there.name, there.settings, there.input_shape) == ("heat", heat.settings, (4, 4))
    x = heat.typical_input(1)
    same(there.forward(x), heat.forward(x))


@pytest.mark.parametrize("way", WAYS)
def test_what_is_listed_and_recorded(way):
    for entry in retrodict.simulators() + retrodict.methods():
        there = way(entry)
        for name in ("name", "aliases", "sentence", "source"):
            assert getattr(there, name) == getattr(entry, name)
        assert repr(there.defaults) == repr(entry.defaults)
    checks = retrodict.check(DECAY, [1.0, 1.0])
    there = way(checks)
    assert str(there) == str(checks) and there.passed
    assert str(way(checks[0])) == str(checks[0])
    records = []
    retrodict.solve(DECAY, DATA, [1.0, 1.0], observer=records.append)
    for record in records:
        there = way(record)
        same(there.x, record.x)
        for name in ("step", "seconds", "loss", "best_loss", "step_norm", "counts"):
            assert getattr(there, name) == getattr(record, name), name
    assert way(DECAY).forward is decay


def test_a_damaged_pickle_is_refused():
    solution = retrodict.solve(DECAY, DATA, [1.0, 1.0])
    build, (facts, terms), _ = solution.__reduce__()
    with pytest.raises(ValueError, match="does not fit this version of retrodict"):
        build(facts[:-3], terms)
    with pytest.raises(ValueError, match="does not fit this version of retrodict"):
        build(facts, b"")


def test_what_a_solution_shows_cannot_be_changed():
    solution = retrodict.solve(DECAY, DATA, [1.0, 1.0])
    for way in [lambda thing: thing] + WAYS:
        there = way(solution)
        for name in ("x", "y", "residuals", "history"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(there, name)[0] = 7.0
    mine = solution.x.copy()
    mine[0] = 7.0
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-6)
    solution.counts["forward"] = 0
    solution.notices.append("nothing")
    assert solution.counts["forward"] > 0 and "nothing" not in solution.notices


def test_what_goes_in_is_not_kept():
    target, noise = DATA.copy(), np.full(9, 0.1)
    solution = retrodict.solve(DECAY, target, [1.0, 1.0], noise=noise)
    before = solution.statistics().deviations
    target[:] = 0.0
    noise[:] = 7.0
    np.testing.assert_allclose(solution.residuals, 0.0, atol=1e-6)
    same(through_pickle(solution).statistics().deviations, before)
