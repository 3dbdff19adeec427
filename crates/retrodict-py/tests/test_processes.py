"""Other processes: forked after use, spawned, and pools of them. Nothing hangs, and the answers are the same."""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from models import DATA, DECAY, TRUTH, decay

import retrodict

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    # Python warns of forks where there are threads, as rayon's are; that is what is tested.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

PATIENCE = 60.0
# Large enough for loops over threads.
HEAT = retrodict.simulator("heat", shape=[128, 128])
X = HEAT.typical_input(0)
Y = HEAT.forward(X)


def in_child(work):
    """Does `work` in a forked child, which reports by its exit code; kills it where it hangs."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    pytest.fail("the child hangs")


def heat_solution():
    return retrodict.solve(HEAT, Y, 0.0, method="inverse-simulator", stop=1)


def wide():
    """A linear model of so many unknowns that products of matrices go over threads."""
    a = np.random.default_rng(3).normal(size=(600, 400))
    return retrodict.Model(lambda x: a @ x, jacobian=lambda x: a), a @ np.ones(400)


def use_everything():
    same = np.testing.assert_array_equal
    same(HEAT.forward(X), Y)
    same(HEAT.jvp(X, X), Y)
    HEAT.vjp(X, Y)
    HEAT.invert_near(Y, X)
    retrodict.simulator("heat", shape=[64, 64]).forward(np.ones((64, 64)))
    same(heat_solution().x, SOLUTION.x)
    same(SOLUTION.residuals, Y - SOLUTION.y)
    model, y = wide()
    fitted = retrodict.solve(model, y, np.zeros(400))
    same(fitted.x, FITTED.x)
    same(fitted.statistics().covariance, FITTED.statistics().covariance)
    assert retrodict.check(HEAT, X).passed


SOLUTION = heat_solution()
FITTED = retrodict.solve(*wide(), np.zeros(400))


def test_everything_works_in_a_forked_child_and_in_its_own():
    use_everything()

    def child():
        use_everything()
        in_child(use_everything)

    in_child(child)
    use_everything()


def test_threads_of_a_forked_child():
    HEAT.forward(X)

    def child():
        found = []
        threads = [threading.Thread(target=lambda: found.append(HEAT.forward(X))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        for y in found:
            np.testing.assert_array_equal(y, Y)

    in_child(child)


def test_a_fork_within_a_run():
    forked = []

    def forward(x):
        if not forked:
            forked.append(True)
            in_child(lambda: use_everything())
        return decay(x)

    solution = retrodict.solve(forward, DATA, [1.0, 1.0], differences={})
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-6)


def test_a_fork_while_other_threads_compute():
    stop = threading.Event()

    def work():
        while not stop.is_set():
            HEAT.forward(X)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            in_child(lambda: np.testing.assert_array_equal(HEAT.forward(X), Y))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def start_from(start):
    return retrodict.solve(DECAY, DATA, start, noise=0.1)


def fails_for_good(_):
    calls = []

    def forward(x):
        calls.append(x)
        return decay(x) if len(calls) < 3 else None

    return retrodict.solve(forward, DATA, [1.0, 1.0], differences={})


def forward_of(simulator):
    return simulator.forward(X)


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_solutions_come_back_from_a_pool_of_processes(how):
    HEAT.forward(X)
    context = multiprocessing.get_context(how)
    starts = [[1.0 + 0.1 * i, 1.0] for i in range(4)]
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for start, found in zip(starts, pool.map(start_from, starts, timeout=PATIENCE)):
            here = start_from(start)
            np.testing.assert_array_equal(found.x, here.x)
            assert found.status == here.status and found.message == here.message
            np.testing.assert_array_equal(found.statistics().deviations, here.statistics().deviations)
        np.testing.assert_array_equal(pool.submit(forward_of, HEAT).result(PATIENCE), Y)
        with pytest.raises(TypeError, match="is None") as raised:
            pool.submit(fails_for_good, 0).result(PATIENCE)
        assert raised.value.solution.status == "failed"


def test_a_pool_of_multiprocessing():
    HEAT.forward(X)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(forward_of, [HEAT] * 4).get(PATIENCE)
    for y in found:
        np.testing.assert_array_equal(y, Y)
