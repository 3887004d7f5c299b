"""How do I prove later what a map was made of? Verify, and see one changed byte

Every stage is recorded with the hashes of what it read and wrote. The head, the last hash, stands for all: keep it
somewhere else, and a folder can be held against it years later.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory


def verify(folder):
    done = subprocess.run(
        [sys.executable, "-m", "minerisk", "audit", "verify", folder],
        capture_output=True,
        text=True,
    )
    return f"exit code {done.returncode}: " + (done.stdout or done.stderr).replace(
        str(folder), "RUN"
    )


run = Path(os.environ.get("GALLERY_RUN", "runs/tiny"))
print(verify(run))

with TemporaryDirectory(dir=run.parent.parent) as place:
    copy = Path(place) / "copy"
    shutil.copytree(run, copy)
    raster = copy / "rasters" / "probability.tif"
    content = bytearray(raster.read_bytes())
    content[len(content) // 2] ^= 1
    raster.write_bytes(content)
    print("After one bit was changed:", verify(copy))
