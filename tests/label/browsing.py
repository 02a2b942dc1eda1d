"""A label page served for a test, and a tab that keeps every complaint and request."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

expect.set_options(timeout=60_000)  # a busy machine is no fault
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise RuntimeError("these tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@contextmanager
def served(run: Path) -> Iterator[str]:
    """Serve a run as a user does; yield the address, end it by Ctrl-C."""
    words = [sys.executable, "-u", "-m", "pictree.cli", "label", str(run), "--no-browser"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.fullmatch(r"label page: (http://127\.0\.0\.1:\d+/\?token=\S+)\n", said)
            assert found, said or process.communicate()[1]
            yield found.group(1)
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=120)
            assert (process.returncode, errors) == (0, "")
            assert out.endswith(f"stopped; every label is in {run / 'labels.db'}\n")
        finally:
            process.kill()


def open_tab(browser: Browser, address: str, **options: object) -> Page:
    """Open the page; complaints and requests are kept on the tab."""
    options = {"viewport": {"width": 1280, "height": 800}, **options}
    tab = browser.new_context(**options).new_page()
    watch(tab)
    tab.goto(address)
    tab.wait_for_selector("body.ready .tile")
    return tab


def watch(tab: Page) -> None:
    tab.complaints, tab.requests = [], []
    tab.on("console", lambda message: tab.complaints.append(message.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on("request", lambda request: tab.requests.append(request.url))


def figure(tab: Page, kind: str) -> str:
    """Return one of the figures that are always in view."""
    return tab.locator(f"#figures .{kind} b").inner_text()


def figure_is(tab: Page, kind: str, text: str) -> None:
    """Wait until a figure is so."""
    expect(tab.locator(f"#figures .{kind} b")).to_have_text(text)


def said(tab: Page, text: str) -> None:
    """Wait until the page has said something."""
    expect(tab.locator("#said")).to_contain_text(text)
