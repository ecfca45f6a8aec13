"""Stamps: remember for which files a slow step was last done, so that it is skipped until one of them changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stamp:
    """A file that holds the fingerprint of a step's input, and what the step printed."""

    path: Path
    wanted: str

    def is_current(self) -> bool:
        """Whether the step was done for this very input."""
        return self.path.exists() and self.path.read_text().partition("\n")[0] == self.wanted

    def write(self, printed: str = "") -> None:
        """The step is done."""
        self.path.write_text(f"{self.wanted}\n{printed}")

    def printed(self) -> str:
        """What the step printed when it was done."""
        return self.path.read_text().partition("\n")[2]


def fingerprint(root: Path, *patterns: str, also: str = "") -> str:
    """A digest of the names and contents of all files below `root` that match the patterns."""
    digest = hashlib.sha256(also.encode())
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        if path.is_file():
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
