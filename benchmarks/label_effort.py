"""A person at the label page, played by a script: decisions used, label error reached.

    python benchmarks/label_effort.py RUN [--decisions 60] [--poor 3]

The run is copied; it must have known labels, which play what the person sees. Everything goes
through the page in headless Chromium: for the group on top, a spot check of 20 pictures. With
`--poor` or more of them unlike the commonest, the group is split down the tree (while the
decisions last, and it has 40 pictures or more); else the wrong ones are clicked, and the commonest
kind is typed as the name. Pictures in groups below 20 are left. Prints the decisions, the label
error reached, and what the checks estimated.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import polars as pl
from playwright.sync_api import Page, sync_playwright

from pictree.label.read import labels_of
from pictree.store import Run

SMALL, SPLIT_FROM = 20, 40
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))


class Person:
    """Somebody who knows what the pictures show, and uses the page as it is."""

    def __init__(self, tab: Page, known: dict[int, str], decisions: int, poor: int) -> None:
        self.tab, self.known, self.most, self.poor = tab, known, decisions, poor
        self.looks = 0

    def work(self) -> None:
        """Name and split until the groups left are small."""
        while self.size() >= SMALL:
            seen = self.look()
            name = Counter(seen.values()).most_common(1)[0][0]
            wrong = [image for image, kind in seen.items() if kind != name]
            waiting = self.tab.locator("#groups section").first.locator("button").count()
            can_split = self.size() >= SPLIT_FROM and self.decisions() + waiting < self.most
            if len(wrong) >= self.poor and can_split:
                self.split()
            else:
                self.name(name, wrong)

    def size(self) -> int:
        """Pictures of the group on top, 0 where none waits for a name."""
        if self.tab.locator("#groups h2").first.inner_text().startswith("To name"):
            top = self.tab.locator("#groups button").first
            if top.get_attribute("aria-current") != "true":
                self.doing(lambda: top.click(), revision=False)
            return int(top.locator(".size").evaluate("e => e.firstChild.data").replace(",", ""))
        return 0

    def decisions(self) -> int:
        """Return the decisions used, as the page says."""
        return int(self.tab.locator("#figures .decisions b").inner_text())

    def look(self) -> dict[int, str]:
        """Open a spot check; return its images and what they show."""
        self.looks += 1
        self.tab.keyboard.press("Escape")
        self.tab.keyboard.press("c")
        self.tab.wait_for_selector("#spot[open] .spot")
        shown = self.tab.evaluate(
            "[...document.querySelectorAll('.spot')].map(e => e.dataset.image)"
        )
        return {int(image): self.known[int(image)] for image in shown}

    def split(self) -> None:
        """Leave the check, and split the group down the tree."""
        self.tab.keyboard.press("Escape")
        self.tab.wait_for_selector("#spot:not([open])", state="attached")
        self.tab.keyboard.press("Escape")
        self.doing(lambda: self.tab.keyboard.press("s"))

    def name(self, name: str, wrong: list[int]) -> None:
        """Click the wrong ones, keep the check, and name the group."""
        for image in wrong:
            self.tab.locator(f'.spot[data-image="{image}"]').click()
        self.doing(lambda: self.tab.keyboard.press("Enter"))
        self.tab.locator("#name").fill(name)
        self.doing(lambda: self.tab.keyboard.press("Enter"))

    def doing(self, act, revision: bool = True) -> None:
        """Do something and wait until the page shows what came of it."""
        was = self.tab.locator("body").get_attribute("data-revision")
        act()
        if revision:
            self.tab.wait_for_selector(f'body:not([data-revision="{was}"]):not(.busy)')
        else:
            self.tab.wait_for_selector(
                '#groups section:first-child li:first-child [aria-current="true"]'
            )


def labelled(run: Path, decisions: int, poor: int) -> dict[str, object]:
    """Let the person work on a run, and return what came of it."""
    inventory = Run.open(run).used()
    known = dict(inventory.select("id", "known_label").rows())
    words = [sys.executable, "-u", "-m", "pictree.cli", "label", str(run), "--no-browser"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        address = re.search(r"http\S+", server.stdout.readline()).group(0)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            tab = browser.new_page(viewport={"width": 1280, "height": 800})
            tab.goto(address)
            tab.wait_for_selector("body.ready .tile")
            person, start = Person(tab, known, decisions, poor), time.perf_counter()
            person.work()
            seconds = time.perf_counter() - start
            estimate = tab.locator("#figures .error").inner_text().split("\n")
            used = person.decisions()
            browser.close()
        server.send_signal(signal.SIGINT)
    table = labels_of(Run.open(run)).join(inventory.select("id", "known_label"), on="id")
    named = table.drop_nulls("label")
    checked = named.drop_nulls("purity_low")
    wrong = (named["label"] != named["known_label"]).mean()
    inside = _inside(checked)
    return {
        "pictures": len(table), "decisions": used, "looks": person.looks,
        "labelled": len(named) / len(table), "error": wrong,
        "estimate": " ".join(estimate[1:]), "intervals right": inside, "seconds": round(seconds),
    }  # fmt: skip


def _inside(checked: pl.DataFrame) -> str:
    """How many groups' true purity is inside their check's interval; by name and interval."""
    right = pl.col("label") == pl.col("known_label")
    groups = checked.group_by("label", "purity_low", "purity_high").agg(right.mean().alias("true"))
    hit = groups.filter(pl.col("true").is_between("purity_low", "purity_high"))
    return f"{len(hit)} of {len(groups)}"


def main() -> None:
    """Copy the run, label it, print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--decisions", type=int, default=60)
    parser.add_argument("--poor", type=int, default=3)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(shutil.copytree(given.run, Path(folder) / given.run.resolve().name))
        for file in run.glob("labels.db*"):
            file.unlink()
        for key, value in labelled(run, given.decisions, given.poor).items():
            print(f"{key:16} {value:.4f}" if isinstance(value, float) else f"{key:16} {value}")


if __name__ == "__main__":
    main()
