"""Who works on tiles: this process, several on this machine, or a Dask cluster.

Work is a function that can be sent elsewhere (`functools.partial` of a function of a module) and
that leaves what it makes in files. It may be done twice: a worker that is lost takes the tile it
was at with it, and another does that tile again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from minerisk.features.errors import InputError
from minerisk.pipelines.run.cluster import Scheduler, on_cluster
from minerisk.pipelines.run.processes import in_processes, prepare

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Workers:
    """Who works on tiles.

    Attributes
    ----------
    processes
        Processes on this machine; 1 is this very process.
    scheduler
        Address of a Dask scheduler, such as ``tls://10.0.0.1:8786``; its workers then do it.
        They need the same software, and the run folder and layers under the same paths.
    tls, trust_network
        As in `Scheduler`.
    """

    processes: int = 1
    scheduler: str | None = None
    tls: Path | None = None
    trust_network: bool = False

    @property
    def cluster(self) -> Scheduler | None:
        """The scheduler, with how it is spoken to."""
        if self.scheduler is None:
            return None
        return Scheduler(self.scheduler, self.tls, self.trust_network)

    @property
    def alone(self) -> bool:
        """Whether this process does all by itself."""
        return self.scheduler is None and self.processes <= 1

    def prepare(self, *modules: str) -> None:
        """Let processes of this machine import modules in the background, before there is work."""
        if self.scheduler is None and self.processes > 1:
            prepare("minerisk.pipelines.cli.main", *modules)

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Do tasks and yield the result of each, in the order in which they are done.

        Raises
        ------
        InputError
            If workers are lost again and again, or the scheduler cannot be reached.
        """
        if self.processes < 1:
            raise InputError(f"There are {self.processes} workers; expected 1 or more.")
        if self.cluster is not None:
            return on_cluster(work, tasks, self.cluster)
        return map(work, tasks) if self.alone else in_processes(work, tasks, self.processes)


ALONE = Workers()
