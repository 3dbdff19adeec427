"""Trained networks as files: saved, loaded, and read by a few lines of NumPy."""

import json
import pickle

import numpy as np
import pytest

import retrodict

DATA = {"kind": "smooth", "train": 16, "test": 4}
HEAT = retrodict.simulator("heat", shape=[8, 8], nu_t=0.5)
ADAM = {"name": "adam", "learning_rate": 1e-2}


def trained(network):
    settings = {"strategy": "end-to-end", "rule": ADAM, "batch": 4, "stop": {"epochs": 2}}
    return retrodict.train(HEAT, data=DATA, network=network, **settings)


@pytest.mark.parametrize("network", [{"name": "mlp", "hidden": [10]}, {"name": "unet", "filters": [4, 8]}])
def test_a_saved_network_predicts_as_the_trained_one(tmp_path, network):
    own = trained(network)
    own.save(tmp_path / "net.safetensors")
    net = retrodict.Network.load(tmp_path / "net.safetensors")
    y = np.random.default_rng(1).standard_normal((5, 8, 8))
    np.testing.assert_array_equal(net.predict(y), own.predict(y))
    # Alone as in company, but for the order in which a product of matrices is summed.
    np.testing.assert_allclose(net.predict(y[2]), net.predict(y)[2], rtol=1e-10, atol=1e-12)
    assert net.input_shape == net.output_shape == (8, 8)
    assert net.loss == own.loss
    assert net.weights.keys() == own.weights.keys()
    assert "heat" in net.plan
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(y), net.predict(y))


def test_what_is_no_network_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    with pytest.raises(FileNotFoundError):
        retrodict.Network.load(path)
    path.write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(ValueError, match="not written by retrodict"):
        retrodict.Network.load(path)
    with pytest.raises(ValueError, match="expected \\(8, 8\\)"):
        trained({"name": "mlp", "hidden": [4]}).predict(np.zeros(5))


def test_the_layout_is_that_of_the_book(tmp_path):
    trained({"name": "mlp", "hidden": [10, 7]}).save(tmp_path / "net.safetensors")
    # As in the book, in docs/src/network-files.md.
    blob = (tmp_path / "net.safetensors").read_bytes()
    length = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8 : 8 + length])
    metadata = header.pop("__metadata__")
    arrays = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        arrays[name] = np.frombuffer(blob[start:end], dtype="<f8").reshape(entry["shape"])

    def predict(y):
        layers = len(arrays) // 2
        for i in range(1, layers + 1):
            y = y @ arrays[f"dense{i}.weight"] + arrays[f"dense{i}.bias"]
            if i < layers:
                y = np.tanh(y)
        return y

    assert json.loads(metadata["input"]) == {"name": "field after diffusion", "shape": [8, 8], "unit": "1"}
    net = retrodict.Network.load(tmp_path / "net.safetensors")
    y = np.random.default_rng(1).standard_normal((5, 64))
    np.testing.assert_allclose(predict(y), net.predict(y).reshape(5, 64), rtol=1e-12, atol=1e-12)
