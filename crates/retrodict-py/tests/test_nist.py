"""NIST's nonlinear regression from Python, with all defaults: 27 sets, two starts each."""

import pathlib
import sys

import numpy as np
import pytest
import retrodict

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "peers"))
import nist_sets

# The least residuals of Lanczos1 are round-off of its data, so that its deviations say nothing of x.
EXACT = {"lanczos1"}

# The first step goes to a rate of 41, where exp(−rate t) is below round-off at all times: differences see no effect of it.
BEYOND_SIGHT = ("boxbod", 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("differences", [False, True], ids=["exact", "differences"])
@pytest.mark.parametrize("start", [0, 1], ids=["far", "near"])
@pytest.mark.parametrize("name", nist_sets.MODELS)
def test_every_start_reaches_the_certified_parameters(name, start, differences):
    model, table = nist_sets.load(name)

    def value(p):
        return model.value(p, table.at)

    def jacobian(p):
        return model.jacobian(p, table.at)

    exact = {} if differences else {"jacobian": jacobian}
    how = {"differences": {}} if differences else {}
    found = retrodict.solve(retrodict.Model(value, **exact), table.y, np.array(table.starts[start]), **how)
    if differences and (name, start) == BEYOND_SIGHT:
        assert found.x[1] > 30 and any("without effect" in notice for notice in found.notices)
        return
    assert found.converged, found
    certified = table.certified
    residuals = value(certified) - table.y
    j = jacobian(certified)
    variance = residuals @ residuals / (len(table.y) - len(certified))
    deviations = np.sqrt(variance * np.diag(np.linalg.inv(j.T @ j)))
    least = 1e-5 if name in EXACT else 1e-9
    off = np.abs(found.x - certified) / np.maximum(deviations, least * np.abs(certified))
    # What LOSS_CHANGE promises: √m · 1e-4 deviations.
    assert off.max() < 1e-4 * np.sqrt(len(table.y)), (found, off)
