"""Arguments that do not fit: the message says what, found, expected."""

import numpy as np
import pytest
from models import DATA, DECAY

import retrodict


@pytest.mark.parametrize(
    "change, kind, words",
    [
        ({"method": "levenberg"}, ValueError, "unknown rule 'levenberg'.*known: gradient-descent, adam"),
        ({"options": {"dampin": 1.0}}, ValueError, "levenberg-marquardt: unknown key 'dampin'"),
        ({"options": 3}, TypeError, "options is a 'int', expected a dictionary"),
        ({"options": {1: 2.0}}, TypeError, "options has the key 1, expected a string"),
        ({"target": DATA[:3]}, ValueError, r"has shape \(9,\), expected \(3,\)"),
        ({"target": np.full(9, np.nan)}, ValueError, "target holds NaN at index 0.*missing=True"),
        ({"target": np.full(9, np.inf)}, ValueError, "target holds inf at index 0"),
        ({"target": "data.npy"}, TypeError, "the target has dtype <U8, expected real numbers"),
        ({"target": []}, ValueError, r"the target has shape \(0,\), which holds no value"),
        ({"start": [1.0, np.nan]}, ValueError, "start holds NaN at index 1"),
        ({"start": object()}, TypeError, "the start has dtype object, expected real numbers"),
        ({"target": DATA + 1j}, TypeError, "the target has dtype complex128.*real and imaginary parts"),
        ({"target": [1.0, None] + [0.0] * 7}, TypeError, "target has dtype object.*holds None.*missing=True"),
        ({"start": None}, TypeError, "solve needs a start"),
        ({"start": np.ma.masked_array([1.0, 1.0], [False, True])}, ValueError, "start is masked at index 1"),
        ({"lower": np.ma.masked_array([0.0, 0.0], [True, False])}, ValueError, "lower is masked at index 0"),
        ({"noise": 0.0}, ValueError, "= 0 is not allowed.*no measurement is exact"),
        ({"noise": [1.0] * 8 + [0.0]}, ValueError, r"deviations\[8\] = 0 is not allowed.*no measurement is exact"),
        ({"noise": [1.0] * 8 + [np.inf]}, ValueError, "must be finite.*to ignore a datum, write NaN"),
        ({"noise": [np.nan] + [1.0] * 8}, ValueError, "must be a number.*data are missing"),
        ({"noise": np.ma.masked_array(np.ones(9), np.arange(9) == 4)}, ValueError, "noise is masked at index 4"),
        ({"noise": -1.0}, ValueError, r"noise.std = -1 is not allowed"),
        ({"noise": [1.0, 2.0]}, ValueError, r"noise has shape \(2,\), expected .*\(9,\).*\(9, 9\)"),
        ({"noise": -np.eye(9)}, ValueError, "covariance"),
        ({"noise": 1.0, "loss": "huber"}, ValueError, "noise and loss are both given"),
        ({"loss": "hubert"}, ValueError, "unknown loss 'hubert' .*did you mean 'huber'"),
        ({"loss": 3}, TypeError, "loss is a 'int', expected a name.*known: squared"),
        ({"loss": {"delta": 1.0}}, ValueError, "loss has no name"),
        ({"lower": [0.0]}, ValueError, r"lower has shape \(1,\), expected \(2,\)"),
        ({"lower": 2.0, "upper": 1.0}, ValueError, "lower bound must not exceed"),
        ({"priors": [{"weight": 2.0}]}, ValueError, "prior has no name.*known: tikhonov"),
        ({"priors": {"name": "gaussian", "weight": "big"}}, ValueError, "weight = .*big.*must be a number of 0 or greater, or a rule"),
        ({"inverse": "paths"}, ValueError, "unknown local inverse 'paths'"),
        ({"stop": "soon"}, TypeError, "stop is a 'str', expected a number of steps or a dictionary"),
        ({"stop": -1}, ValueError, "whole number of 0 or more"),
        ({"stop": {"stepz": 3}}, ValueError, "stop: unknown key 'stepz'.*did you mean 'steps?'"),
        ({"stop": {"step": 3}}, ValueError, r"short_step = 3 is not allowed.*write steps"),
        ({"stop": {"time": -1.0}}, ValueError, "time.*-1.*must be 0 or greater"),
        ({"stop": {"plateau": 2.0}}, ValueError, "plateau = 2 is not allowed"),
        ({"stop": {"discrepancy_below": 1.0}}, ValueError, "standard deviations of the noise"),
        ({"observer": 3}, TypeError, "observer is a 'int', expected a function of a Record"),
        ({"differences": {"scheme": "backward"}}, ValueError, "scheme"),
        ({"differences": {"step": 1.0}}, ValueError, "differences.step = 1 is not allowed"),
        ({"differences": {"at_once": 0}}, ValueError, "differences.at_once = 0 is not allowed"),
        ({"simulator": 3}, TypeError, "simulator is a 'int', expected a function of x"),
        ({"simulator": "heet"}, ValueError, "did you mean 'heat'"),
    ],
)
def test_a_message_says_what_found_and_expected(change, kind, words):
    arguments = {"simulator": DECAY, "target": DATA, "start": [1.0, 1.0], **change}
    with pytest.raises(kind, match=words):
        retrodict.solve(**arguments)


def test_settings_of_simulators_are_theirs():
    with pytest.raises(ValueError, match="differences are for simulators in Python"):
        retrodict.solve("sine", [0.0, 1.0], [0.3, 0.1], differences={})
    with pytest.raises(ValueError, match=r"the start has shape \(3,\), expected \(2,\)"):
        retrodict.solve("sine", [0.0, 1.0], [0.3, 0.1, 0.2])
    with pytest.raises(ValueError, match=r"the target has shape \(1,\), expected \(2,\)"):
        retrodict.solve("sine", [0.0], [0.3, 0.1])


def test_failures_are_runtime_errors():
    assert issubclass(retrodict.SimulationError, RuntimeError)
    assert retrodict.SimulationError.__module__ == "retrodict"
