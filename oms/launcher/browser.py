"""A Chromium for the browser tests: the machine's, else Playwright's own, else by apt where that may be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PLAYWRIGHT_PROGRAMS = ("chrome-linux*/chrome", "chrome-mac*/*.app/Contents/MacOS/*")


def find_or_install_chromium() -> str:
    """The path of a Chromium, or an empty string: the browser tests then say why they are skipped."""
    found = find_chromium()
    if found or not _may_install():
        return found or _say_how()
    _say("Installing Chromium for the browser tests with apt-get …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-qq", "-o", "DPkg::Lock::Timeout=120"]
    for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(
            ["apt-get", *options, *step], env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
        )
    return find_chromium() or _say_how()


def find_chromium() -> str:
    """The path of a Chromium on this machine (OMS_CHROMIUM names one outright), or an empty string."""
    named = os.environ.get("OMS_CHROMIUM")
    if named:
        return named
    on_path = (shutil.which(name) for name in NAMES)
    on_mac = (place for place in MAC_PLACES if Path(place).exists())
    return next((path for path in (*on_path, *on_mac, *_playwrights_own()) if path), "")


def _playwrights_own() -> list[str]:
    caches = (Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright")
    given = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    folders = [Path(given)] if given else caches
    hits = (
        hit for folder in folders for program in PLAYWRIGHT_PROGRAMS for hit in folder.glob(f"chromium-*/{program}")
    )
    return sorted(map(str, hits), reverse=True)


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _say_how() -> str:
    _say(
        "The browser tests will be skipped, because there is no Chromium. "
        f"Install the package chromium, or: {Path(sys.executable).parent / 'playwright'} install chromium"
    )
    return ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
