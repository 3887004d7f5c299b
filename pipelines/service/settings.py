"""How a desk is set up: one YAML file, checked before anything listens."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import pydantic
import yaml
from fastapi.exceptions import RequestValidationError
from pydantic import Field

from minerisk.features.errors import InputError
from minerisk.pipelines.records.choices import Language
from minerisk.pipelines.records.record import Record

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Tls(Record):
    """A certificate and its key, PEM."""

    certificate: Path
    key: Path


class Proxy(Record):
    """A reverse proxy in front of the desk, which is trusted because it holds a secret."""

    secret_file: Path | None = Field(
        None, description="file whose words the proxy sends in X-Desk-Proxy"
    )
    socket: Path | None = Field(None, description="Unix socket to listen at, in place of a port")
    identity: bool = Field(
        False, description="take the account from X-Desk-User, which the proxy sets"
    )

    @pydantic.model_validator(mode="after")
    def _is_bound(self) -> Self:
        if self.secret_file is None and self.socket is None:
            raise ValueError("give secret_file or socket: else anybody could speak as the proxy")
        return self


class Limits(Record):
    """How much one account, one call and one job may take."""

    body_bytes: int = Field(65_536, gt=0, description="bytes of a call that is no file")
    upload_bytes: int = Field(20_000_000, gt=0, description="bytes of the file of an area")
    hectares: float = Field(2_000_000.0, gt=0, description="most land of one request")
    requests_a_day: int = Field(200, gt=0, description="requests of an account within 24 hours")
    waiting: int = Field(10, gt=0, description="requests of an account that are not done yet")
    calls_a_minute: int = Field(1_200, gt=0, description="calls of one caller; tiles count too")
    attempts: int = Field(5, gt=0, description="failed sign-ins until an account is locked")
    locked_seconds: float = Field(900.0, gt=0)
    job_seconds: float = Field(1_800.0, gt=0, description="of one job, by the clock")
    lost_seconds: float = Field(
        30.0, ge=2, description="without a sign of life, until a worker is given up"
    )
    job_bytes: int = Field(8_000_000_000, gt=0, description="memory of one job")
    disk_bytes: int = Field(
        2_000_000_000, ge=0, description="what must be left on the disk before a job starts"
    )
    session_seconds: float = Field(36_000.0, gt=0, description="life of a session")
    idle_seconds: float = Field(3_600.0, gt=0, description="life of a session that is not used")
    retention_days: int = Field(90, gt=0, description="how long results are kept")


class Settings(Record):
    """How a desk is set up.

    Attributes
    ----------
    home
        Folder of the desk: database, files of areas, dossiers.
    runs
        Folder of run folders; only what lies in it can be offered.
    database
        SQLAlchemy URL; none is SQLite in `home`.
    """

    home: Path = Field(description="folder of the desk: database, areas, dossiers")
    runs: Path = Field(description="folder of run folders; only what lies in it can be offered")
    database: str | None = Field(None, description="SQLAlchemy URL; none is SQLite in home")
    host: str = Field("127.0.0.1", description="address to listen at")
    port: int = Field(8765, ge=0, le=65_535)
    names: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"), description="names that the desk is called by"
    )
    tls: Tls | None = None
    proxy: Proxy | None = None
    public: bool = Field(False, description="hand coarsened packs of approved runs to anybody")
    language: Language = "en"
    workers: int = Field(1, ge=0, le=64, description="worker processes that serve starts")
    scheduler: str | None = Field(None, description="Dask scheduler for tiles")
    trusted_keys: Path | None = Field(None, description="public keys that may sign reviews")
    log_level: Literal["WARNING", "INFO"] = "INFO"
    limits: Limits = Limits()

    @pydantic.model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if not is_loopback(self.host) and self.tls is None and self.proxy is None:
            raise ValueError(
                f"host is {self.host}, which others can reach, without tls or proxy; passwords "
                "would travel in the open. Listen at 127.0.0.1, or set up tls or proxy"
            )
        return self

    @property
    def database_url(self) -> str:
        """Return the address of the database."""
        return self.database or f"sqlite:///{(self.home / 'desk.sqlite').absolute()}"

    @property
    def uploads(self) -> Path:
        """Where files of areas are kept."""
        return self.home / "areas"

    @property
    def dossiers(self) -> Path:
        """Where dossiers are kept."""
        return self.home / "dossiers"


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine only."""
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(path: Path) -> Settings:
    """Read the settings of a desk; paths in them are relative to the file.

    Raises
    ------
    InputError
        Naming the setting that is wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as YAML: {error}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no settings; expected `home:` and `runs:` at least.")
    return _placed(settings_of(content, source=str(path)), path.parent)


def settings_of(content: Mapping[str, pydantic.JsonValue | Path], *, source: str) -> Settings:
    """Check settings.

    Raises
    ------
    InputError
        Naming the setting that is wrong.
    """
    try:
        return Settings.model_validate(content)
    except pydantic.ValidationError as error:
        place, why = first_fault(error)
        raise InputError(f"{source}: {place or 'settings'}: {why}.") from error


def first_fault(error: pydantic.ValidationError | RequestValidationError) -> tuple[str, str]:
    """Return the place of the first fault that pydantic found, and what is wrong there."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return place, str(first["msg"]).removeprefix("Value error, ")


def _placed(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(
        update={"home": folder / settings.home, "runs": folder / settings.runs}
    )
