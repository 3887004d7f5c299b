"""All of MLflow that a record needs, for a process that makes it ready while training goes on."""

from minerisk.pipelines.tracking.mlflow_record import prepare_mlflow

prepare_mlflow()

# MLflow imports its stores when the first client is made, and flavours when a model is written.
import mlflow.pyfunc  # noqa: E402
import mlflow.store.model_registry.sqlalchemy_store  # noqa: E402
import mlflow.store.tracking.sqlalchemy_store  # noqa: E402, F401
from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches  # noqa: E402

import minerisk.pipelines.report.model_card  # noqa: E402
import minerisk.pipelines.tracking.model_folder  # noqa: E402, F401
from minerisk.pipelines.tracking.store_place import empty_store  # noqa: E402

empty_store()
warn_dependency_requirement_mismatches(["numpy"])  # lists all packages, once in a process
