"""Trained networks on new data: refined with noise and priors, alone and several together."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import retrodict

HEAT = retrodict.simulator("heat", shape=[16], nu_t=2.0)
EXP = retrodict.simulator("exp", size=2)


def samples(count, seed):
    """Smooth fields, and what diffusion leaves of them with noise of about 1 %."""
    random = np.random.default_rng(seed)
    k = 2 * np.pi / 16
    place = k * np.arange(16)
    x = np.zeros((count, 16))
    for mode in (1, 2):
        amplitude, phase = random.normal(size=(2, count, 1)) / mode
        x += amplitude * np.sin(mode * place + 3 * phase)
    y = np.array([HEAT.forward(row) for row in x])
    return x, y + 0.01 * np.sqrt(np.mean(y**2)) * random.normal(size=y.shape)


def network(seed=0, simulator=HEAT, folder=None, **data):
    """A linear estimate of x, from noisy samples."""
    if not data:
        x, y = samples(120, 1)
        data = {"target": y, "x": x}
    trained = retrodict.train(
        simulator, network={"name": "mlp", "hidden": []}, data=data, strategy="supervised" if "x" in data else "end-to-end",
        rule={"name": "adam", "learning_rate": 1e-2}, batch=min(40, len(data["target"])), epochs=60, seed=seed,
    )
    path = folder / f"{seed}.safetensors"
    trained.save(path)
    return path


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return [network(seed, folder=folder) for seed in range(3)]


@pytest.fixture(scope="module")
def net(paths):
    return retrodict.Network.load(paths[0])


def test_noise_stays_out_of_a_refined_x(net):
    x, y = samples(5, 2)
    error = lambda found: np.linalg.norm(found - x)
    start = error(net.predict(y))
    with pytest.raises(ValueError, match="would put the noise of y into x") as refused:
        net.predict(y, refine=50)
    assert "relative" in str(refused.value) and "tikhonov" in str(refused.value)
    exact = net.predict(y, refine={"steps": 50, "rule": "levenberg-marquardt", "stop": {"loss_below": 1e-20}})
    assert error(exact) > 3 * start
    sigma = 0.01 * np.sqrt(np.mean(y**2))
    for arguments in [
        {"noise": {"relative": 0.01}},
        {"noise": sigma},
        {"noise": np.full(16, sigma)},
        {"noise": sigma, "bounds": (-5, None)},
        {"noise": sigma, "stop": {"discrepancy_below": 1.0}},
        {"prior": {"name": "tikhonov", "weight": "gcv"}},
        {"prior": [{"name": "tikhonov", "order": 1, "weight": "discrepancy"}], "noise": sigma},
    ]:
        refined = net.predict(y, refine=50, **arguments)
        assert error(refined) <= 1.1 * start, arguments
    # One alone as in company, and in the shape that it was given.
    together = net.predict(y, refine=50, noise={"relative": 0.01})
    alone = net.predict(y[3], refine=50, noise={"relative": 0.01})
    assert alone.shape == (16,)
    np.testing.assert_allclose(alone, together[3], rtol=1e-9, atol=1e-12)
    same = net.predict(y, refine={"steps": 50, "noise": {"relative": 0.01}})
    np.testing.assert_array_equal(same, together)
    bounded = net.predict(y, refine=5, noise=sigma, bounds=(None, 0.1))
    assert bounded.max() <= 0.1


def test_several_networks_give_mean_and_spread(paths, net):
    _, y = samples(4, 3)
    ensemble = retrodict.Ensemble(paths)
    each = np.array([retrodict.Network.load(path).predict(y) for path in paths])
    mean, spread = ensemble.predict(y)
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(spread, each.std(axis=0, ddof=1), rtol=1e-9, atol=1e-14)
    assert spread.min() > 0
    assert ensemble.predict(y[0])[1].shape == (16,)
    refined, same = ensemble.predict(y, refine=20, noise={"relative": 0.01})
    np.testing.assert_array_equal(same, spread)
    assert refined.shape == mean.shape
    assert len(ensemble) == 3 and "3 networks" in repr(ensemble)
    assert isinstance(ensemble.networks[0], retrodict.Network)
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.predict(y)[0], mean)
    assert copy.deepcopy(ensemble) is ensemble


def test_an_ensemble_is_of_one_task(paths, net, tmp_path):
    other = network(simulator=retrodict.simulator("heat", shape=[16], nu_t=1.0), folder=tmp_path)
    with pytest.raises(ValueError, match="nu_t = 1.0"):
        retrodict.Ensemble([paths[0], other])
    target = np.array([[1.0, 2.0], [1.5, 1.0]])
    other = network(simulator=EXP, folder=tmp_path, target=target)
    with pytest.raises(ValueError, match="sees 'y'|sees"):
        retrodict.Ensemble([net, retrodict.Network.load(other)])
    with pytest.raises(ValueError, match="two networks"):
        retrodict.Ensemble([net])
    with pytest.raises(TypeError, match="a list of networks"):
        retrodict.Ensemble(str(paths[0]))
    with pytest.raises(TypeError, match="expected a Network or a path"):
        retrodict.Ensemble([net, 3])
    with pytest.raises(FileNotFoundError):
        retrodict.Ensemble([net, tmp_path / "none.safetensors"])


def test_a_network_that_sees_something_else_is_refined_to_its_target(tmp_path):
    target = np.array([[1.0, 2.0], [1.5, 1.0], [2.0, 3.0]])
    seen = np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.4]])
    path = network(simulator=EXP, folder=tmp_path, target=target, input=seen)
    net = retrodict.Network.load(path)
    with pytest.raises(ValueError, match="does not see, but 'input': pass target"):
        net.predict(seen, refine=20)
    with pytest.raises(ValueError, match="target holds 2 samples"):
        net.predict(seen, refine=20, target=target[:2])
    x = net.predict(seen, refine=20, target=target)
    np.testing.assert_allclose(np.exp(x), target, rtol=1e-6)
    np.testing.assert_allclose(net.predict(seen[0], refine=20, target=target[0]), x[0], rtol=1e-6)


class Failing:
    """exp, which fails where x is large."""

    def forward(self, x):
        if x.max() > 100:
            raise ArithmeticError("too hot")
        return np.exp(x)


def test_a_network_of_a_simulator_in_python_takes_it_along(tmp_path):
    target = np.array([[1.0, 2.0], [1.5, 1.0], [2.0, 3.0]])
    with pytest.warns(UserWarning, match="offers no derivatives"):
        trained = retrodict.train(
            Failing(), network={"name": "mlp", "hidden": []}, data={"target": target}, x_shape=[2], strategy="end-to-end",
            rule="adam", batch=3, epochs=2,
        )
    trained.save(tmp_path / "net.safetensors")
    net = retrodict.Network.load(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match="pass simulator"):
        net.predict(target, refine=20)
    with pytest.raises(ValueError, match="shape|values"):
        net.predict(target, refine=20, simulator=HEAT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = net.predict(target, refine=20, simulator=Failing())
    np.testing.assert_allclose(np.exp(x), target, rtol=1e-6)
    # A failure is that of its sample.
    high = np.vstack([target, -1e6 * net.weights["dense1.weight"].sum(axis=1), 1e6 * net.weights["dense1.weight"].sum(axis=1)])
    with pytest.warns(RuntimeWarning, match="x of sample|x of 2 samples"):
        some = net.predict(high, refine=20, simulator=Failing())
    assert np.isfinite(some[:3]).all() and np.isnan(some[3:]).all(axis=1).any()

    class Stopped:
        def forward(self, x):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.predict(target, refine=20, simulator=Stopped())


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"noise": 0.1}, ValueError, "pass refine too"),
        ({"refine": "five"}, TypeError, "a number of steps"),
        ({"refine": -1}, ValueError, "0 or more"),
        ({"refine": {"step": 5}}, ValueError, "steps"),
        ({"refine": {"steps": 5}, "noise": 0.1}, ValueError, "give noise in it"),
        ({"refine": 5, "noise": "sigma"}, ValueError, "does not fit the noise level"),
        ({"refine": 5, "noise": [0.1, 0.2]}, ValueError, "noise has shape"),
        ({"refine": 5, "noise": 0.0}, ValueError, "greater than 0"),
        ({"refine": 5, "prior": "tikonov"}, ValueError, "tikhonov"),
        ({"refine": 5, "noise": 0.1, "bounds": 3}, TypeError, "no pair"),
        ({"refine": 5, "noise": 0.1, "bounds": ([0, 1], None)}, ValueError, "bounds\\[0\\]"),
        ({"refine": 5, "noise": 0.1, "target": np.ones(16)}, ValueError, "leave it out"),
        ({"refine": 5, "noise": 0.1, "stop": {"gradient": "x"}}, ValueError, "stop"),
    ],
)
def test_what_cannot_be_meant_is_refused(net, arguments, error, words):
    with pytest.raises(error, match=words):
        net.predict(np.ones(16), **arguments)
