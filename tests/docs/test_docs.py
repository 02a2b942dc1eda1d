"""The examples of the documentation run, its generated pages are up to date, its links lead on."""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tests.docs.runner import NOT_OURS, blocks, session

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    page for page in DOCS.rglob("*.md") if any(k in "sh python" for k, _ in blocks(page))
)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """What the pages speak of: photos/ (300 digits by class), new/ (12 others), and a run."""
    folder = tmp_path_factory.mktemp("docs")
    images, known = digits
    for i in range(300):
        file = folder / "photos" / str(known[i]) / f"{i:04}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[i]).save(file)
    (folder / "new").mkdir()
    for i in range(12):
        Image.fromarray(images[1000 + i]).save(folder / "new" / f"{i:04}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with session(folder) as opened:
            opened.run("sh", "pictree fit photos/ -o run --known-labels folders")
    return folder


QUICK = ("index.md", "run-format.md")
"""Pages whose examples `make test` runs; `make test-all` runs those of every page."""


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=[] if p.name in QUICK else pytest.mark.slow) for p in PAGES],
    ids=[str(p.relative_to(DOCS)) for p in PAGES],
)
def test_the_examples_run(
    page: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "here"))
    found = [(kind, text) for kind, text in blocks(page) if kind in ("sh", "python")]
    lines = "\n".join(text for kind, text in found if kind == "sh")
    if re.search(r"^pictree fit .*-o run( |$)", lines, re.M):
        shutil.rmtree(folder / "run")
    skip_if_absent(page, lines)
    monkeypatch.chdir(folder)
    with session(folder) as opened:
        for kind, text in found:
            opened.run(kind, text)
        assert opened.ran


def skip_if_absent(page: Path, lines: str) -> None:
    if "tensorboard=" in lines:
        pytest.importorskip("tensorboard")
    if "pictree serve" in lines:
        if shutil.which("curl") is None:
            pytest.skip("needs curl")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 8400)) == 0:
                pytest.skip("something listens at port 8400 already")


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date() -> None:
    pages = reference().pages()
    assert set(pages) == {file.name for file in (DOCS / "reference").glob("*.md")}
    for name, text in pages.items():
        stored = (DOCS / "reference" / name).read_text(encoding="utf-8")
        assert stored == text, f"{name} is out of date: run `python docs/reference.py`"


def test_every_command_and_every_recipe_key_is_on_its_page() -> None:
    from pictree.recipes.recipe import recipe_names

    text = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    for name in ("fit", "label", "serve", "export-model", "labels import", "find", "verify"):
        assert f"## pictree {name}\n" in text
    recipes = (DOCS / "reference" / "recipes.md").read_text(encoding="utf-8")
    for name in recipe_names():
        assert f"## {name}\n" in recipes


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md"]:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file = target.partition("#")[0]
            if not file or re.match(r"[a-z]+:", file):
                continue
            assert (page.parent / file).exists(), f"{page.name}: {target}"


def test_the_gallery_is_small() -> None:
    pictures = sorted((DOCS / "gallery").glob("*.png"))
    assert pictures
    assert sum(file.stat().st_size for file in pictures) < 1_000_000
    page = (DOCS / "gallery" / "index.md").read_text(encoding="utf-8")
    for file in pictures:
        assert f"]({file.name})" in page
        with Image.open(file) as picture:
            assert min(picture.size) > 100
            assert np.asarray(picture.convert("L")).std() > 5


@pytest.mark.slow
def test_the_site_is_built_without_warnings_and_loads_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    pytest.importorskip("furo")
    words = ["-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(tmp_path / "site")]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(
            r"<(?:script|img|iframe|source)[^>]*\ssrc=[\"']?(https?:[^\"' >]+)", text
        )
        loaded += re.findall(
            r"<link[^>]*rel=[\"']?(?:stylesheet|preconnect|icon)[^>]*href=[\"']?(https?:[^\"' >]+)",
            text,
        )
        assert loaded == [], page.name


def test_the_runner_refuses_what_nobody_tests(tmp_path: Path) -> None:
    with (
        session(tmp_path) as opened,
        pytest.raises(AssertionError, match="no test runs 'rm -rf /'"),
    ):
        opened.run("sh", "rm -rf /")
    assert "curl" not in NOT_OURS
