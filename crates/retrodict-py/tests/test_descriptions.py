"""What a description says reaches Python as it reaches the command line: transforms, starts, weights, posteriors, resuming."""

import pickle

import numpy as np
import pytest

import retrodict

T = np.linspace(0.0, 2.0, 9)


def decay(x):
    return x[0] * np.exp(-x[1] * T)


TRUTH = np.array([2.0, 0.7])
DATA = decay(TRUTH)


def solve(**more):
    return retrodict.solve(decay, DATA, [1.0, 1.0], differences={}, **more)


def test_a_transform_is_what_rules_see_and_x_stays_x():
    seen = []
    plain = solve(transform="log", lower=None)
    assert plain.converged and np.allclose(plain.x, TRUTH, rtol=1e-6)
    each = solve(transform=[{"scale": 2.0}, {"bounds": [0.1, 3.0]}], observer=lambda r: seen.append(r.x))
    assert each.converged and np.allclose(each.x, TRUTH, rtol=1e-6)
    assert all(0.1 < x[1] < 3.0 for x in seen)
    with pytest.raises(ValueError, match="did you mean 'log'|unknown variant"):
        solve(transform="logg")
    with pytest.raises(ValueError, match="-1"):
        retrodict.solve(decay, DATA, [-1.0, 1.0], transform="log", differences={})


def test_many_starts_find_distinct_solutions():
    found = retrodict.solve(
        lambda x: x**2, [4.0], [1.0], starts=12, spread=5.0, seed=3, differences={}, stop={"loss_below": 1e-20}
    )
    ends = sorted(one["x"][0] for one in found.solutions)
    assert np.allclose(ends, [-2.0, 2.0])
    assert sorted(i for one in found.solutions for i in one["starts"]) == list(range(12))
    assert found.solutions[0]["loss"] == found.loss and found.counts["forward"] > 24
    again = pickle.loads(pickle.dumps(found))
    assert [one["loss"] for one in again.solutions] == [one["loss"] for one in found.solutions]
    assert solve().solutions[0]["starts"] == [0]


def blurred(n=32, sigma=0.01):
    heat = retrodict.simulator("heat", shape=[n], nu_t=1.0)
    truth = np.exp(-0.5 * ((np.arange(n) - n / 2) / 3.0) ** 2)
    return heat, truth, heat.forward(truth) + sigma * np.random.default_rng(2).normal(size=n)


def test_the_weight_of_a_prior_is_chosen_by_a_rule():
    heat, truth, y = blurred()
    found = retrodict.solve(
        heat, y, np.zeros(32), noise=0.01, priors={"name": "tikhonov", "order": 1, "weight": "discrepancy"}
    )
    weight = found.weight
    assert weight is not None and weight["rule"] == "discrepancy" and weight["weight"] > 0
    assert 0 < weight["degrees_of_freedom"] < 32
    # By hand with that weight: the same x.
    prior = {"name": "tikhonov", "order": 1, "weight": weight["weight"]}
    same = retrodict.solve(heat, y, np.zeros(32), noise=0.01, priors=prior)
    assert np.allclose(found.x, same.x, atol=1e-9) and same.weight is None
    assert np.sqrt(np.mean((found.x - truth) ** 2)) < 0.05
    with pytest.raises(ValueError, match="did you mean 'discrepancy'"):
        retrodict.solve(heat, y, np.zeros(32), noise=0.01, priors={"name": "tikhonov", "weight": "discrepency"})


def test_the_posterior_of_a_field_narrows_its_prior():
    heat, truth, y = blurred()
    prior = {"name": "matern", "length": 4.0, "deviation": 0.5}
    found = retrodict.solve(heat, y, np.zeros(32), noise=0.01, priors=prior)
    posterior = found.posterior(rank=32, samples=3, seed=1)
    assert posterior.deviations.shape == (32,) and posterior.samples.shape == (3, 32)
    assert np.all(posterior.deviations < posterior.prior_deviations)
    assert np.array_equal(posterior.samples, found.posterior(rank=32, samples=3, seed=1).samples)
    # The truth lies where the posterior says, almost everywhere.
    assert np.mean(np.abs(found.x - truth) < 3 * posterior.deviations) > 0.9
    with pytest.raises(ValueError, match="matern"):
        retrodict.solve(heat, y, np.zeros(32), noise=0.01).posterior()


@pytest.mark.parametrize("method", ["adam", "bfgs", "levenberg-marquardt"])
def test_a_run_resumes_bit_for_bit(method):
    def until(steps):
        return {"steps": steps, "loss_change": 0.0, "step_below": 0.0}

    whole = solve(method=method, stop=until(9))
    part = solve(method=method, stop=until(4))
    assert part.status == "step-limit" and part.steps == 4 < whole.steps
    for stopped in (part, pickle.loads(pickle.dumps(part))):
        resumed = stopped.resume(stop=until(9))
        assert np.array_equal(resumed.x, whole.x) and resumed.loss == whole.loss
        assert resumed.steps == whole.steps
    more = part.resume(steps=5)
    assert np.array_equal(more.x, whole.x)


def test_a_description_says_the_same_as_keywords(tmp_path):
    heat, truth, y = blurred()
    np.save(tmp_path / "y.npy", y)
    file = tmp_path / "blur.toml"
    file.write_text(
        """
        target = "y.npy"
        simulator = { name = "heat", shape = [32], nu_t = 1.0 }
        rule = { name = "gauss-newton" }
        noise = { std = 0.01 }
        start = { value = 0.25 }
        bounds = { lower = 0.0 }
        stop = { steps = 30, time = "20s" }
        [[prior]]
        name = "tikhonov"
        order = 1
        weight = 2.0
        """
    )
    keywords = retrodict.solve(
        heat, y, np.full(32, 0.25), method="gauss-newton", noise=0.01, lower=0.0, stop={"steps": 30, "time": "20s"},
        priors={"name": "tikhonov", "order": 1, "weight": 2.0},
    )
    from_file = retrodict.invert(file)
    assert np.array_equal(from_file.x, keywords.x) and from_file.status == keywords.status
    as_data = retrodict.invert(
        {
            "target": y, "simulator": {"name": "heat", "shape": [32], "nu_t": 1.0}, "rule": "gauss-newton",
            "noise": {"std": np.full(32, 0.01)}, "start": {"values": np.full(32, 0.25)}, "bounds": {"lower": 0.0},
            "stop": {"steps": 30}, "prior": [{"name": "tikhonov", "order": 1, "weight": 2.0}],
        }
    )
    assert np.allclose(as_data.x, keywords.x, atol=1e-12)
    own = {"noise": {"std": 0.1}, "stop": {"steps": 40}}
    with pytest.warns(UserWarning, match="offers no derivatives"):
        own = retrodict.invert(own, simulator=decay, target=DATA, start=[1.0, 1.0])
    assert np.allclose(own.x, TRUTH, rtol=1e-3)
    file.write_text('target = "y.npy"\nsimulator = "heat"\nnois = { std = 1 }\n')
    with pytest.raises(ValueError, match=r"blur.toml, line 3: .*did you mean 'noise'"):
        retrodict.invert(file)
    with pytest.raises(ValueError, match="did you mean 'heat'"):
        retrodict.invert({"target": [1.0], "simulator": "haet"})
    with pytest.raises(FileNotFoundError):
        retrodict.invert(tmp_path / "none.toml")


FILE = """target = "y.npy"
simulator = { name = "heat", shape = [32], nu_t = 1.0 }
rule = { name = "adam", learning_rate = 0.1 }
noise = { std = 0.01 }
start = { value = 0.25 }
bounds = { lower = 0.0 }
stop = { steps = 3 }
[[prior]]
name = "tikhonov"
weight = 2.0
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line", "key"),
    [
        ('"y.npy"', '"z.npy"', 1, "z.npy"),
        ("nu_t = 1.0", "nu_t = -1.0", 2, "nu_t"),
        ("learning_rate = 0.1", "learning_rate = -0.1", 3, "learning_rate"),
        ("std = 0.01", "std = -0.01", 4, "std"),
        ("std = 0.01", "std = [0.1, 0.2]", 4, "std"),
        ("value = 0.25", "values = [1.0]", 5, "start"),
        ("lower = 0.0", "lower = [0.0, 1.0]", 6, "lower"),
        ("steps = 3", "plateau_steps = 0", 7, "plateau_steps"),
        ('"tikhonov"', '"tikhonof"', 9, "tikhonof"),
        ("weight = 2.0", "weight = -2.0", 10, "weight"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path, right, wrong, line, key):
    np.save(tmp_path / "y.npy", blurred()[2])
    path = tmp_path / "blur.toml"
    path.write_text(FILE)
    assert retrodict.invert(path).steps == 3
    path.write_text(FILE.replace(right, wrong))
    with pytest.raises(ValueError, match=rf"blur.toml, line {line}: .*{key}"):
        retrodict.invert(path)


def test_stops_have_one_vocabulary():
    assert solve(stop={"loss": 1e-3}).x.tolist() == solve(stop={"loss_below": 1e-3}).x.tolist()
    with pytest.raises(ValueError, match="did you mean 'gradient_below'|did you mean `gradient"):
        solve(stop={"gradient_belo": 1e-3})


def test_entries_explain_their_options():
    adam = next(method for method in retrodict.methods() if method.name == "adam")
    rate = adam.options[0]
    assert rate["key"] == "learning_rate" and rate["kind"] == "number" and rate["default"] == adam.defaults["learning_rate"]
    assert "Δx" in rate["meaning"] or len(rate["meaning"]) > 5
    assert "learning_rate (number, default 0.01)" in str(adam)
    assert all(option["meaning"] for entry in retrodict.simulators() for option in entry.options)
