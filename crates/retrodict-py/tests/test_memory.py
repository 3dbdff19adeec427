"""What is let go of is collected: cycles of models, solutions, exceptions and observers."""

import gc
import sys
import weakref

import numpy as np
import pytest
from models import DATA, DECAY, decay, decay_jacobian

import retrodict


class Mine:
    """A model that can be watched, and that keeps what it is given."""

    def __init__(self):
        self.big = np.ones(1000)

    def forward(self, x):
        return decay(x)

    def jacobian(self, x):
        return decay_jacobian(x)


class Inverting(Mine):
    def invert_near(self, y, x0):
        return x0


def keeps_its_solution(mine):
    mine.solution = retrodict.solve(mine, DATA, [1.0, 1.0])


def keeps_what_was_asked(mine):
    mine.solution = retrodict.solve(mine, DATA, [1.0, 1.0], noise=0.1)
    mine.kept = mine.solution.y, mine.solution.residuals, mine.solution.statistics()


def keeps_an_inverse(mine):
    mine.solution = retrodict.solve(mine, DATA, [1.0, 1.0], inverse="path")


def is_a_function(mine):
    def forward(x):
        return mine.forward(x)

    forward.solution = retrodict.solve(forward, DATA, [1.0, 1.0], differences={})
    mine.function = forward


def is_a_closure_in_a_model(mine):
    model = retrodict.Model(lambda x: mine.forward(x), jacobian=lambda x: mine.jacobian(x))
    mine.solution = retrodict.solve(model, DATA, [1.0, 1.0])


def has_an_observer(mine):
    def observer(record):
        mine.records.append(record)

    mine.records = []
    mine.observer = observer
    mine.solution = retrodict.solve(mine, DATA, [1.0, 1.0], observer=observer)


def is_raised(mine):
    def observer(record):
        raise ValueError("enough")

    try:
        retrodict.solve(mine, DATA, [1.0, 1.0], observer=observer)
    except ValueError as error:
        mine.error = error


def failed(mine):
    calls = []

    def forward(x):
        calls.append(x)
        if len(calls) > 2:
            raise OSError("gone")
        return mine.forward(x)

    mine.solution = retrodict.solve(
        retrodict.Model(forward, decay_jacobian), DATA, [1.0, 1.0], method="gd", options={"learning_rate": 1e-3}
    )
    assert isinstance(mine.solution.exception, OSError)


def was_pickled(mine):
    import pickle

    mine.solution = pickle.loads(pickle.dumps(retrodict.solve(mine, DATA, [1.0, 1.0])))
    mine.y = mine.solution.y


def was_checked(mine):
    mine.checks = retrodict.check(mine, [1.0, 1.0])


@pytest.mark.parametrize("kind", [Mine, Inverting])
@pytest.mark.parametrize(
    "use",
    [
        keeps_its_solution, keeps_what_was_asked, keeps_an_inverse, is_a_function, is_a_closure_in_a_model,
        has_an_observer, is_raised, failed, was_pickled, was_checked,
    ],
)
def test_a_cycle_is_collected(use, kind):
    def go():
        mine = kind()
        use(mine)
        return weakref.ref(mine)

    gone = go()
    gc.collect()
    assert gone() is None


def test_a_solution_in_use_is_not_collected():
    mine = Mine()
    keeps_its_solution(mine)
    solution = mine.solution
    del mine
    gc.collect()
    np.testing.assert_allclose(solution.y, DATA, atol=1e-6)
    assert solution.statistics().rank == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_a_thousand_runs_take_no_more_memory_than_a_hundred():
    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096

    def runs(count):
        for _ in range(count):
            mine = Mine()
            mine.big = np.ones(20_000)
            mine.solution = retrodict.solve(mine, DATA, [1.0, 1.0])
        gc.collect()

    runs(100)
    before = resident()
    runs(1000)
    # 160 MB if the models stayed.
    assert resident() - before < 40e6


def test_the_data_of_a_model_are_let_go_with_the_solution():
    mine = Mine()
    gone = weakref.ref(mine)
    solution = retrodict.solve(mine, DATA, [1.0, 1.0])
    del mine
    assert gone() is not None
    del solution
    assert gone() is None, "counting references is enough where there is no cycle"
    assert retrodict.solve(DECAY, DATA, [1.0, 1.0]).converged
