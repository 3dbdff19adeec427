"""Simulators of the registry from Python."""

import numpy as np
import pytest

import retrodict


@pytest.fixture
def heat():
    return retrodict.simulator("heat", shape=[8, 6], nu_t=0.3)


def test_lists_come_from_the_registry():
    names = [entry.name for entry in retrodict.simulators()]
    assert {"heat", "sine", "pendulum", "umbridge", "program"} <= set(names)
    methods = {entry.name: entry for entry in retrodict.methods()}
    assert "lm" in methods["levenberg-marquardt"].aliases
    assert methods["adam"].sentence and "Kingma" in methods["adam"].source
    assert methods["adam"].defaults["learning_rate"] > 0.0


def test_shapes_and_settings(heat):
    assert heat.input_shape == heat.output_shape == (8, 6)
    assert heat.name == "heat" and heat.settings == {"shape": [8, 6], "nu_t": 0.3}
    assert "heat" in repr(heat) and "(8, 6)" in repr(heat)
    x = heat.typical_input(3)
    assert x.shape == (8, 6) and x.dtype == np.float64
    np.testing.assert_array_equal(x, heat.typical_input(3))
    np.testing.assert_array_equal(heat.forward(x), heat.forward(x.ravel()))
    for other in [np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x.astype(">f8")]:
        np.testing.assert_array_equal(heat.forward(other), heat.forward(x))


def test_derivatives_agree_with_each_other(heat):
    rng = np.random.default_rng(1)
    x, dx, dy = rng.normal(size=(3, 8, 6))
    # Heat is linear: its derivative is itself.
    np.testing.assert_allclose(heat.jvp(x, dx), heat.forward(dx), atol=1e-14)
    left, right = np.sum(heat.jvp(x, dx) * dy), np.sum(heat.vjp(x, dy) * dx)
    assert left == pytest.approx(right, rel=1e-12)


def test_there_and_back(heat):
    x = heat.typical_input()
    y = heat.forward(x)
    assert heat.has_inverse
    np.testing.assert_allclose(heat.invert_near(y, np.zeros((8, 6))), x, atol=1e-8)
    solution = retrodict.solve(heat, y, 0.0, method="inverse-simulator", stop=1)
    assert solution.x.shape == (8, 6)
    np.testing.assert_allclose(solution.x, x, atol=1e-8)


def test_a_name_is_enough_where_defaults_do():
    solution = retrodict.solve("sine", [0.01, 4.0], [0.3, 0.1], method="pg", stop=5)
    assert solution.loss < solution.history[0]


def test_numpy_settings_are_plain_ones():
    heat = retrodict.simulator("heat", shape=np.array([4, 4]), nu_t=np.float64(0.5))
    assert heat.settings == {"shape": [4, 4], "nu_t": 0.5}


def test_a_program_is_a_simulator(tmp_path):
    import sys

    script = tmp_path / "model.py"
    script.write_text(
        "import json, sys\n"
        "x = json.load(open(sys.argv[1]))\n"
        "json.dump([3.0 * x[0] + 1.0], open(sys.argv[2], 'w'))\n"
    )
    program = retrodict.simulator(
        "program",
        command=f"{sys.executable} {script} {{input}} {{output}}",
        inputs=1,
        outputs=1,
        format="json",
    )
    assert program.forward([2.0]) == pytest.approx([7.0])
    with pytest.warns(UserWarning, match="differences"):
        solution = retrodict.solve(program, [7.0], [0.5], stop=3)
    assert solution.x == pytest.approx([2.0])


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: retrodict.simulator("heet"), r"unknown simulator 'heet' \(did you mean 'heat'\?\); known: "),
        (lambda: retrodict.simulator("heat", nut=1.0), "unknown key 'nut'.*nu_t"),
        (lambda: retrodict.simulator("heat", nu_t=-1.0), "nu_t = -1 is not allowed"),
        (lambda: retrodict.simulator("heat", shape=[0]), "shape"),
        (lambda: retrodict.simulator("heat", shape=[2**70]), "does not fit into 64 bits"),
    ],
)
def test_settings_that_are_not_allowed(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_setting_of_no_use_is_named():
    with pytest.raises(TypeError, match=r'settings\["nu_t"\] is a \'object\', expected a number'):
        retrodict.simulator("heat", nu_t=object())


def test_what_does_not_fit_is_said(heat):
    with pytest.raises(ValueError, match=r"x has shape \(3,\), expected \(8, 6\)"):
        heat.forward(np.zeros(3))
    with pytest.raises(ValueError, match=r"dy has shape \(6, 8\), expected \(8, 6\)"):
        heat.vjp(np.zeros((8, 6)), np.zeros((6, 8)))
    with pytest.raises(TypeError, match="x has dtype complex128, expected real numbers"):
        heat.forward(np.zeros((8, 6)) * 1j)
    with pytest.raises(ValueError, match="x holds NaN at index 0"):
        heat.forward(np.full((8, 6), np.nan))
    with pytest.raises(ValueError, match='has no local inverse.*inverse="path"'):
        pendulum = retrodict.simulator("pendulum")
        pendulum.invert_near(np.zeros(pendulum.output_shape), np.zeros(pendulum.input_shape))
