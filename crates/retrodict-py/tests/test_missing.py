"""Data that are missing: masked, or NaN where that was said; and models without values there."""

import numpy as np
import pytest
from models import DATA, TRUTH, T, decay, decay_jacobian

import retrodict

GAPS = np.isin(np.arange(9), [0, 3, 8])
MASKED = np.ma.masked_array(np.where(GAPS, 1e6, DATA), GAPS)
NOISE = np.linspace(0.1, 0.5, 9)


def blank(x):
    """No value where nothing was observed."""
    return np.where(GAPS, np.nan, decay(x))


def blank_jacobian(x):
    return np.where(GAPS[:, None], np.nan, decay_jacobian(x))


def fit(model=retrodict.Model(decay, decay_jacobian), target=MASKED, **known):
    return retrodict.solve(model, target, [1.0, 1.0], **known)


def test_a_mask_hides_data():
    solution = fit()
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-7)
    np.testing.assert_array_equal(np.isnan(solution.residuals), GAPS)
    assert solution.statistics().degrees_of_freedom == 6 - 2


def test_a_mask_and_nan_mean_the_same():
    nans = np.where(GAPS, np.nan, DATA)
    for noise in (None, 0.1, NOISE):
        masked, told = fit(noise=noise), fit(target=nans, missing=True, noise=noise)
        np.testing.assert_array_equal(masked.x, told.x)
        np.testing.assert_array_equal(masked.residuals, told.residuals)


def test_a_mask_of_nothing_hides_nothing():
    whole = np.ma.masked_array(DATA)
    np.testing.assert_array_equal(fit(target=whole).x, fit(target=DATA).x)
    np.testing.assert_array_equal(fit(target=DATA, noise=np.ma.masked_array(NOISE)).x, fit(target=DATA, noise=NOISE).x)


def test_nan_beside_a_mask_is_still_told():
    target = np.ma.masked_array(np.where(np.arange(9) == 5, np.nan, DATA), GAPS)
    with pytest.raises(ValueError, match="target holds NaN at index 5"):
        fit(target=target)
    np.testing.assert_allclose(fit(target=target, missing=True).x, TRUTH, rtol=1e-7)


@pytest.mark.parametrize("under", [np.nan, 0.0, np.inf, -1.0])
def test_the_noise_of_a_missing_datum_does_not_matter(under):
    noise = np.where(GAPS, under, NOISE)
    right = fit(noise=NOISE)
    for given in (noise, np.ma.masked_array(noise, GAPS)):
        found = fit(noise=given)
        np.testing.assert_array_equal(found.x, right.x)
        np.testing.assert_array_equal(found.statistics().deviations, right.statistics().deviations)


def test_the_covariance_of_a_missing_datum_does_not_matter():
    covariance = np.diag(NOISE**2)
    covariance[3, :] = covariance[:, 3] = np.nan
    found = fit(noise=covariance).statistics()
    np.testing.assert_allclose(found.covariance, fit(noise=NOISE).statistics().covariance, rtol=1e-9)


def models():
    jvp = retrodict.Model(blank, jvp=lambda x, dx: blank_jacobian(x) @ dx)
    return {
        "differences": blank,
        "masked": lambda x: np.ma.masked_array(decay(x), GAPS),
        "jacobian": retrodict.Model(blank, blank_jacobian),
        "jvp": jvp,
        "vjp": retrodict.Model(
            blank, jvp=jvp.jvp, vjp=lambda x, dy: decay_jacobian(x).T @ dy
        ),
    }


@pytest.mark.parametrize("method", ["lm", "gauss-newton", "bfgs"])
@pytest.mark.parametrize("name", models())
def test_a_model_needs_no_value_where_nothing_was_observed(name, method):
    differences = {} if name in ("differences", "masked") else None
    solution = fit(models()[name], method=method, differences=differences, stop=200)
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-5)
    np.testing.assert_array_equal(np.isnan(solution.y), GAPS)
    np.testing.assert_array_equal(np.isnan(solution.residuals), GAPS)
    whole = fit(noise=0.1).statistics()
    found = fit(models()[name], noise=0.1, differences=differences).statistics()
    np.testing.assert_allclose(found.deviations, whole.deviations, rtol=1e-5)


def test_a_model_needs_a_value_where_something_was_observed():
    target = np.where(np.arange(9) == 8, np.nan, DATA)
    with pytest.raises(retrodict.SimulationError, match="y holds NaN at index 0"):
        fit(blank, target=target, missing=True, differences={})
    with pytest.raises(retrodict.SimulationError, match="y holds NaN at index 0"):
        fit(blank, target=DATA, differences={})


def test_an_inverse_of_a_model_without_all_values():
    solution = fit(blank, differences={}, inverse="path")
    np.testing.assert_allclose(solution.x, TRUTH, rtol=1e-5)


def test_fields_are_masked_by_place():
    field = np.outer(np.arange(1.0, 4.0), T[1:])
    gaps = np.zeros(field.shape, bool)
    gaps[1, 2:5] = True
    target = np.ma.masked_array(np.where(gaps, -99.0, 2.0 * field), gaps)
    solution = retrodict.solve(lambda x: x * field, target, [0.5], differences={})
    np.testing.assert_allclose(solution.x, [2.0], rtol=1e-8)
    np.testing.assert_array_equal(np.isnan(solution.residuals), gaps)
