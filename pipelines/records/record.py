"""The frozen base of all facts that are written into JSON, and their one reader."""

from pathlib import Path
from typing import ClassVar, Self

import pydantic

from minerisk.features.errors import MakeAgainError, MineriskError
from minerisk.features.files.plain_files import check_json, read_plain


class Record(pydantic.BaseModel):
    """A fact with types: frozen, and refusing what it does not know.

    Numbers are finite or None. Words are made from records where they are shown, never kept in
    them.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True
    )


class Document(Record):
    """A record that fills a file of its own.

    A subclass states `version`; a change of its fields raises it. A file of another version is
    refused in words that name both.
    """

    version: ClassVar[int]
    made_by: ClassVar[str] = "minerisk run"
    damaged: ClassVar[type[MineriskError]] = MakeAgainError

    schema_version: int

    def to_json(self) -> str:
        """Write the record as JSON: keys by name, one value a line."""
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def of(cls, **facts: object) -> Self:
        """Make a record of the version that this program writes."""
        return cls.model_validate({"schema_version": cls.version, **facts})

    @classmethod
    def parse(cls, text: str | bytes, *, source: Path) -> Self:
        """Read a record from the text of a file.

        Raises
        ------
        MakeAgainError
            If it is of another version.
        MineriskError
            Of the kind `damaged`, if it is no JSON, or has other fields than its version has.
        """
        try:
            check_json(text.encode() if isinstance(text, str) else text)
            stated = _Version.model_validate_json(text).schema_version
        except ValueError as error:
            why = "" if isinstance(error, pydantic.ValidationError) else f" ({error})"
            raise cls.damaged(
                f"{source} is not JSON that states its schema_version{why}. It was cut off or "
                f"changed by hand, or is of a minerisk before 0.2. Put it back as it was, or make "
                f"it again (`{cls.made_by}`)."
            ) from error
        if stated != cls.version:
            raise MakeAgainError(
                f"{source} is of schema version {stated}; this minerisk reads version "
                f"{cls.version}. Use the minerisk that wrote it, or make it again "
                f"(`{cls.made_by}`)."
            )
        try:
            return cls.model_validate_json(text)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise cls.damaged(
                f"{source} is not as minerisk writes it: {place}: {first['msg']} "
                f"({error.error_count()} problem{'s' if error.error_count() > 1 else ''} in all). "
                f"It was changed by hand. Put it back as it was, or make it again "
                f"(`{cls.made_by}`)."
            ) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record from its file.

        Raises
        ------
        MakeAgainError
            If there is no such file, or as in `parse`.
        """
        if not path.is_file() and not path.is_symlink():
            raise MakeAgainError(f"There is no {path}; make it first (`{cls.made_by}`).")
        return cls.parse(read_plain(path), source=path)


class _Version(pydantic.BaseModel):
    """What every document states, whatever else is in it."""

    schema_version: int
