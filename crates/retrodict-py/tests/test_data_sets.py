"""Several data sets with shared parameters from Python."""

import pickle

import numpy as np
import pytest

import retrodict

TIMES = {"north": np.linspace(0.0, 6.0, 25), "south": np.linspace(0.0, 3.0, 13)}


class Decay:
    """y = a exp(−k t), of x = (k, a)."""

    def __init__(self, times):
        self.times = times

    def forward(self, x):
        rate, amplitude = x
        return amplitude * np.exp(-rate * self.times)

    def jacobian(self, x):
        rate, amplitude = x
        shape = np.exp(-rate * self.times)
        return np.stack([-amplitude * self.times * shape, shape], axis=1)


MODELS = {name: Decay(times) for name, times in TIMES.items()}
DATA = {
    name: MODELS[name].forward([0.7, amplitude]) + 0.02 * np.random.default_rng(seed).standard_normal(len(TIMES[name]))
    for seed, (name, amplitude) in enumerate([("north", 2.0), ("south", 5.0)])
}
PARAMETERS = {"rate": {"start": 1.0, "transform": "log"}, "amplitude": {"scope": "each", "start": 1.0}}


def test_a_shared_rate_and_amplitudes_of_their_own_are_those_of_one_stacked_model():
    def stacked(x):
        rate, north, south = x
        return np.concatenate([MODELS["north"].forward([rate, north]), MODELS["south"].forward([rate, south])])

    sigma = np.concatenate([np.full(25, 0.02), np.full(13, 0.05)])
    target = np.concatenate(list(DATA.values()))
    one = retrodict.solve(
        stacked, target, [1.0, 1.0, 1.0], noise=sigma, differences={"scheme": "central"}, stop={"loss_change": 0}
    )
    both = retrodict.solve(
        MODELS, DATA, parameters=PARAMETERS, noise={"north": 0.02, "south": 0.05}, stop={"loss_change": 0}
    )
    assert list(both.parameters) == ["rate", "north.amplitude", "south.amplitude"]
    np.testing.assert_allclose(both.x, one.x, rtol=1e-7)
    np.testing.assert_allclose(both.statistics().deviations, one.statistics().deviations, rtol=1e-5)
    assert both.statistics().chi_squared == pytest.approx(one.statistics().chi_squared, rel=1e-7)
    # The parts of y are those of the models.
    parts = both.data_sets
    assert list(parts) == ["north", "south"]
    south = MODELS["south"].forward([both.parameters["rate"], both.parameters["south.amplitude"]])
    np.testing.assert_allclose(parts["south"]["y"], south)
    np.testing.assert_allclose(parts["south"]["residuals"], DATA["south"] - south, atol=1e-12)
    assert one.data_sets == {}


def test_noise_levels_are_fitted_of_each():
    found = retrodict.solve(
        MODELS, DATA, parameters={**PARAMETERS, "sigma": {"scope": "each"}}, noise="sigma", profile="rate"
    )
    for name in DATA:
        rest = found.data_sets[name]["residuals"]
        assert found.parameters[f"{name}.sigma"] == pytest.approx(np.sqrt(np.mean(rest**2)), rel=1e-4)
    profile = found.profiles()["rate"]
    assert profile["low"] < 0.7 < profile["high"]
    assert found.criteria["parameters"] == 5


def test_one_simulator_serves_all_data_sets_and_masked_data_are_missing():
    model = Decay(TIMES["south"])
    data = {"a": DATA["south"], "b": np.ma.masked_greater(DATA["south"], 4.5)}
    found = retrodict.solve(model, data, parameters={"rate": 1.0, "amplitude": 1.0})
    assert found.x.shape == (2,)
    hidden = np.isnan(found.data_sets["b"]["residuals"])
    assert hidden.any() and not hidden.all() and not np.isnan(found.data_sets["a"]["residuals"]).any()


def test_it_travels_and_comes_from_descriptions(tmp_path):
    found = retrodict.solve(MODELS, DATA, parameters=PARAMETERS)
    again = pickle.loads(pickle.dumps(found))
    assert again.parameters == found.parameters
    np.testing.assert_array_equal(again.statistics().deviations, found.statistics().deviations)
    np.testing.assert_array_equal(again.data_sets["south"]["y"], found.data_sets["south"]["y"])
    np.save(tmp_path / "south.npy", DATA["south"])
    (tmp_path / "joint.toml").write_text(
        f"""
        simulator = {{ name = "formula", formula = "amplitude * exp(-rate * t)" }}
        [[observation]]
        name = "north"
        target = {DATA["north"].tolist()}
        simulator.times = {TIMES["north"].tolist()}
        [[observation]]
        name = "south"
        target = "south.npy"
        simulator.times = {TIMES["south"].tolist()}
        [[parameter]]
        name = "amplitude"
        scope = "each"
        start = 1.0
        [[parameter]]
        name = "rate"
        start = 1.0
        """
    )
    described = retrodict.invert(tmp_path / "joint.toml")
    for name, value in found.parameters.items():
        assert described.parameters[name] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"simulator": {"north": MODELS["north"]}}, "'south' has no simulator"),
        ({"simulator": {**MODELS, "west": MODELS["north"]}}, "'west' has no target"),
        ({"target": {}}, "at least one data set"),
        ({"parameters": None}, "give parameters="),
        ({"parameters": {**PARAMETERS, "amplitude": {"scope": "nort"}}}, "did you mean 'north'"),
        ({"noise": {"north": 0.1}}, "the noise level of 'north' is known, and that of 'south' is not"),
        ({"target": {**DATA, "north": DATA["south"]}}, "shape"),
        ({"priors": {"name": "tikhonov", "weight": 1.0}}, "give each parameter a prior"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    arguments = {"simulator": MODELS, "target": DATA, "parameters": PARAMETERS, **change}
    with pytest.raises((ValueError, TypeError, retrodict.SimulationError), match=message):
        retrodict.solve(arguments.pop("simulator"), arguments.pop("target"), **arguments)
