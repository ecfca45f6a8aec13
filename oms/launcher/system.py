"""What the machine itself must bring: Pango and a font for PDF, Chromium for the browser tests. Installed by apt where that may be used."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

PANGO = (
    *("libgobject-2.0.so.0", "libpango-1.0.so.0", "libpangoft2-1.0.so.0"),
    *("libharfbuzz.so.0", "libharfbuzz-subset.so.0", "libfontconfig.so.1"),
)
PANGO_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
HOMEBREW = (Path("/opt/homebrew"), Path("/usr/local"))

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_BROWSERS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
PLAYWRIGHTS_BROWSERS = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")


def ensure_pango(log: Path) -> None:
    """Install Pango and a font if missing and possible; else say in one line what to do. Everything but PDF works."""
    if has_pango():
        return
    if sys.platform == "darwin":
        _say("PDF documents are off, because Pango is missing: brew install pango")
        return
    if _may_install():
        _say("Installing Pango, which sets the text of PDF documents, with apt-get …")
        _apt_install(log, *PANGO_PACKAGES)
    if not has_pango():
        packages = " ".join(PANGO_PACKAGES)
        _say(
            f"PDF documents are off, because Pango or a font is missing. Debian and Ubuntu: sudo apt-get install {packages}"
        )


def has_pango() -> bool:
    """Whether every library that WeasyPrint loads is there, and a font to set text in."""
    if sys.platform == "darwin":
        return any((prefix / "lib" / "libpango-1.0.dylib").exists() for prefix in HOMEBREW)
    try:
        for name in PANGO:
            ctypes.CDLL(name)
    except OSError:
        return False
    return any(font for folder in FONT_FOLDERS for font in folder.rglob("*.ttf"))


def ensure_chromium(log: Path) -> str:
    """The path of a Chromium, installed if need be; or an empty string: the browser tests then say why they are skipped."""
    found = find_chromium()
    if not found and _may_install():
        _say("Installing Chromium for the browser tests with apt-get …")
        _apt_install(log, "chromium")
        found = find_chromium()
    if not found:
        playwright = Path(sys.executable).parent / "playwright"
        _say(f"The browser tests are skipped without Chromium. Install it, or run: {playwright} install chromium")
    return found


def find_chromium() -> str:
    """The machine's Chromium, else Playwright's own; OMS_CHROMIUM names one outright. An empty string if there is none."""
    if os.environ.get("OMS_CHROMIUM"):
        return os.environ["OMS_CHROMIUM"]
    on_path = (shutil.which(name) for name in BROWSERS)
    on_mac = (str(path) for path in MAC_BROWSERS if path.exists())
    return next((path for path in (*on_path, *on_mac, *_playwrights_own()) if path), "")


def _playwrights_own() -> list[str]:
    given = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    usual = (Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright")
    folders = [Path(given)] if given else usual
    hits = (hit for folder in folders for pattern in PLAYWRIGHTS_BROWSERS for hit in folder.glob(pattern))
    return sorted(map(str, hits), reverse=True)


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _apt_install(log: Path, *packages: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120"]
    with log.open("a") as file:
        for step in (["update"], ["install", "--no-install-recommends", *packages]):
            done = subprocess.run(
                [*apt, *step], env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
            )
    if done.returncode:
        _say(f"apt-get could not install {' '.join(packages)}; see {log}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
