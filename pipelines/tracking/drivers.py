"""Whether MLflow can speak to the kind of store that a URI names, before it is asked to."""

from minerisk.features.errors import InputError

PACKAGES = {
    "psycopg2": "psycopg2-binary",
    "psycopg": "psycopg[binary]",
    "MySQLdb": "mysqlclient",
}
"""Module of a driver to the package that brings it, where the two differ."""
DATABASES = ("postgresql", "mysql", "mssql", "sqlite")
SERVERS = ("http", "https", "databricks")


def check_driver(uri: str) -> None:
    """Find out whether the driver of a tracking store is installed.

    Raises
    ------
    InputError
        If it is not, with what to install; or if no kind of store begins like that.
    """
    scheme = uri.partition("://")[0]
    if scheme in {*SERVERS, "sqlite", "file"}:
        return
    if scheme.partition("+")[0] not in DATABASES:
        raise InputError(
            f"The tracking store {shown(uri)} is of no known kind; expected a URI that begins with "
            f"{', '.join(f'{name}://' for name in (*DATABASES, *SERVERS))}."
        )
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(uri).get_dialect().import_dbapi()
    except ImportError as error:
        module = error.name or make_url(uri).get_dialect().driver
        raise InputError(
            f"The tracking store {shown(uri)} needs the Python module {module}, which is not "
            f"installed here. Install it (`pip install {PACKAGES.get(module, module)}`), or name "
            "another driver in the URI, such as mysql+pymysql://."
        ) from error
    except ArgumentError as error:
        raise InputError(
            f"The tracking store {shown(uri)} cannot be used: {error}. Expected a URI such as "
            "postgresql://user@host/database."
        ) from error


def shown(uri: str) -> str:
    """Return a URI as it may be printed: without a name and a password."""
    scheme, mark, rest = uri.partition("://")
    return f"{scheme}{mark}{rest.split('@')[-1]}"


def unusable(uri: str, why: str) -> InputError:
    """Make the error of a store that cannot be used, with what to do."""
    todo = "Start the server, or unset MLFLOW_TRACKING_URI to use SQLite in the run folder."
    if uri.startswith("sqlite:"):
        todo = (
            "Make room if the disk is full, end what holds the file, look at its permissions, and "
            "give the command again."
        )
    return InputError(
        f"The tracking store {shown(uri)} cannot be used: {why}. {todo} What was finished is kept."
    )
