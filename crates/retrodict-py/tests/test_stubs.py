"""The typed stubs say of the compiled module what is so, by mypy's own tests."""

import inspect
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path

import pytest

import retrodict
from retrodict import _core

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "command",
    [
        ["mypy.stubtest", "retrodict"],
        ["mypy", "--strict", str(HERE / "typed.py")],
        ["mypy", "--strict", "-p", "retrodict"],
    ],
    ids=["stubs", "a user", "the package"],
)
def test_types_agree(command, tmp_path_factory):
    # In a folder of the tests' own, so that nothing but what is installed is found; its cache serves all three.
    done = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        cwd=tmp_path_factory.getbasetemp(),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_documented():
    for name in retrodict.__all__:
        thing = getattr(retrodict, name)
        assert inspect.getdoc(thing), name
        if name in vars(_core) and name != "SimulationError" and inspect.isclass(thing):
            for member in vars(thing):
                assert member.startswith("_") or inspect.getdoc(getattr(thing, member)), member


def test_the_version_is_that_of_the_wheel():
    assert retrodict.__version__ == metadata.version("retrodict")


def test_the_package_says_that_it_is_typed():
    assert resources.files("retrodict").joinpath("py.typed").is_file()
