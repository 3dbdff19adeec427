"""The library's checks on simulators in Python: they pass what is right and find what is wrong."""

import numpy as np
import pytest
from models import DECAY, decay, decay_jacobian

import retrodict


def failed(checks):
    return {check.name for check in checks if not check.passed}


def test_a_right_jacobian_passes():
    checks = retrodict.check(DECAY, [1.0, 1.0])
    assert checks.passed and not failed(checks)
    names = {check.name for check in checks}
    assert {"contract", "taylor", "adjoint", "linearisation"} <= names
    assert len(checks) == len(str(checks).splitlines())
    assert "pass  taylor" in str(checks)
    assert checks[-1].name == list(checks)[-1].name
    with pytest.raises(IndexError):
        checks[len(checks)]


def test_a_wrong_jacobian_is_found():
    wrong = retrodict.Model(decay, jacobian=lambda x: 1.01 * decay_jacobian(x))
    checks = retrodict.check(wrong, [1.0, 1.0])
    assert failed(checks) == {"taylor"}
    assert "FAIL  taylor" in str(checks)


def test_a_transpose_that_is_none_is_found():
    model = retrodict.Model(
        decay,
        jvp=lambda x, dx: decay_jacobian(x) @ dx,
        vjp=lambda x, dy: 2.0 * (decay_jacobian(x).T @ dy),
    )
    assert "adjoint" in failed(retrodict.check(model, [1.0, 1.0]))


def test_differences_pass_within_their_error():
    assert retrodict.check(decay, [1.0, 1.0]).passed


def test_a_wrong_inverse_is_found():
    def model(back):
        return retrodict.Model(np.exp, lambda x: np.diag(np.exp(x)), invert_near=back)

    assert retrodict.check(model(lambda y, x0: np.log(y)), [0.5, 1.0]).passed
    checks = retrodict.check(model(lambda y, x0: np.log(y) + 1e-3), [0.5, 1.0])
    assert not checks.passed


def test_a_simulator_of_ours_passes():
    sine = retrodict.simulator("sine")
    assert retrodict.check(sine, sine.typical_input(1)).passed


def test_a_model_that_fails_at_x_says_why():
    def forward(x):
        raise ArithmeticError("no")

    with pytest.raises(retrodict.SimulationError, match="forward failed: ArithmeticError: no") as raised:
        retrodict.check(forward, [1.0])
    assert isinstance(raised.value.__cause__, ArithmeticError)


def test_ctrl_c_is_raised():
    calls = []

    def forward(x):
        calls.append(x)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return x

    with pytest.raises(KeyboardInterrupt):
        retrodict.check(forward, [1.0])
