"""Compiles the translations (locale/*/LC_MESSAGES/*.po) with Babel, so that no gettext tools are needed."""

from __future__ import annotations

import os
from pathlib import Path


def compile_catalogs(folder: Path) -> list[Path]:
    """Write the .mo beside each .po that is newer; returns those written. Fuzzy entries stay untranslated."""
    stale = [source for source in sorted(folder.glob("*/LC_MESSAGES/*.po")) if _is_stale(source)]
    if not stale:
        return []
    from babel.messages.mofile import write_mo  # takes 0.2 s to import, and is seldom needed
    from babel.messages.pofile import read_po

    for source in stale:
        with source.open("rb") as file:
            catalog = read_po(file, locale=source.parent.parent.name)
        draft = source.with_suffix(f".mo.{os.getpid()}")
        with draft.open("wb") as file:
            write_mo(file, catalog)
        draft.replace(source.with_suffix(".mo"))
    return stale


def _is_stale(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime
