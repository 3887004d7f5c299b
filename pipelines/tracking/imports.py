"""All of MLflow that a record needs, for a process that imports it while training goes on."""

from minerisk.pipelines.tracking.mlflow_record import prepare_mlflow

prepare_mlflow()

# MLflow imports its stores when the first client is made, and flavours when a model is written.
import mlflow.pyfunc  # noqa: E402
import mlflow.store.model_registry.sqlalchemy_store  # noqa: E402
import mlflow.store.tracking.sqlalchemy_store  # noqa: E402, F401
