"""A district's map and tasks, as a survey manager asks for them

One command answers for a part of a run's land: maps, tasks under a budget, a report and a pack to take along.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

with TemporaryDirectory() as place:
    asked = [
        sys.executable,
        "-m",
        "minerisk",
        "request",
        os.environ.get("GALLERY_RUN", "runs/tiny"),
        "--near",
        "settlements",
        "--within",
        "5000",
        "--out",
        f"{place}/request",
    ]
    print("minerisk request RUN", " ".join(asked[5:9]))
    print(
        subprocess.run(asked, capture_output=True, text=True, check=True).stdout.replace(place, "…")
    )
    print(*sorted(path.name for path in Path(place, "request").iterdir()), sep="\n")
