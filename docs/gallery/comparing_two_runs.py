"""What changed between two runs?

A run is made again with other class shares; only the stages that the change touches are done again. `compare` says
where the two differ, and by what cause.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

run = Path(os.environ.get("GALLERY_RUN", "runs/tiny"))
with TemporaryDirectory(dir=run.parent.parent) as place:
    other = Path(place) / "other"
    shutil.copytree(run, other)
    own = Path(os.environ.get("GALLERY_CONFIG", "my_first/tiny.yaml"))
    config = own.with_name("tiny_wider.yaml")
    config.write_text(own.read_text() + "\nclasses: {higher_share: 0.2, elevated_share: 0.3}\n")
    minerisk = [sys.executable, "-m", "minerisk"]
    subprocess.run([*minerisk, "run", config, "--out", other], capture_output=True, check=True)
    done = subprocess.run([*minerisk, "compare", run, other], capture_output=True, text=True)
    print((done.stdout or done.stderr).replace(place, "…").replace(str(run.parent), "runs"))
