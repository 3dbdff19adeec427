"""The Python that the book and the readmes show runs, block after block of a page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = ["docs/src/python.md", "docs/src/network-files.md", "crates/retrodict-py/README.md", "README.md"]


@pytest.mark.filterwarnings("ignore:the Python simulator")
@pytest.mark.parametrize("page", PAGES)
def test_what_is_shown_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text("utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    assert blocks, f"{page} shows no Python"
    names = {"__name__": "shown"}
    for block in blocks:
        # Line numbers of the page, in case it fails.
        line = text[: block.start(1)].count("\n")
        exec(compile("\n" * line + block.group(1), str(ROOT / page), "exec"), names)
