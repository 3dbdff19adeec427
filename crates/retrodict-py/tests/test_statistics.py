"""Error bars against the formulas of linear regression, in NumPy."""

import numpy as np
import pytest

import retrodict

RNG = np.random.default_rng(7)
A = RNG.normal(size=(20, 3))
X = np.array([1.0, -2.0, 0.5])
SIGMA = 0.3
Y = A @ X + SIGMA * RNG.normal(size=20)
LINE = retrodict.Model(lambda x: A @ x, jacobian=lambda x: A)

# Quantiles of the tables: a Gaussian's, and Student's t with 17 degrees of freedom.
GAUSS_95 = 1.959963984540054
STUDENT_95_17 = 2.109815577833181


def fit(**known):
    return retrodict.solve(LINE, Y, np.zeros(3), **known)


def test_known_noise():
    statistics = fit(noise=SIGMA).statistics()
    best = np.linalg.lstsq(A, Y, rcond=None)[0]
    covariance = SIGMA**2 * np.linalg.inv(A.T @ A)
    deviations = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(statistics.covariance, covariance, rtol=1e-10)
    np.testing.assert_allclose(statistics.deviations, deviations, rtol=1e-10)
    np.testing.assert_allclose(
        statistics.correlations, covariance / np.outer(deviations, deviations), rtol=1e-9
    )
    ends = np.stack([best - GAUSS_95 * deviations, best + GAUSS_95 * deviations], axis=-1)
    np.testing.assert_allclose(statistics.intervals(), ends, rtol=1e-8)
    residuals = Y - A @ best
    assert statistics.chi_squared == pytest.approx(residuals @ residuals / SIGMA**2)
    assert statistics.reduced_chi_squared == pytest.approx(statistics.chi_squared / 17)
    assert 0.0 < statistics.goodness_of_fit < 1.0
    assert (statistics.rank, statistics.degrees_of_freedom, statistics.noise) == (3, 17, "known")
    assert statistics.unseen.shape == (0, 3) and statistics.words == []


def test_estimated_noise():
    statistics = fit().statistics()
    best = np.linalg.lstsq(A, Y, rcond=None)[0]
    residuals = Y - A @ best
    deviations = np.sqrt(np.diag(np.linalg.inv(A.T @ A)) * (residuals @ residuals) / 17)
    np.testing.assert_allclose(statistics.deviations, deviations, rtol=1e-9)
    ends = np.stack([best - STUDENT_95_17 * deviations, best + STUDENT_95_17 * deviations], axis=-1)
    np.testing.assert_allclose(statistics.intervals(0.95), ends, rtol=1e-8)
    assert statistics.noise == "estimated"
    assert statistics.chi_squared is None and statistics.goodness_of_fit is None
    # Noise that was given may be estimated all the same.
    again = fit(noise=SIGMA).statistics(noise="estimated")
    np.testing.assert_allclose(again.deviations, deviations, rtol=1e-9)


def test_noise_for_each_datum_and_its_covariance_agree():
    each = np.linspace(0.1, 0.5, 20)
    weights = 1.0 / each**2
    best = np.linalg.solve(A.T @ (weights[:, None] * A), A.T @ (weights * Y))
    for noise in [each, np.diag(each**2)]:
        solution = fit(noise=noise)
        np.testing.assert_allclose(solution.x, best, rtol=1e-9)
        np.testing.assert_allclose(
            solution.statistics().covariance,
            np.linalg.inv(A.T @ (weights[:, None] * A)),
            rtol=1e-8,
        )


def test_what_the_data_do_not_see_is_said_in_words():
    both = np.stack([np.ones(4), np.ones(4)], axis=1)
    model = retrodict.Model(lambda x: both @ x, jacobian=lambda x: both)
    solution = retrodict.solve(model, np.full(4, 3.0), [0.0, 0.0])
    statistics = solution.statistics(names=["rain", "snow"])
    assert statistics.rank == 1
    assert statistics.words == ["rain − snow is not identifiable: changing x along it does not change y"]
    unseen = statistics.unseen[0]
    assert unseen[0] == pytest.approx(-unseen[1])
    assert np.isinf(statistics.deviations).all()
    assert "x[0] − x[1]" in solution.statistics().words[0]


@pytest.mark.parametrize("inverse", [None, "path"])
def test_names_of_a_simulator_of_ours_are_used(inverse):
    # One angle, once: two parameters are too many for it.
    pendulum = retrodict.simulator("pendulum", times=[0.2], observe=[0])
    x = np.array([1.0, 0.3])
    solution = retrodict.solve(pendulum, pendulum.forward(x), x, inverse=inverse)
    (words,) = solution.statistics().words
    assert words.startswith("stiffness + 15.129 damping is not identifiable"), words


def test_what_is_no_share_or_no_noise_is_refused():
    statistics = fit().statistics()
    with pytest.raises(ValueError, match="level = 95 is not allowed.*for example 0.95"):
        statistics.intervals(95)
    with pytest.raises(ValueError, match="standard deviations of the noise"):
        fit().statistics(noise="known")
    with pytest.raises(ValueError, match="noise = 'guess', expected 'known' or 'estimated'"):
        fit().statistics(noise="guess")


def test_unknowns_that_bounds_fix_are_constants():
    t = np.linspace(0, 2, 9)
    data = 2.0 * np.exp(-0.7 * t) + 0.01 * np.cos(9 * t)
    for differences in (None, {}):
        model = lambda p: p[0] * np.exp(-p[1] * t)  # noqa: E731
        slopes = lambda p: np.stack([np.exp(-p[1] * t), -p[0] * t * np.exp(-p[1] * t)], 1)  # noqa: E731
        simulator = model if differences is not None else retrodict.Model(model, jacobian=slopes)
        solution = retrodict.solve(
            simulator, data, [1.0, 0.5], lower=[-np.inf, 0.5], upper=[np.inf, 0.5], differences=differences
        )
        found = solution.statistics(names=["amplitude", "rate"])
        shape = np.exp(-0.5 * t)
        left = data - solution.x[0] * shape
        deviation = np.sqrt(left @ left / 8 / (shape @ shape))
        assert (found.rank, found.degrees_of_freedom, found.fixed) == (1, 8, [1])
        np.testing.assert_allclose(found.deviations, [deviation, 0.0], rtol=1e-5)
        assert np.isnan(found.correlations[0, 1])
        np.testing.assert_array_equal(found.intervals()[1], [0.5, 0.5])
        assert found.words == ["fixed by equal bounds, and therefore not fitted: rate"]
    bounded = retrodict.solve(model, data, [1.0, 0.2], upper=[np.inf, 0.5], differences={})
    words = bounded.statistics(names=["amplitude", "rate"]).words
    assert words == ["at their bounds, which the confidence intervals do not take into account: rate"]


def test_a_line_through_zero_by_differences():
    t = np.arange(11.0)
    lines = np.stack([np.ones(11), t], 1)
    data = 2 * t + 0.05 * np.cos(3 * t)
    data -= np.linalg.lstsq(lines, data, rcond=None)[0][0]
    for start in ([1.0, 1.0], [0.0, 1.0], [1e-15, 1.0]):
        solution = retrodict.solve(lambda p: lines @ p, data, start, differences={})
        left = data - lines @ solution.x
        covariance = np.linalg.inv(lines.T @ lines) * (left @ left) / 9
        np.testing.assert_allclose(
            solution.statistics().deviations, np.sqrt(np.diag(covariance)), rtol=1e-3
        )


def test_models_in_single_precision_have_the_deviations_of_double():
    t = np.linspace(0.1, 3, 30)
    data = 2.0 * np.exp(-0.7 * t) + 0.02 * np.sin(40 * t)
    found = []
    for dtype in (np.float64, np.float32):
        model = lambda p: (p[0] * np.exp(-p[1] * t)).astype(dtype).astype(float)  # noqa: B023, E731
        found.append(retrodict.solve(model, data, [1.0, 1.0], differences={}).statistics().deviations)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-3)


@pytest.mark.parametrize("last", [0.0, 5.0, 1e-9])
@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_an_unknown_without_effect_is_told_without_reservation(last, noise):
    times = np.linspace(0.05, 4.0, 40)
    random = np.random.default_rng(0)

    def decay(x):
        return x[0] * np.exp(-x[1] * times) * (1 + noise * random.standard_normal(40))

    data = 2.0 * np.exp(-0.7 * times) + 0.01 * np.random.default_rng(1).standard_normal(40)
    solution = retrodict.solve(decay, data, [1.0, 1.0, last], noise=0.01, differences={})
    assert solution.status == "converged"
    assert solution.statistics().words == ["x[2] is not identifiable: y does not depend on it"]
