"""Simulators that fail: at the start, where a step leads, and by answers that are none."""

import numpy as np
import pytest
from models import DATA, DECAY, TRUTH, decay, decay_jacobian

import retrodict


def breaks_below(limit):
    """A logarithm that fails for x below a limit, as many models do."""

    failures = []

    def forward(x):
        if x[0] < limit:
            failures.append(float(x[0]))
            raise ArithmeticError(f"x = {x[0]:g} is too small")
        return np.log(x)

    return retrodict.Model(forward, jacobian=lambda x: np.diag(1.0 / x)), failures


def test_a_failure_at_the_start_is_raised_with_its_cause():
    model, _ = breaks_below(0.0)
    with pytest.raises(retrodict.SimulationError, match="too small") as raised:
        retrodict.solve(model, [0.0], [-1.0])
    cause = raised.value.__cause__
    assert isinstance(cause, ArithmeticError)
    names = []
    trace = cause.__traceback__
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert "forward" in names, "the traceback leads to the user's line"


@pytest.mark.parametrize(
    "method, y, start",
    # A Newton step on ln x = 0 leads from 30 to 30 (1 − ln 30) < 0, one along the gradient from 0.05 to −20.
    [("lm", 0.0, 30.0), ("gauss-newton", 0.0, 30.0), ("lbfgs", -4.0, 0.05)],
)
def test_a_failure_where_a_step_leads_shortens_the_step(method, y, start):
    model, failures = breaks_below(1e-3)
    solution = retrodict.solve(model, [y], [start], method=method)
    assert failures, "the run is to meet the failure"
    assert solution.converged, solution
    assert solution.x[0] == pytest.approx(np.exp(y), rel=1e-6)
    assert "too small" in solution.first_error
    assert any("the step was shortened" in notice for notice in solution.notices)
    assert solution.exception is None


def test_not_a_number_shortens_the_step_too():
    model = retrodict.Model(
        lambda x: np.where(x > 0.0, np.log(np.abs(x) + 1e-300), np.nan),
        jacobian=lambda x: np.diag(1.0 / x),
    )
    solution = retrodict.solve(model, [0.0], [30.0])
    assert solution.x[0] == pytest.approx(1.0, rel=1e-6)
    with pytest.raises(retrodict.SimulationError, match="holds NaN at index 0"):
        retrodict.solve(model, [0.0], [-1.0])


def test_a_failure_that_no_shorter_step_avoids_ends_the_run():
    calls = []

    def forward(x):
        calls.append(x)
        if len(calls) > 3:
            raise OSError("the licence server is gone")
        return decay(x)

    solution = retrodict.solve(
        retrodict.Model(forward, decay_jacobian), DATA, [1.0, 1.0], method="gd",
        options={"learning_rate": 1e-3},
    )
    assert solution.status == "failed"
    assert "licence server" in solution.message
    assert isinstance(solution.exception, OSError)
    assert solution.steps == 2 and solution.loss == solution.history.min()
    # What is asked of the solution asks the simulator, and says so.
    with pytest.raises(retrodict.SimulationError, match="licence server"):
        solution.y


def test_a_derivative_that_fails_before_the_first_step_is_raised():
    def jacobian(x):
        raise ZeroDivisionError("no slope")

    with pytest.raises(retrodict.SimulationError, match="no slope") as raised:
        retrodict.solve(retrodict.Model(decay, jacobian), DATA, [1.0, 1.0], method="gd")
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    np.testing.assert_array_equal(raised.value.solution.x, [1.0, 1.0])


@pytest.mark.parametrize(
    "answer, kind, words",
    [
        (lambda x: decay(x)[:4], ValueError, r"forward.*has shape \(4,\), expected \(9,\)"),
        (lambda x: decay(x)[:, None], ValueError, r"has shape \(9, 1\), expected \(9,\)"),
        (lambda x: decay(x).astype(np.float32), TypeError, "dtype float32.*jax_enable_x64"),
        (lambda x: decay(x) + 0j, TypeError, "dtype complex128, expected float64.*real and imaginary parts"),
        (lambda x: None, TypeError, "returned is None.*is a `return` missing"),
        (lambda x: [1.0, [2.0]], TypeError, "is a 'list', which numpy.asarray.*rows differ"),
        (lambda x: [1.0, None], TypeError, "dtype object, expected float64: it holds None"),
        (lambda x: "1 2 3", TypeError, "dtype <U5, expected float64: these are strings"),
        (lambda x: decay(x).astype(np.longdouble), TypeError, r"expected float64: convert it with .astype\(float\)"),
    ],
)
def test_an_answer_that_is_none_is_the_users_to_mend(answer, kind, words):
    with pytest.raises(kind, match=words):
        retrodict.solve(retrodict.Model(answer, decay_jacobian), DATA, [1.0, 1.0])


def test_the_shape_of_a_jacobian_is_checked():
    model = retrodict.Model(decay, jacobian=lambda x: decay_jacobian(x).T)
    with pytest.raises(ValueError, match=r"jacobian.*has shape \(2, 9\), expected \(9, 2\)"):
        retrodict.solve(model, DATA, [1.0, 1.0])


@pytest.mark.parametrize(
    "wrong, kind, words",
    [
        (lambda y: y[:, None], ValueError, r"has shape \(9, 1\)"),
        (lambda y: np.append(y, 0.0), ValueError, r"has shape \(10,\)"),
        (lambda y: None, TypeError, "is None"),
        (lambda y: y + 1j, TypeError, "imaginary"),
    ],
)
def test_a_wrong_answer_on_the_way_ends_the_run_with_the_solution(wrong, kind, words):
    calls = []

    def forward(x):
        calls.append(x)
        return decay(x) if len(calls) < 3 else wrong(decay(x))

    with pytest.raises(kind, match=words) as raised:
        retrodict.solve(retrodict.Model(forward, decay_jacobian), DATA, [1.0, 1.0])
    solution = raised.value.solution
    assert solution.loss < solution.history[0]
    assert len(calls) == 3
    # Nobody ended it from outside.
    assert solution.status == "failed" and not solution.converged
    assert str(raised.value) in solution.message
    assert solution.exception is raised.value


def gives_up(limit, cut):
    """A model whose integrator gives up for rates beyond a limit, and returns what it has."""
    cuts = []

    def forward(x):
        y = decay(x)
        if x[1] > limit:
            cuts.append(x)
            return cut(y)
        return y

    return retrodict.Model(forward, decay_jacobian), cuts


@pytest.mark.parametrize("cut", [lambda y: y[:4], lambda y: y[:0]], ids=["some", "none"])
@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
def test_a_series_that_is_cut_short_is_a_failure_at_that_x(method, cut):
    # From here both look beyond the limit first.
    model, cuts = gives_up(0.75, cut)
    solution = retrodict.solve(model, DATA, [0.3, 0.01], method=method, stop=200)
    assert cuts, "the run is to meet the failure"
    assert solution.converged, solution
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-5)
    assert "expected (9,)" in solution.first_error and "integrator" in solution.first_error


def test_a_series_that_is_cut_short_at_the_start_is_raised():
    model, _ = gives_up(0.5, lambda y: y[:4])
    with pytest.raises(ValueError, match=r"has shape \(4,\), expected \(9,\).*start where it succeeds"):
        retrodict.solve(model, DATA, [1.0, 1.0])


def test_a_jacobian_that_is_cut_short_on_the_way_is_a_failure():
    calls = []

    def jacobian(x):
        calls.append(x)
        return decay_jacobian(x)[: 9 if len(calls) < 2 else 4]

    solution = retrodict.solve(retrodict.Model(decay, jacobian), DATA, [1.0, 1.0])
    assert solution.status == "failed" and "(4, 2)" in solution.message
    assert isinstance(solution.exception, ValueError)


def test_an_inverse_that_is_not_finite_is_a_failure():
    model = retrodict.Model(
        decay, decay_jacobian, invert_near=lambda y, x0: np.full(2, np.nan)
    )
    solution = retrodict.solve(model, DATA, [1.0, 1.0], method="pg", stop=20)
    assert "invert_near returned NaN" in solution.first_error


def test_warnings_as_errors_are_raised_before_the_run():
    calls = []

    def forward(x):
        calls.append(x)
        return decay(x)

    # pytest turns warnings into errors here.
    with pytest.raises(UserWarning, match="differences"):
        retrodict.solve(forward, DATA, [1.0, 1.0])
    assert not calls


def test_a_solution_outlives_its_failures():
    solution = retrodict.solve(DECAY, DATA, [1.0, 1.0], stop={"loss_change": 0})
    np.testing.assert_allclose(solution.y, decay(TRUTH), rtol=1e-10)
    assert solution.y is solution.y, "it is simulated once"


@pytest.mark.parametrize("method", ["lm", "gauss-newton", "lbfgs", "bfgs", "gradient-descent"])
def test_a_start_on_an_edge_is_kept_with_the_cause_where_every_trial_fails(method):
    t = np.linspace(0.0, 2.0, 21)
    calls = []

    def beyond(p):
        calls.append(tuple(p))
        if p[0] > 1.0:
            raise RuntimeError("not physical")
        return p[0] * np.exp(-p[1] * t)

    data = 2.0 * np.exp(-0.7 * t)
    options = {"learning_rate": 1e-3} if method == "gradient-descent" else None
    solution = retrodict.solve(
        beyond, data, [1.0, 1.0], method=method, options=options, differences={}, stop=50
    )
    least = min(0.5 * np.sum((np.exp(-q * t) - data) ** 2) for q in np.linspace(-1.0, 2.0, 3001))
    assert not solution.converged or solution.loss < 1.01 * least, solution
    if solution.status == "failed":
        assert isinstance(solution.exception, RuntimeError)
    twice = [a for a, b in zip(calls, calls[1:]) if a == b and a[0] > 1.0]
    failing = [p for p in calls if p[0] > 1.0]
    # A rule may come to the same trial again; no trial is asked twice.
    assert len(twice) <= 0.25 * len(failing), "a simulation that failed is not asked again"


def test_what_is_remarked_stands_in_the_notices():
    t = np.linspace(0.0, 5.0, 30)
    wave = retrodict.solve(
        lambda p: p[1] * np.sin(p[0] * t), 2.0 * np.sin(3.0 * t), [0.7, 1.0], differences={}
    )
    assert any("R²" in notice and "other starts" in notice for notice in wave.notices), wave.notices
    flat = retrodict.solve(
        lambda p: p[0] * np.exp(-p[1] * t) / (1.0 + np.exp(-p[2])),
        np.exp(-2.5 * t),
        [1.0, 1.0, 500.0],
        differences={},
    )
    assert any("without effect" in n and "x[2]" in n for n in flat.notices), flat.notices
