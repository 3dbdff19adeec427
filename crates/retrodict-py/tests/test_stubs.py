"""The typed stubs name what the compiled module has, and nothing else."""

import ast
import inspect
from importlib import resources

import retrodict
from retrodict import _core

STUBS = ast.parse(resources.files("retrodict").joinpath("_core.pyi").read_text("utf-8"))
# What only types are made of.
TYPES = {"Forward", "HasForward", "Stop", "Differences"}


def public(names):
    return {name for name in names if not name.startswith("_")}


def test_names_and_members_agree():
    classes = {node.name: node for node in STUBS.body if isinstance(node, ast.ClassDef)}
    functions = {node.name: node for node in STUBS.body if isinstance(node, ast.FunctionDef)}
    found = public(vars(_core))
    assert (set(classes) | set(functions)) - TYPES == found
    assert found < set(retrodict.__all__)
    for name in set(classes) - TYPES - {"SimulationError"}:
        stubbed = {node.name for node in classes[name].body if isinstance(node, ast.FunctionDef)}
        assert public(stubbed) == public(vars(getattr(_core, name))), name


def test_signatures_agree():
    for node in ast.walk(STUBS):
        if not isinstance(node, ast.FunctionDef) or not hasattr(_core, node.name):
            continue
        signature = inspect.signature(getattr(_core, node.name))
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        stubbed = [argument.arg for argument in arguments]
        if node.args.kwarg:
            stubbed.append(node.args.kwarg.arg)
        assert stubbed == list(signature.parameters), node.name


def test_everything_is_documented():
    for name in retrodict.__all__:
        thing = getattr(retrodict, name)
        assert inspect.getdoc(thing), name
        for member in public(vars(thing)) if inspect.isclass(thing) else ():
            if name not in {"Model", "SimulationError"}:
                assert inspect.getdoc(getattr(thing, member)), f"{name}.{member}"


def test_the_package_says_that_it_is_typed():
    assert resources.files("retrodict").joinpath("py.typed").is_file()
