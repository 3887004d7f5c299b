"""How a desk is set up: one YAML file, checked before anything listens."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit

import pydantic
import yaml
from fastapi.exceptions import RequestValidationError
from pydantic import Field

from minerisk.features.errors import InputError
from minerisk.pipelines.records.choices import Language
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.run.workers import ALONE, Workers

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
Some = TypeVar("Some", bound=Record)
RoleName = Literal["manager", "data scientist", "reviewer", "administrator"]


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


class Oidc(Record):
    """A sign-in service that speaks OpenID Connect, and what its claims mean at the desk."""

    issuer: str = Field(description="address of the service, as its tokens name it")
    client_id: str = Field(min_length=1, description="what the service calls the desk")
    client_secret_file: Path | None = Field(
        None, description="file of the secret of the desk; none is a client with PKCE alone"
    )
    address: str = Field(description="where browsers find the desk, such as https://desk.example")
    title: str = Field("OpenID Connect", max_length=60, description="what people call the service")
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = Field("preferred_username", description="claim of the name of the account")
    roles_claim: str = Field(
        "groups", description="claim of the groups of a person; dots lead into a claim"
    )
    roles: Mapping[str, RoleName] = Field(
        min_length=1, description="group of the service to role of the desk"
    )
    factor_claim: str = Field("amr", description="claim that tells how somebody signed in")
    factor_values: tuple[str, ...] = Field(
        ("mfa", "otp", "hwk", "sc"), description="values of it that mean a second factor"
    )
    ca_file: Path | None = Field(None, description="certificates that the service is checked by")

    @pydantic.model_validator(mode="after")
    def _is_guarded(self) -> Self:
        for name, value in (("issuer", self.issuer), ("address", self.address)):
            if not is_closed_line(value):
                raise ValueError(f"{name} is {value}; expected https://…, without ? and #")
        if "openid" not in self.scopes:
            raise ValueError("scopes lack openid, without which nobody's name is told")
        return self

    @property
    def back(self) -> str:
        """Return where the service sends a browser back to."""
        return f"{self.address.rstrip('/')}/sign-in/provider/back"


class Cluster(Record):
    """A Dask scheduler whose workers share the tiles of maps and of runs."""

    address: str = Field(description="such as tls://10.0.0.1:8786")
    tls: Path | None = Field(None, description="folder with ca.pem, cert.pem and key.pem")
    trust_network: bool = Field(False, description="speak without TLS to another machine")


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
    run_seconds: float = Field(86_400.0, gt=0, description="of a run that is made anew")
    lost_seconds: float = Field(
        30.0, ge=2, description="without a sign of life, until a worker is given up"
    )
    job_bytes: int = Field(8_000_000_000, gt=0, description="memory of one job")
    disk_bytes: int = Field(
        2_000_000_000, ge=0, description="what must be left on the disk before a job starts"
    )
    first_password_days: float = Field(
        7.0, gt=0, description="until a password that somebody else chose is of no use any more"
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
    oidc: Oidc | None = None
    second_factor: Literal["deciding", "everybody"] = Field(
        "deciding", description="who counts only after a second factor: roles that decide, or all"
    )
    public: bool = Field(False, description="hand coarsened packs of approved runs to anybody")
    language: Language = "en"
    workers: int = Field(1, ge=0, le=64, description="worker processes that serve starts")
    scheduler: Cluster | None = Field(
        None, description="for work on tiles; its workers see folders under the same paths"
    )
    trusted_keys: Path | None = Field(None, description="public keys that may sign reviews")
    metrics_secret_file: Path | None = Field(
        None, description="file whose words a monitoring system sends as Bearer; none: no numbers"
    )
    log_level: Literal["WARNING", "INFO"] = "INFO"
    limits: Limits = Limits()

    @pydantic.model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if not is_loopback(self.host) and self.tls is None and self.proxy is None:
            raise ValueError(
                f"host is {self.host}, which others can reach, without tls or proxy; passwords "
                "would travel in the open. Listen at 127.0.0.1, or set up tls or proxy"
            )
        if self.database is not None and not is_closed_database(self.database):
            raise ValueError(
                "database is on another machine, and what is sent there could be read on the way; "
                "add ?sslmode=verify-full"
            )
        if self.oidc is not None and self.proxy is not None and self.proxy.identity:
            raise ValueError("both proxy.identity and oidc tell who calls; give one of them")
        return self

    @property
    def database_url(self) -> str:
        """Return the address of the database."""
        return self.database or f"sqlite:///{(self.home / 'desk.sqlite').absolute()}"

    @property
    def tile_workers(self) -> Workers:
        """Who works on tiles: the process of a job, or the workers of a scheduler."""
        given = self.scheduler
        if given is None:
            return ALONE
        return Workers(scheduler=given.address, tls=given.tls, trust_network=given.trust_network)

    @property
    def configs(self) -> Path:
        """Where configurations of runs that were made anew are kept."""
        return self.home / "configs"

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


def is_closed_database(url: str) -> bool:
    """Tell whether a database is on this machine, or is spoken to by TLS with its name checked."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        found = make_url(url)
    except ArgumentError:
        return True  # whoever connects is told that it is none
    hosts = [found.host, *_listed(found.query.get("host")), *_listed(found.query.get("hostaddr"))]
    here = all(not host or host.startswith("/") or is_loopback(host) for host in hosts)
    return here or _listed(found.query.get("sslmode")) == ["verify-full"]


def _listed(value: str | tuple[str, ...] | None) -> list[str]:
    given = (value,) if isinstance(value, str) else value or ()
    return [part for each in given for part in each.split(",")]


def is_closed_line(url: str) -> bool:
    """Tell whether an address is read by nobody on the way: of HTTPS, or of this machine."""
    try:
        found = urlsplit(url)
        host = found.hostname or ""
    except ValueError:
        return False
    kept = found.scheme == "https" or (found.scheme == "http" and is_loopback(host))
    return kept and bool(host) and not found.query and not found.fragment


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
    return _placed(_checked(content, str(path)), path.parent.absolute())


def settings_of(content: Mapping[str, pydantic.JsonValue | Path], *, source: str) -> Settings:
    """Check settings; paths in them are relative to the working directory.

    Raises
    ------
    InputError
        Naming the setting that is wrong.
    """
    return _placed(_checked(content, source), Path.cwd())


def _checked(content: Mapping[str, pydantic.JsonValue | Path], source: str) -> Settings:
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


def _placed(record: Some, folder: Path) -> Some:
    """Lead every path of settings from a folder; one that is absolute stays."""
    changed: dict[str, Path | Record] = {}
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, Path):
            changed[name] = folder / value
        elif isinstance(value, Record):
            changed[name] = _placed(value, folder)
    return record.model_copy(update=changed)
