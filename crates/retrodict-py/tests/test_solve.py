"""Simulators in Python, fitted to data whose x is known."""

import warnings

import numpy as np
import pytest
from models import DATA, DECAY, TRUTH, decay, decay_jacobian

import retrodict


def test_a_jacobian_is_used():
    solution = retrodict.solve(DECAY, DATA, [1.0, 1.0], stop={"loss_change": 0})
    assert solution.converged and solution.status == "converged"
    assert "no direction was found in which the loss falls" in solution.message
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-12)
    np.testing.assert_allclose(solution.y, DATA, rtol=1e-12)
    np.testing.assert_allclose(solution.residuals, DATA - solution.y, atol=1e-15)
    assert solution.history[0] == pytest.approx(0.5 * np.sum((decay([1.0, 1.0]) - DATA) ** 2))
    assert len(solution.history) == solution.steps + 1
    assert solution.counts["forward"] > solution.steps
    assert not solution.notices and solution.first_error is None and solution.exception is None


def test_a_fit_that_is_exact_ends_once_x_is_right():
    further = retrodict.solve(DECAY, DATA, [1.0, 1.0], stop={"loss_change": 0})
    solution = retrodict.solve(DECAY, DATA, [1.0, 1.0])
    assert solution.converged and "the data are fitted exactly" in solution.message
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-8)
    assert solution.counts["forward"] < further.counts["forward"]


def test_products_are_used_as_they_are():
    asked = []

    def jvp(x, dx):
        asked.append("jvp")
        return decay_jacobian(x) @ dx

    def vjp(x, dy):
        asked.append("vjp")
        return decay_jacobian(x).T @ dy

    model = retrodict.Model(decay, jvp=jvp, vjp=vjp)
    solution = retrodict.solve(model, DATA, [1.0, 1.0], method="gauss-newton")
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-12)
    assert "jvp" in asked
    retrodict.solve(model, DATA, [1.0, 1.0], method="lbfgs", stop=50)
    assert "vjp" in asked


def test_missing_derivatives_are_differences_and_said_so_once():
    with pytest.warns(UserWarning, match="'decay' offers no.*central differences, 4 evaluations") as said:
        solution = retrodict.solve(decay, DATA, [1.0, 1.0], stop={"loss_change": 0})
    assert len(said) == 1
    assert said[0].filename == __file__
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-9)
    assert "no derivatives" in solution.notices[0]


def test_differences_that_are_asked_for_go_without_saying():
    calls = []

    def counted(x):
        calls.append(x)
        return decay(x)

    for scheme, most in [("central", 4), ("forward", 2)]:
        calls.clear()
        solution = retrodict.solve(
            counted, DATA, [1.0, 1.0], differences={"scheme": scheme}, stop={"steps": 1}
        )
        # The start, the differences around it, and the trials of a step.
        assert len(calls) == solution.counts["forward"] + most, scheme


def test_objects_are_simulators_too():
    class Line:
        def __init__(self, t):
            self.t = t

        def forward(self, x):
            return x[0] + x[1] * self.t

        def jacobian(self, x):
            return np.stack([np.ones_like(self.t), self.t], axis=1)

    t = np.arange(4.0)
    solution = retrodict.solve(Line(t), 1.0 + 2.0 * t, np.zeros(2))
    np.testing.assert_allclose(solution.x, [1.0, 2.0], atol=1e-12)


def test_shapes_are_kept_in_and_out():
    seen = set()

    def forward(x):
        seen.add(x.shape)
        return (3.0 * x).T

    def jacobian(x):
        # As jax.jacobian has it: y.shape + x.shape.
        j = np.zeros((3, 2, 2, 3))
        for a in range(2):
            for b in range(3):
                j[b, a, a, b] = 3.0
        return j

    target = np.arange(6.0).reshape(3, 2)
    solution = retrodict.solve(retrodict.Model(forward, jacobian), target, np.zeros((2, 3)))
    assert seen == {(2, 3)}
    assert solution.converged and solution.residuals.shape == (3, 2)
    np.testing.assert_allclose(solution.y, target, atol=1e-12)
    np.testing.assert_allclose(solution.x, target.T / 3.0, atol=1e-12)
    assert solution.statistics().deviations.shape == (2, 3)


def test_numbers_are_arrays_without_axes():
    model = retrodict.Model(lambda x: x**2, jacobian=lambda x: np.array([[2.0 * x]]))
    solution = retrodict.solve(model, 9.0, 1.0)
    assert solution.x.shape == ()
    assert float(solution.x) == pytest.approx(3.0)


def test_data_of_other_types_and_orders_are_converted():
    target = np.asfortranarray(np.arange(6).reshape(2, 3))
    model = retrodict.Model(lambda x: 2.0 * x, vjp=lambda x, dy: 2.0 * dy, jvp=lambda x, dx: 2.0 * dx)
    solution = retrodict.solve(model, target, np.zeros((2, 3), dtype=np.float32))
    np.testing.assert_allclose(solution.x, np.arange(6).reshape(2, 3) / 2.0, atol=1e-12)
    # Results that are views, too.
    back = retrodict.Model(lambda x: x[::-1], jacobian=lambda x: np.eye(3)[::-1])
    np.testing.assert_allclose(retrodict.solve(back, [1, 2, 3], np.zeros(3)).x, [3.0, 2.0, 1.0])


def test_the_simulator_may_keep_and_change_its_arrays():
    kept = []

    def forward(x):
        kept.append(x)
        y = decay(x)
        x[:] = 0.0
        return y

    model = retrodict.Model(forward, decay_jacobian)
    solution = retrodict.solve(model, DATA, [1.0, 1.0], stop={"loss_change": 0})
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-12)
    assert all(not x.any() for x in kept)


def test_a_local_inverse_serves_the_rule_that_needs_one():
    near = []

    def invert_near(y, x0):
        near.append(x0.copy())
        return np.sign(x0) * np.sqrt(y)

    model = retrodict.Model(
        lambda x: x**2, jacobian=lambda x: np.diag(2.0 * x), invert_near=invert_near
    )
    solution = retrodict.solve(model, [4.0, 9.0], [1.0, -1.0], method="pg", stop=3)
    np.testing.assert_allclose(solution.x, [2.0, -3.0], rtol=1e-12)
    np.testing.assert_array_equal(near[0], [1.0, -1.0])
    assert solution.counts["inverse"] > 0


def test_an_inverse_is_made_from_derivatives_where_there_is_none():
    model = retrodict.Model(lambda x: x**2, jacobian=lambda x: np.diag(2.0 * x))
    with pytest.raises(ValueError, match='inverse="path"'):
        retrodict.solve(model, [4.0], [1.0], method="inverse-simulator")
    for inverse in ["path", {"name": "newton"}]:
        solution = retrodict.solve(
            model, [4.0], [1.0], method="inverse-simulator", inverse=inverse, stop=3
        )
        assert solution.x[0] == pytest.approx(2.0, rel=1e-8)


def test_bounds_are_never_left():
    seen = []

    def forward(x):
        seen.append(x.copy())
        return decay(x)

    model = retrodict.Model(forward, decay_jacobian)
    solution = retrodict.solve(model, DATA, [1.0, 0.2], lower=0.0, upper=[np.inf, 0.5])
    assert all((x >= 0.0).all() and x[1] <= 0.5 for x in seen)
    assert solution.x[1] == 0.5
    # With the rate held, the amplitude is a linear fit.
    fall = np.exp(-0.5 * np.linspace(0.0, 2.0, 9))
    assert solution.x[0] == pytest.approx(fall @ DATA / (fall @ fall), rel=1e-10)


def test_a_start_outside_the_bounds_is_noticed():
    solution = retrodict.solve(DECAY, DATA, [-1.0, 0.2], lower=0.0)
    assert any("outside the bounds" in notice for notice in solution.notices)


def test_a_rule_that_cannot_hold_bounds_is_refused_by_name():
    model = retrodict.Model(np.exp, lambda x: np.diag(np.exp(x)), invert_near=lambda y, x0: np.log(y))
    with pytest.raises(ValueError, match="inverse-simulator needs unknowns without bounds"):
        retrodict.solve(model, [1.0], [1.0], lower=0.5, method="pg")


def test_priors_are_further_data():
    model = retrodict.Model(lambda x: x, jacobian=lambda x: np.eye(2))
    # Of (x − 3)²/2 + (x − 1)²/2 the minimum is half-way.
    prior = {"name": "gaussian", "reference": [1.0], "deviations": [1.0]}
    solution = retrodict.solve(model, [3.0, 5.0], [0.0, 0.0], noise=1.0, priors=prior)
    np.testing.assert_allclose(solution.x, [2.0, 3.0], rtol=1e-9)
    heavy = [{**prior, "weight": 3}]
    solution = retrodict.solve(model, [3.0, 5.0], [0.0, 0.0], noise=1.0, priors=heavy)
    np.testing.assert_allclose(solution.x, [1.5, 2.0], rtol=1e-9)


def test_what_was_not_observed_is_left_out():
    data = DATA.copy()
    data[[2, 5]] = np.nan
    solution = retrodict.solve(DECAY, data, [1.0, 1.0], missing=True, stop={"loss_change": 0})
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-10)
    assert solution.y.shape == DATA.shape
    np.testing.assert_array_equal(np.isnan(solution.residuals), np.isnan(data))


def test_a_loss_that_outliers_do_not_rule():
    data = DATA.copy()
    data[4] += 5.0
    squared = retrodict.solve(DECAY, data, [1.0, 1.0])
    robust = retrodict.solve(
        DECAY, data, [1.0, 1.0], loss={"name": "cauchy", "scale": 0.01}, stop=200
    )
    assert np.abs(robust.x - TRUTH).max() < 0.01 * np.abs(squared.x - TRUTH).max()


@pytest.mark.parametrize(
    "stop, status, word",
    [
        (2, "step-limit", "the maximum number of steps was reached"),
        ({"steps": 2}, "step-limit", "the maximum number of steps was reached"),
        ({"time": 0.0}, "time-limit", "the time limit was reached"),
        ({"loss_below": 1.0}, "converged", "loss fell below its goal"),
        ({"gradient_below": 1.0}, "converged", "gradient fell below its goal"),
        ({"short_step": 1e-3}, "converged", "last step was shorter than its goal"),
        ({"plateau": 0.999, "plateau_steps": 1}, "converged", "almost stopped falling"),
        ({"discrepancy_below": 1.0}, "converged", "fitted to within their noise level"),
    ],
)
def test_runs_end_when_they_are_told_to(stop, status, word):
    solution = retrodict.solve(DECAY, DATA, [0.1, 3.0], noise=0.1, stop=stop)
    assert solution.status == status, solution
    assert word in solution.message


def test_a_loss_that_settles_ends_the_run_where_that_is_asked_for():
    scattered = DATA + 0.01 * (-1.0) ** np.arange(len(DATA))
    settled, last_digit = (
        retrodict.solve(DECAY, scattered, [1.0, 1.0], stop={"loss_change": share})
        for share in (1e-8, 0.0)
    )
    assert settled.converged and "linear model predicts no further decrease" in settled.message
    assert settled.steps <= last_digit.steps
    np.testing.assert_allclose(settled.x, last_digit.x, rtol=1e-4)


def test_every_method_is_found_by_its_name_and_aliases():
    model = retrodict.Model(
        lambda x: 2.0 * x,
        jacobian=lambda x: 2.0 * np.eye(2),
        invert_near=lambda y, x0: y / 2.0,
    )
    for entry in retrodict.methods():
        for name in [entry.name, *entry.aliases]:
            try:
                solution = retrodict.solve(model, [1.0, 2.0], [0.0, 0.0], method=name, stop=1)
            except ValueError as refused:
                # Second derivatives are not to be had from Python.
                assert entry.name == "newton" and "second derivatives" in str(refused)
                continue
            assert solution.steps == 1 and solution.loss < solution.history[0], name


def test_options_are_those_of_the_method():
    solution = retrodict.solve(
        DECAY, DATA, [1.0, 1.0], method="gd", options={"learning_rate": 1e-3}, stop=1
    )
    gradient = decay_jacobian(np.ones(2)).T @ (decay(np.ones(2)) - DATA)
    np.testing.assert_allclose(solution.x, 1.0 - 1e-3 * gradient, rtol=1e-12)


def test_runs_beside_each_other_do_not_meet():
    from concurrent.futures import ThreadPoolExecutor

    starts = [[1.0 + 0.1 * i, 1.0] for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda start: retrodict.solve(DECAY, DATA, start).x, starts))
    alone = [retrodict.solve(DECAY, DATA, start).x for start in starts]
    np.testing.assert_array_equal(found, alone)


def test_differences_at_once_give_the_same():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, many = (
            retrodict.solve(decay, DATA, [1.0, 1.0], differences={"at_once": count}).x
            for count in (1, 4)
        )
    np.testing.assert_array_equal(one, many)


def test_the_method_is_chosen_by_the_problem_and_said():
    solution = retrodict.solve(DECAY, DATA, [1.0, 1.0])
    assert solution.method == "levenberg-marquardt"
    assert "decomposed" in solution.method_reason
    own = retrodict.solve(DECAY, DATA, [1.0, 1.0], method="gn")
    assert (own.method, own.method_reason) == ("gauss-newton", None)
    heat = retrodict.simulator("heat", shape=[16])
    back = retrodict.solve(heat, np.ones(16), np.zeros(16), method="auto")
    assert back.method == "inverse-simulator"
    bounded = retrodict.solve(heat, np.ones(16), np.zeros(16), lower=0.0, stop=3)
    assert bounded.method == "levenberg-marquardt"


def test_a_linear_model_takes_one_step():
    lines = np.random.default_rng(3).normal(size=(20, 4))
    target = lines @ [30.0, -2.0, 0.5, 700.0] + np.sin(np.arange(20.0))
    best = np.linalg.lstsq(lines, target, rcond=None)[0]
    exact = retrodict.Model(lambda x: lines @ x, jacobian=lambda x: lines)
    for model, start in ((exact, np.full(4, 0.5)), (lambda x: lines @ x, np.zeros(4))):
        solution = retrodict.solve(model, target, start, differences=None if model is exact else {})
        assert solution.converged and solution.steps == 1
        np.testing.assert_allclose(solution.x, best, rtol=1e-7)
