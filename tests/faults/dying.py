"""A worker that is killed at a named point: `python -m tests.faults.dying POINT JOB_ID`.

SIGKILL comes before or after the n-th call of a function of the product: no handler runs, no transaction ends, nothing is tidied up.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

#: name → (module, function, when, which call). Portions are small, so that a job has several of each.
POINTS = {
    "import: a portion is read, nothing of it written": ("core.jobs", "_step", "before", 2),
    "import: a portion is written, not committed": ("channels.jobs", "_report", "after", 2),
    "import: a portion is committed": ("core.jobs", "_step", "after", 2),
    "print: labels are bought, not drawn": ("fulfillment.printing_job", "draw_documents", "before", 2),
    "print: pages are drawn and kept, not committed": ("fulfillment.printing_job", "keep_documents", "after", 2),
    "print: all is kept, the file is not made": ("fulfillment.printing_job", "print_file", "before", 1),
    "print: the file is made, the job not ended": ("fulfillment.printing_job", "store_file", "after", 1),
    "ship: half of the parcels have left": ("core.jobs", "_step", "after", 4),
}
IMPORT_PORTION = 10
PRINT_CHUNK = 4


def make_portions_small(patch: Any = setattr) -> None:
    """The same portions here and in the worker that takes over."""
    from channels import feeds, jobs
    from fulfillment import printing_job

    patch(jobs, "PORTION", dict.fromkeys(feeds.PORTION, IMPORT_PORTION))
    patch(printing_job, "CHUNK", PRINT_CHUNK)


def arm(point: str) -> None:
    """Make the function of a point end this process."""
    module_name, function_name, when, nth = POINTS[point]
    module = importlib.import_module(module_name)
    original = getattr(module, function_name)
    calls = 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(*args, **kwargs)
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(module, function_name, deadly)


def main(point: str, job_id: int) -> None:
    """Work on the job until the point is reached."""
    import django

    django.setup()
    from core.tasks import run_job

    make_portions_small()
    arm(point)
    run_job(job_id)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
