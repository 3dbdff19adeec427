"""Observers see a run and end it; whatever ends it, the best x is kept."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from models import DATA, DECAY, TRUTH, decay, decay_jacobian

import retrodict

START = [0.1, 3.0]


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """A shell's background jobs ignore Ctrl-C, and Python does as it finds it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_observer_sees_every_step_from_the_start():
    seen = []
    solution = retrodict.solve(DECAY, DATA, START, observer=seen.append)
    assert [record.step for record in seen] == list(range(solution.steps + 1))
    np.testing.assert_array_equal(seen[0].x, START)
    np.testing.assert_array_equal([record.loss for record in seen], solution.history)
    for record in seen:
        assert record.loss == pytest.approx(0.5 * np.sum((decay(record.x) - DATA) ** 2))
        assert record.best_loss == min(solution.history[: record.step + 1])
    assert seen[0].step_norm == 0.0
    assert seen[1].step_norm == pytest.approx(np.linalg.norm(seen[1].x - seen[0].x))
    assert seen[-1].counts["forward"] <= solution.counts["forward"]
    assert seen[-1].seconds <= solution.seconds


def test_an_observer_ends_a_run_and_the_best_x_is_kept():
    # Steps that are too long: the loss rises after the first few.
    seen = []

    def observer(record):
        seen.append(record)
        return record.step == 6

    model = retrodict.Model(lambda x: x**2, jacobian=lambda x: np.diag(2.0 * x))
    solution = retrodict.solve(
        model, [4.0], [1.0], method="gd", options={"learning_rate": 0.14}, observer=observer
    )
    assert solution.status == "cancelled" and not solution.converged
    assert "stopped from outside" in solution.message
    assert solution.steps == 6 and len(seen) == 7
    best = min(seen, key=lambda record: record.loss)
    assert best.step < 6, "the last step is not to be the best one"
    assert solution.loss == best.loss == seen[-1].best_loss
    np.testing.assert_array_equal(solution.x, best.x)


def test_a_run_goes_on_from_where_it_was_ended():
    first = retrodict.solve(DECAY, DATA, START, observer=lambda record: record.step == 3)
    assert first.steps == 3
    np.testing.assert_allclose(retrodict.solve(DECAY, DATA, first.x).x, TRUTH, rtol=1e-10)


@pytest.mark.parametrize("told", [None, False, np.False_])
def test_nothing_and_false_go_on(told):
    assert retrodict.solve(DECAY, DATA, START, observer=lambda record: told).converged


def test_anything_else_is_refused():
    with pytest.raises(TypeError, match="returned a 'str', expected True to end the run"):
        retrodict.solve(DECAY, DATA, START, observer=lambda record: "go on")


def test_an_exception_of_the_observer_is_raised_with_the_solution():
    def observer(record):
        if record.step == 2:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as raised:
        retrodict.solve(DECAY, DATA, START, observer=observer)
    solution = raised.value.solution
    assert solution.status == "cancelled" and solution.steps == 2
    assert solution.loss == solution.history.min() < solution.history[0]
    assert raised.traceback[-1].name == "observer"


def test_ctrl_c_in_an_observer_is_raised_with_the_solution():
    def observer(record):
        if record.step == 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as raised:
        retrodict.solve(DECAY, DATA, START, observer=observer)
    assert raised.value.solution.steps == 1


@pytest.mark.parametrize("method", ["lm", "lbfgs", "gd", "adam", "gauss-newton", "pg"])
def test_ctrl_c_in_a_simulator_ends_the_run_at_once(method):
    calls = []

    def forward(x):
        calls.append(x)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return decay(x)

    def invert_near(y, x0):
        return x0 + 0.5 * (TRUTH - x0)

    model = retrodict.Model(forward, decay_jacobian, invert_near=invert_near)
    with pytest.raises(KeyboardInterrupt) as raised:
        retrodict.solve(model, DATA, [1.0, 1.0], method=method, stop=1000)
    assert len(calls) == 4, "no call after the interrupt"
    assert raised.value.solution.loss <= raised.value.solution.history[0]


@pytest.mark.parametrize("where", ["forward", "jacobian", "invert_near"])
def test_ctrl_c_in_a_simulator_is_a_cancelled_run(where):
    def interrupted(*_):
        signal.raise_signal(signal.SIGINT)

    methods = {"forward": decay, "jacobian": decay_jacobian, "invert_near": lambda y, x0: x0}
    model = retrodict.Model(**{**methods, where: interrupted})
    method = "pg" if where == "invert_near" else "lm"
    with pytest.raises(KeyboardInterrupt) as raised:
        retrodict.solve(model, DATA, START, method=method)
    solution = raised.value.solution
    assert solution.status == "cancelled" and "KeyboardInterrupt" in solution.message
    np.testing.assert_array_equal(solution.x, START)
    assert not solution.converged and solution.exception is None
    # Where not even the loss at the start was known, none is told.
    assert len(solution.history) == (0 if where == "forward" else 1)


# A thousand million steps, of which each takes some time.
LONG = retrodict.simulator("lorenz", dt=1e-9, times=[1.0])
X = np.array([10.0, 28.0, 8.0 / 3.0])


@pytest.mark.parametrize(
    "work",
    [
        lambda: LONG.forward(X),
        lambda: LONG.jvp(X, X),
        lambda: LONG.vjp(X, LONG_Y),
        lambda: retrodict.solve(LONG, LONG_Y, X),
        lambda: retrodict.check(LONG, X),
    ],
    ids=["forward", "jvp", "vjp", "solve", "check"],
)
def test_ctrl_c_is_heard_within_a_step(work):
    kill = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    kill.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.monotonic() - began < 30.0
    kill.join()


LONG_Y = np.ones(LONG.output_shape)


def test_handlers_of_signals_may_compute_within_a_step():
    heat = retrodict.simulator("heat", shape=[8])
    found = []

    def handler(number, frame):
        found.append(heat.forward(np.ones(8)))
        raise TimeoutError("mine")

    before = signal.signal(signal.SIGINT, handler)
    kill = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    kill.start()
    try:
        with pytest.raises(TimeoutError, match="mine"):
            LONG.forward(X)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(found) == 1


def test_a_limit_of_time_ends_a_step():
    began = time.monotonic()
    solution = retrodict.solve(LONG, LONG_Y, X, stop={"time": 0.3})
    assert time.monotonic() - began < 30.0
    assert solution.status == "time-limit"
    np.testing.assert_array_equal(solution.x, X)


def test_ctrl_c_ends_a_run_without_any_python_in_it():
    shaw = retrodict.simulator("shaw", size=64)
    target = shaw.forward(np.ones(64))
    kill = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    kill.start()
    with pytest.raises(KeyboardInterrupt) as raised:
        retrodict.solve(
            shaw,
            target,
            np.zeros(64),
            method="gd",
            options={"learning_rate": 1e-9},
            stop={"steps": 10**9, "time": 60.0},
        )
    assert raised.value.solution.steps > 0


def test_other_threads_run_while_a_run_does():
    shaw = retrodict.simulator("shaw", size=64)
    ticks = []
    done = threading.Event()

    def tick():
        while not done.wait(0.01):
            ticks.append(None)

    thread = threading.Thread(target=tick)
    thread.start()
    retrodict.solve(
        shaw,
        shaw.forward(np.ones(64)),
        np.zeros(64),
        method="gd",
        options={"learning_rate": 1e-9},
        stop={"steps": 10**9, "time": 0.3},
    )
    done.set()
    thread.join()
    assert len(ticks) > 5


def test_an_observer_may_solve():
    found = []

    def observer(record):
        if record.step == 1:
            found.append(retrodict.solve(DECAY, DATA, record.x).x)

    retrodict.solve(DECAY, DATA, START, observer=observer)
    np.testing.assert_allclose(found[0], TRUTH, rtol=1e-10)
