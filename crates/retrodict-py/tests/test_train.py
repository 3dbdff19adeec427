"""Networks that learn through a simulator: registered, external to the library, or written in Python."""

import gc
import pickle
import signal
import threading
import weakref

import numpy as np
import pytest

import retrodict

DRAW = {"kind": "uniform", "low": -1.0, "high": 1.0, "train": 64, "test": 16}
SMALL = {"name": "mlp", "hidden": [10]}
HIG = {"name": "half-inverse", "learning_rate": 1.0}


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """A shell's background jobs ignore Ctrl-C, and Python does as it finds it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def exp(x):
    return np.exp(x)


def scaled(x, v):
    return np.exp(x) * v


EXP = retrodict.Model(exp, jvp=scaled, vjp=scaled)


def learn(simulator=None, **more):
    simulator = retrodict.simulator("exp", size=1) if simulator is None else simulator
    arguments = dict(network=SMALL, data=DRAW, rule=HIG, batch=16, epochs=8) | more
    return retrodict.train(simulator, **arguments)


def test_a_network_learns_to_invert_a_simulator_of_ours():
    trained = learn()
    assert trained.status == "step-limit" and trained.epochs == 8 and trained.steps == 32
    history = trained.history
    assert history["test_loss"][0] > 10 * trained.loss == 10 * history["test_loss"].min()
    assert np.isnan(history["running_loss"][0]) and list(history["epoch"]) == list(range(9))
    assert np.allclose(trained.predict([[1.5], [0.7]]), np.log([[1.5], [0.7]]), atol=0.1)
    assert trained.predict([1.5]).shape == (1,) and trained.predict(np.ones((5, 1))).shape == (5, 1)
    assert sum(array.size for array in trained.weights.values()) == trained.theta.size == 31
    assert not trained.theta.flags.writeable and trained.exception is None
    assert "mlp" in repr(trained) and "step-limit" in repr(trained)


def test_the_same_seed_makes_the_same_bits_and_pickle_keeps_them():
    first, again = learn(), learn()
    np.testing.assert_array_equal(first.theta, again.theta)
    assert not np.array_equal(first.theta, learn(seed=1).theta)
    there = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(there.predict([[1.2]]), first.predict([[1.2]]))
    assert there.status == first.status and there.loss == first.loss


def test_networks_of_arrays_are_normalised_unless_told_otherwise():
    x = 1e3 * np.random.default_rng(0).permutation(np.linspace(1.0, 2.0, 48))[:, None]
    data = {"target": 1e-2 * x, "x": x, "test": 8}
    simulator = retrodict.Model(lambda x: 1e-2 * x, jvp=lambda x, v: 1e-2 * v, vjp=lambda x, v: 1e-2 * v)
    adam = {"name": "adam", "learning_rate": 1e-2}
    known = dict(data=data, strategy="supervised", rule=adam)
    trained, plain = learn(simulator, **known), learn(simulator, **known, normalise=False)
    error = lambda own: np.abs(own.predict(data["target"]) - x).max()
    assert error(trained) < 0.1 * error(plain)
    there = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(there.predict(data["target"]), trained.predict(data["target"]))
    positive = learn(simulator, **known, normalise={"output": "log-value"})
    assert positive.predict([[-100.0], [100.0]]).min() > 0
    with pytest.raises(ValueError, match="log-value"):
        learn(simulator, **known, normalise={"output": "log"})
    with pytest.raises(ValueError, match="true, false, or a table"):
        learn(simulator, **known, normalise=3)


@pytest.mark.parametrize("strategy", ["end-to-end", "supervised", {"name": "corrected-targets", "rule": "gauss-newton"}])
def test_a_simulator_in_python_teaches_as_ours_does(strategy):
    # In no order: the last samples are held out, and they are to be like the others.
    x = np.random.default_rng(0).permutation(np.linspace(-1.0, 1.0, 48))[:, None]
    data = {"target": np.exp(x), "x": x, "test": 8}
    ours = learn(data=data, strategy=strategy)
    own = learn(EXP, data=data, strategy=strategy)
    np.testing.assert_allclose(own.theta, ours.theta, rtol=1e-6, atol=1e-8)
    assert own.loss < 0.1 * own.history["test_loss"][0]


def test_samples_of_a_simulator_in_python_are_drawn_too():
    own = learn(EXP, x_shape=(1,))
    np.testing.assert_allclose(own.theta, learn().theta, rtol=1e-6, atol=1e-8)
    with pytest.raises(ValueError, match="needs the shape of x"):
        learn(EXP)


ADAM = {"name": "adam", "learning_rate": 1e-2}
ROWS = np.linspace(-1.0, 1.0, 48)[:, None]
ARRAYS = {"target": np.exp(ROWS), "x": ROWS, "test": 8}


@pytest.mark.parametrize("how", ["as it is", "through a file"])
@pytest.mark.parametrize(
    "more",
    [
        {"rule": ADAM},
        {"rule": ADAM, "simulator": EXP, "data": ARRAYS},
        {"rule": "lbfgs", "schedule": {"kind": "cosine", "steps": 40}},
        {"rule": ADAM, "strategy": {"name": "corrected-targets", "rule": "gauss-newton"}, "data": ARRAYS},
    ],
    ids=["ours", "python", "lbfgs", "corrected targets"],
)
def test_a_training_resumes_bit_for_bit(tmp_path, how, more):
    whole = learn(**more)
    # In the middle of an epoch.
    part = learn(stop={"steps": 5}, epochs=None, **more)
    assert part.steps == 5 < whole.steps
    if how == "through a file":
        with open(tmp_path / "part.pickle", "wb") as file:
            pickle.dump(part, file)
        del part
        with open(tmp_path / "part.pickle", "rb") as file:
            part = pickle.load(file)
    resumed = part.resume(stop={"epochs": 8})
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    np.testing.assert_array_equal(resumed.history["test_loss"], whole.history["test_loss"])
    assert (resumed.steps, resumed.loss, resumed.status) == (whole.steps, whole.loss, whole.status)


def test_a_training_goes_on_as_long_as_it_is_told():
    trained = learn(epochs=2)
    assert trained.resume().epochs == 4 == trained.resume().resume(epochs=0).epochs
    assert trained.resume(epochs=1).resume(steps=3).steps == 15
    for stop in [{"epochs": 3}, {"epochs": 9, "loss_below": 1e9}]:
        assert trained.resume(stop=stop).status == ("converged" if "loss_below" in stop else "step-limit")
    assert trained.resume(seconds=1e-9).status == "time-limit"
    seen = []
    trained.resume(epochs=2, observer=lambda epoch: seen.append(epoch["epoch"]))
    assert seen == [3, 4] and trained.epochs == 2, "what was trained stays as it is"


@pytest.mark.parametrize(
    ("more", "error", "part"),
    [
        ({"seconds": -1.0}, ValueError, "seconds = -1"),
        ({"stop": {"loss_below": 1e-9}}, ValueError, "would never end"),
        ({"stop": {"epoch": 3}}, ValueError, "did you mean 'epochs'"),
        ({"stop": 3}, TypeError, "stop is a 'int'"),
        ({"observer": 3}, TypeError, "observer is a 'int'"),
    ],
)
def test_what_cannot_be_resumed_is_refused(more, error, part):
    with pytest.raises(error, match=part):
        learn(epochs=1).resume(**more)


def test_a_network_whose_simulator_pickle_refuses_says_so():
    model = retrodict.Model(lambda x: np.exp(x), jvp=lambda x, dx: np.exp(x) * dx, vjp=lambda x, dy: np.exp(x) * dy)
    trained = learn(model, data=ARRAYS, epochs=1)
    assert trained.resume(epochs=1).epochs == 2
    there = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(there.predict([[1.2]]), trained.predict([[1.2]]))
    with pytest.raises(ValueError, match="pickled without its simulator"):
        there.resume(epochs=1)


class Estimator:
    """As scikit-learn has them: it is the simulator, and keeps its network."""

    def forward(self, x):
        return np.exp(x)

    def jvp(self, x, dx):
        return np.exp(x) * dx

    def vjp(self, x, dy):
        return np.exp(x) * dy

    def fit(self):
        self.trained = learn(self, data=ARRAYS, epochs=1)
        return self


def test_a_simulator_may_hold_its_network():
    there = pickle.loads(pickle.dumps(Estimator().fit()))
    assert there.trained.resume(epochs=1).epochs == 2
    gone = weakref.ref(there)
    del there
    gc.collect()
    assert gone() is None


def test_another_search_takes_the_place_of_the_rules():
    # Steps that are far too long: a search on the mini-batch shortens them.
    long = {"rule": {"name": "gradient-descent", "learning_rate": 100.0}, "epochs": 4}
    searched = learn(search={"name": "backtracking", "decrease": 0.9}, **long)
    assert searched.loss < 0.5 * searched.history["test_loss"][0]
    assert searched.loss < 0.5 * learn(**long).loss
    assert not np.array_equal(learn(search="backtracking", **long).theta, searched.theta)
    method = DESCRIPTION["method"][0] | {"search": "full"}
    told = retrodict.train(DESCRIPTION | {"method": [method]})
    np.testing.assert_array_equal(told.theta, learn(search="full").theta)


DESCRIPTION = {
    "simulator": {"name": "exp", "size": 1},
    "network": SMALL,
    "stop": {"epochs": 8},
    "data": {"draw": {"kind": "uniform", "low": -1.0, "high": 1.0}, "train": 64, "test": 16},
    "method": [
        {"name": "hig", "strategy": "end-to-end", "rule": HIG, "batch": 16},
        {"name": "adam", "strategy": "end-to-end", "rule": "adam", "batch": 16},
    ],
}


FILE = """simulator = { name = "exp", size = 1 }
network = { name = "mlp", hidden = [10] }
stop = { epochs = 1 }
[data]
draw = { kind = "uniform", low = -1.0, high = 1.0 }
train = 64
test = 16
[[method]]
name = "hig"
strategy = "end-to-end"
rule = { name = "half-inverse", learning_rate = 1.0 }
batch = 16
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line", "key"),
    [
        ("learning_rate = 1.0", "learning_rate = -1.0", 11, "learning_rate"),
        ('"half-inverse"', '"half-invers"', 11, "half-inverse"),
        ("hidden = [10]", "hidden = [0]", 2, "hidden"),
        ("low = -1.0", "low = 2.0", 5, "low"),
        ("batch = 16", "batch = 0", 12, "batch"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path, right, wrong, line, key):
    path = tmp_path / "exp.toml"
    path.write_text(FILE)
    assert retrodict.train(path).epochs == 1
    path.write_text(FILE.replace(right, wrong))
    with pytest.raises(ValueError, match=rf"exp.toml, line {line}: .*{key}"):
        retrodict.train(path)


def test_a_dictionary_and_a_file_say_the_same(tmp_path):
    path = tmp_path / "exp.toml"
    path.write_text(
        "simulator = { name = 'exp', size = 1 }\nnetwork = { name = 'mlp', hidden = [10] }\n[until]\nepochs = 8\n[data]\n"
        "draw = { kind = 'uniform', low = -1.0, high = 1.0 }\ntrain = 64\ntest = 16\n[[method]]\nname = 'hig'\n"
        "strategy = 'end-to-end'\nrule = { name = 'half-inverse', learning_rate = 1.0 }\nbatch = 16\n"
    )
    told = retrodict.train(DESCRIPTION, method="hig")
    np.testing.assert_array_equal(told.theta, learn().theta)
    np.testing.assert_array_equal(retrodict.train(path).theta, told.theta)
    np.testing.assert_array_equal(retrodict.train(str(path)).theta, told.theta)
    x = np.linspace(-1.0, 1.0, 48)[:, None]
    np.savez(tmp_path / "samples.npz", target=np.exp(x), x=x)
    data = {"target": np.exp(x), "x": x, "test": 8}
    given = retrodict.train(DESCRIPTION, method="hig", data=data)
    from_file = {"draw": {"kind": "file", "path": str(tmp_path / "samples.npz")}, "train": 40, "test": 8}
    for same in [DESCRIPTION | {"data": {"draw": {"kind": "arrays", "target": np.exp(x), "x": x}, "test": 8}}, DESCRIPTION | {"data": from_file}]:
        np.testing.assert_array_equal(retrodict.train(same, method="hig").theta, given.theta)


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda: learn(network=None), ValueError, "network is missing.*mlp"),
        (lambda: learn(data=None), ValueError, "data is missing"),
        (lambda: learn(rule="hgi"), ValueError, r"unknown rule 'hgi'"),
        (lambda: learn(search="wolf"), ValueError, "unknown search 'wolf'.*did you mean 'wolfe'"),
        (lambda: learn(rule="lm", search="full"), ValueError, "finds the length of its steps itself"),
        (lambda: retrodict.train(DESCRIPTION, method="hig", search="full"), ValueError, "part of the description"),
        (lambda: learn(rule={"name": "adam", "learnin_rate": 1.0}), ValueError, "did you mean 'learning_rate'"),
        (lambda: learn(stop={"epoch": 3}), ValueError, "did you mean 'epochs'"),
        (lambda: learn(epochs=None), ValueError, "would never end"),
        (lambda: learn(batch=100), ValueError, "batch"),
        (lambda: learn(data={"target": np.ones((4, 2))}), ValueError, "expected 4 rows of 1 values"),
        (lambda: learn(data={"target": [[1.0], [np.nan]]}), ValueError, "NaN"),
        (lambda: learn(observer=3), TypeError, "observer is a 'int'"),
        (lambda: retrodict.train(DESCRIPTION), ValueError, 'method="hig"; known: hig, adam'),
        (lambda: retrodict.train(DESCRIPTION, method="sip"), ValueError, "unknown method 'sip'"),
        (lambda: retrodict.train(DESCRIPTION, method="hig", epochs=3), ValueError, "part of the description"),
        (lambda: retrodict.train(DESCRIPTION | {"dta": 1}, method="hig"), ValueError, "unknown key 'dta'"),
        (lambda: learn().predict(np.ones((3, 2))), ValueError, "y has shape"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_try(call, error, part):
    with pytest.raises(error, match=part):
        call()


def test_an_observer_sees_each_epoch_and_ends_the_training():
    seen = []

    def observer(epoch):
        seen.append(epoch)
        return epoch["epoch"] == 3

    trained = learn(observer=observer)
    assert trained.status == "cancelled" and trained.epochs == 3
    assert [one["test_loss"] for one in seen] == list(trained.history["test_loss"][1:])


def test_exceptions_of_the_observer_are_raised_with_what_was_learned():
    def observer(epoch):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as raised:
        learn(observer=observer)
    assert raised.value.trained.status == "cancelled" and raised.value.trained.epochs == 1


def test_a_simulator_that_fails_at_first_is_the_cause():
    def broken(x):
        raise ZeroDivisionError("no physics here")

    x = np.linspace(-1.0, 1.0, 48)[:, None]
    with pytest.raises(retrodict.SimulationError, match="no physics here") as raised:
        learn(retrodict.Model(broken, jvp=lambda x, dx: dx, vjp=lambda x, dy: dy), data={"target": np.exp(x), "x": x})
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("simulator", [None, EXP], ids=["ours", "python"])
def test_ctrl_c_ends_a_training_and_keeps_what_was_learned(simulator):
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt) as raised:
        learn(simulator, epochs=10_000_000, x_shape=(1,))
    timer.join()
    trained = raised.value.trained
    assert trained.status == "cancelled" and trained.epochs > 0
    assert trained.loss < trained.history["test_loss"][0]
