"""A controller of FitBenchmarking for the package `retrodict`.

FitBenchmarking looks for `<software>_controller` among its own modules; `launch.py` adds this folder to where it looks.
"""

import retrodict
from fitbenchmarking.controllers.base_controller import Controller

LEVENBERG_MARQUARDT = "levenberg-marquardt"


class RetrodictController(Controller):
    """Least squares by `retrodict.solve`, with the default options of the rule."""

    controller_name = "retrodict"

    algorithm_check = {
        "all": [LEVENBERG_MARQUARDT],
        "ls": [LEVENBERG_MARQUARDT],
        "deriv_free": [],
        "general": [],
        "simplex": [],
        "trust_region": [LEVENBERG_MARQUARDT],
        "levenberg-marquardt": [LEVENBERG_MARQUARDT],
        "gauss_newton": [],
        "bfgs": [],
        "conjugate_gradient": [],
        "steepest_descent": [],
        "global_optimization": [],
        "MCMC": [],
    }

    jacobian_enabled_solvers = [LEVENBERG_MARQUARDT]
    support_for_bounds = True

    def __init__(self, cost_func):
        super().__init__(cost_func)
        self._arguments = {}
        self._found = None

    def setup(self):
        """The residuals as a model that should be 0, with the Jacobian that everyone is given."""
        residuals = self.cost_func.eval_r
        if self.cost_func.jacobian.use_default_jac:
            model, differences = retrodict.Model(residuals), {}
        else:
            model, differences = retrodict.Model(residuals, jacobian=self.cost_func.jac_res), None
        self._arguments = {
            "simulator": model,
            "target": 0.0 * residuals(self.initial_params),
            "start": self.initial_params,
            "method": self.minimizer,
            "differences": differences,
        }
        if self.value_ranges is not None:
            lower, upper = zip(*self.value_ranges)
            self._arguments.update(lower=list(lower), upper=list(upper))

    def fit(self):
        self._found = retrodict.solve(**self._arguments)

    def cleanup(self):
        """0: converged, 1: at the limit of steps, 2: ended otherwise."""
        found = self._found
        if found.converged:
            self.flag = 0
        else:
            self.flag = 1 if found.status == "step-limit" else 2
        self.func_evals = found.counts["forward"]
        self.iteration_count = found.steps
        self.final_params = list(found.x)
