"""Named parameters from Python: fixed, tied, derived, with fitted noise levels and profiles."""

import pickle

import numpy as np
import pytest

import retrodict

TIMES = np.linspace(0.0, 6.0, 25)


def decay(p):
    amplitude, rate, offset = p
    return amplitude * np.exp(-rate * TIMES) + offset


def jacobian(p):
    amplitude, rate, _ = p
    shape = np.exp(-rate * TIMES)
    return np.stack([shape, -amplitude * TIMES * shape, np.ones_like(TIMES)], axis=1)


MODEL = retrodict.Model(decay, jacobian=jacobian)
DATA = decay([2.0, 0.7, 0.3]) + 0.05 * np.random.default_rng(3).standard_normal(len(TIMES))
NAMES = {"amplitude": {"start": 1.0, "unit": "V"}, "rate": {"start": 1.0, "lower": 0.0, "transform": "log"}, "offset": 0.0}


def test_names_stand_for_the_values_of_x_in_their_order():
    plain = retrodict.solve(MODEL, DATA, [1.0, 1.0, 0.0], stop={"loss_change": 0})
    named = retrodict.solve(MODEL, DATA, parameters=NAMES, stop={"loss_change": 0})
    assert list(named.parameters) == ["amplitude", "rate", "offset"]
    np.testing.assert_allclose(list(named.parameters.values()), plain.x, rtol=1e-8)
    found = named.intervals()
    assert found["amplitude"]["unit"] == "V"
    deviations = plain.statistics().deviations
    np.testing.assert_allclose([found[name]["deviation"] for name in found], deviations, rtol=1e-6)
    # The logarithm of the rate has a symmetric interval, and the rate one of factors.
    rate = found["rate"]
    assert rate["high"] / rate["value"] == pytest.approx(rate["value"] / rate["low"])
    assert found["offset"]["high"] - found["offset"]["value"] == pytest.approx(
        found["offset"]["value"] - found["offset"]["low"]
    )


def test_what_is_fixed_or_tied_is_no_unknown():
    parameters = {**NAMES, "offset": {"tied": "0.15 * amplitude"}}
    tied = retrodict.solve(MODEL, DATA, parameters=parameters)
    assert tied.x.shape == (2,)
    assert tied.parameters["offset"] == pytest.approx(0.15 * tied.parameters["amplitude"])
    found = tied.intervals()
    assert found["offset"]["deviation"] == pytest.approx(0.15 * found["amplitude"]["deviation"])
    fixed = retrodict.solve(MODEL, DATA, parameters={**NAMES, "offset": {"fixed": 0.3}})
    assert fixed.parameters["offset"] == 0.3 and fixed.intervals()["offset"]["deviation"] == 0.0
    # y is that of the whole model.
    np.testing.assert_allclose(fixed.y, decay(list(fixed.parameters.values())))
    restored = pickle.loads(pickle.dumps(tied))
    assert restored.parameters == tied.parameters


def test_derived_quantities_have_errors_and_profiles():
    derived = {"half_life": {"expression": "log(2) / rate", "unit": "s"}}
    solution = retrodict.solve(MODEL, DATA, parameters=NAMES, derived=derived, profile=["rate", "half_life"])
    rate, half_life = solution.intervals()["rate"], solution.intervals()["half_life"]
    assert half_life["value"] == pytest.approx(np.log(2) / rate["value"])
    assert half_life["deviation"] == pytest.approx(np.log(2) / rate["value"] ** 2 * rate["deviation"])
    profiles = solution.profiles()
    assert list(profiles) == ["rate", "half_life"]
    # Whatever the parametrisation, the profile is the same.
    assert profiles["half_life"]["low"] == pytest.approx(np.log(2) / profiles["rate"]["high"], rel=1e-4)
    assert profiles["half_life"]["high"] == pytest.approx(np.log(2) / profiles["rate"]["low"], rel=1e-4)
    rate = profiles["rate"]
    best = rate["excess"].argmin()
    assert rate["excess"][best] == 0.0 and rate["values"][best] == pytest.approx(solution.parameters["rate"])
    assert rate["x"].shape == (len(rate["values"]), 3)
    assert "identifiable" in rate["sentence"]
    assert set(solution.profiles("all")) == {"amplitude", "rate", "offset", "half_life"}


def test_options_of_profiles_are_given_beside_their_names():
    wide = retrodict.solve(MODEL, DATA, parameters=NAMES, profile=["rate"])
    narrow = retrodict.solve(MODEL, DATA, parameters=NAMES, profile={"of": "rate", "level": 0.5, "points": 12})
    outer, inner = wide.profiles()["rate"], narrow.profiles()["rate"]
    assert outer["low"] < inner["low"] < inner["value"] < inner["high"] < outer["high"]
    # What is said when they are asked for comes before what was said when it was solved.
    again = narrow.profiles(level=0.95)["rate"]
    assert again["high"] == pytest.approx(outer["high"], rel=1e-6)
    assert pickle.loads(pickle.dumps(narrow)).profiles()["rate"]["high"] == pytest.approx(inner["high"], rel=1e-9)


def test_a_fitted_noise_level_is_a_parameter():
    solution = retrodict.solve(MODEL, DATA, parameters=NAMES, noise="sigma", stop={"loss_change": 1e-12})
    plain = retrodict.solve(MODEL, DATA, parameters=NAMES, stop={"loss_change": 1e-12})
    # By maximum likelihood it is the root mean square of the residuals.
    assert solution.parameters["sigma"] == pytest.approx(np.sqrt(np.mean(solution.residuals**2)), rel=1e-5)
    assert solution.statistics().noise == "fitted"
    # Both ways it is the same likelihood, with as many parameters.
    for name, expected in plain.criteria.items():
        assert solution.criteria[name] == pytest.approx(expected, rel=1e-6), name
    log_likelihood = -0.5 * len(DATA) * (np.log(2 * np.pi * np.mean(plain.residuals**2)) + 1)
    assert plain.criteria["log_likelihood"] == pytest.approx(log_likelihood)
    assert plain.criteria["aic"] == pytest.approx(2 * 4 - 2 * log_likelihood)
    sigma = solution.profiles("sigma")["sigma"]
    assert sigma["low"] < solution.parameters["sigma"] < sigma["high"]
    # Without names for the others too, and with noise in proportion to the data.
    unnamed = retrodict.solve(MODEL, DATA, [1.0, 1.0, 0.0], noise="sigma", stop={"loss_change": 1e-12})
    assert unnamed.parameters["sigma"] == pytest.approx(solution.parameters["sigma"], rel=1e-5)
    assert list(unnamed.parameters) == ["x[0]", "x[1]", "x[2]", "sigma"]
    relative = {"parameter": "sigma", "distribution": "proportional"}
    proportional = retrodict.solve(MODEL, DATA, parameters=NAMES, noise=relative)
    assert 0.0 < proportional.parameters["sigma"] < 1.0


def test_registered_simulators_are_named_in_their_own_units():
    epidemic = retrodict.simulator("sir", observe=[1])
    data = epidemic.forward(np.log([0.8, 0.25]))
    solution = retrodict.solve(epidemic, data, parameters={"recovery": {"fixed": 0.25}, "contact": 0.5})
    assert solution.parameters["contact"] == pytest.approx(0.8, rel=1e-6)
    assert solution.intervals()["contact"]["unit"] == "1/day"
    curve = retrodict.simulator("formula", formula="a * exp(-k * t) + c", times=list(TIMES))
    start = {"a": 1.0, "k": 1.0, "c": 0.0}
    formula = retrodict.solve(curve, DATA, parameters=start, stop={"loss_change": 0})
    python = retrodict.solve(MODEL, DATA, [1.0, 1.0, 0.0], stop={"loss_change": 0})
    np.testing.assert_allclose(formula.x, python.x, rtol=1e-8)


def test_priors_of_parameters_are_weighed_against_the_noise():
    parameters = {**NAMES, "offset": {"start": 0.0, "prior": {"mean": 0.0, "std": 1e-6}}}
    solution = retrodict.solve(MODEL, DATA, parameters=parameters, noise=0.05)
    assert abs(solution.parameters["offset"]) < 1e-5
    with pytest.raises(ValueError, match="weighed against the noise"):
        retrodict.solve(MODEL, DATA, parameters=parameters)
    parameters["offset"] = {"start": 0.1, "prior": {"median": 0.3, "log_std": 1e-6}, "transform": "log"}
    solution = retrodict.solve(MODEL, DATA, parameters=parameters, noise=0.05)
    assert solution.parameters["offset"] == pytest.approx(0.3, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {**NAMES, "rate": {"tied": "2 * amplitud"}}}, "did you mean 'amplitude'"),
        ({"parameters": {**NAMES, "rate": {"tied": "offset"}, "offset": {"tied": "rate"}}}, "rate → offset → rate"),
        ({"parameters": {**NAMES, "rate": {"tied": "2 *"}}}, "is missing at column 4"),
        ({"parameters": {**NAMES, "rate": {"fixed": 2.0, "upper": 1.0}}}, "within its bounds"),
        ({"parameters": {**NAMES, "rate": {"strat": 2.0}}}, "did you mean 'start'"),
        ({"parameters": {**NAMES, "rate": {"start": -1.0, "transform": "log"}}}, "greater than 0"),
        ({"parameters": {**NAMES, "rate": {"start": 1.0, "transform": "logit"}}}, "give lower and upper"),
        ({"parameters": {**NAMES, "rate": {"fixed": 1.0}}, "profile": "rate"}, "a constant has no profile"),
        ({"parameters": NAMES, "profile": "rat"}, "did you mean 'rate'"),
        ({"parameters": NAMES, "profile": {"of": "rate", "levl": 0.9}}, "did you mean 'level'"),
        ({"parameters": NAMES, "profile": {"of": "rate", "level": 1.9}}, "level"),
        ({"parameters": NAMES, "profile": {"level": 0.9}}, "name that of which profiles"),
        ({"parameters": NAMES, "derived": {"rate": "2 * offset"}}, "given more than once"),
        ({"parameters": NAMES, "derived": {"half": "lgo(2) / rate"}}, "did you mean 'ln'"),
        ({"parameters": NAMES, "lower": 0.0}, "keep one"),
        ({"parameters": NAMES, "noise": ["a", "b"]}, "noise"),
        ({"parameters": NAMES, "noise": {"parameter": "sigma", "std": 1.0}}, "given more than once"),
    ],
)
def test_what_cannot_be_is_said(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        retrodict.solve(MODEL, DATA, **changes)


def test_a_start_is_needed():
    with pytest.raises(TypeError, match="needs a start"):
        retrodict.solve(MODEL, DATA)


def test_linear_constraints_are_kept_and_said():
    free = retrodict.solve(MODEL, DATA, parameters=NAMES)
    total = free.parameters["amplitude"] + free.parameters["offset"]
    solution = retrodict.solve(MODEL, DATA, parameters={**NAMES, "rate": 1.0}, constraints="amplitude + offset <= 2")
    assert total > 2.1 and solution.converged
    assert solution.parameters["amplitude"] + solution.parameters["offset"] == pytest.approx(2.0, abs=1e-9)
    assert any("amplitude + offset <= 2" in words for words in solution.statistics().words)
    equal = retrodict.solve(MODEL, DATA, parameters=NAMES, constraints=["amplitude = 6 * offset"])
    assert equal.parameters["amplitude"] == pytest.approx(6 * equal.parameters["offset"])
    # One parameter less is found from the data.
    assert equal.criteria["parameters"] == free.criteria["parameters"] - 1
    with pytest.raises(ValueError, match="without linear constraints"):
        equal.profiles("rate")
    for wrong, message in [
        ("amplitude * rate <= 1", "linear in the parameters"),
        ("amplitude + 1", "between its sides"),
        ("amplitud <= 1", "did you mean 'amplitude'"),
        ("2 <= 3", "no free parameter"),
    ]:
        with pytest.raises(ValueError, match=message):
            retrodict.solve(MODEL, DATA, parameters=NAMES, constraints=wrong)
    with pytest.raises(ValueError, match="adam"):
        retrodict.solve(MODEL, DATA, parameters=NAMES, constraints="amplitude <= 1", method="adam")
    # Without names, by their places.
    placed = retrodict.solve(MODEL, DATA, [1.0, 1.0, 0.0], constraints="{x[0]} + {x[2]} <= 2", lower=[0.0, 0.0, -1.0])
    np.testing.assert_allclose(placed.x, list(solution.parameters.values()), rtol=1e-5)


def test_a_description_names_parameters_too():
    description = {
        "simulator": {"name": "formula", "formula": "a * exp(-k * t) + c", "times": list(TIMES)},
        "target": DATA,
        "noise": {"parameter": "sigma"},
        "parameter": [{"name": "a", "start": 1.0}, {"name": "k", "transform": "log"}, {"name": "c", "fixed": 0.3}],
        "derived": [{"name": "half_life", "expression": "log(2) / k"}],
        "profile": "half_life",
    }
    found = retrodict.invert(description)
    assert list(found.parameters) == ["a", "k", "c", "sigma", "half_life"]
    assert list(found.profiles()) == ["half_life"]
    fixed = {**NAMES, "offset": {"fixed": 0.3}}
    same = retrodict.solve(MODEL, DATA, parameters=fixed, noise="sigma")
    assert found.parameters["k"] == pytest.approx(same.parameters["rate"], rel=1e-4)
    # Starts are drawn where logarithms are.
    several = retrodict.solve(MODEL, DATA, parameters=NAMES, starts=6, spread=4.0, seed=2)
    assert sum(len(one["starts"]) for one in several.solutions) == 6
