"""What every SageMaker job has in common: a name that is known before it is made, and a mark that tells its spec."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.kinds import Kind
from flytekitplugins_smfs.aws.names import FINGERPRINT_TAG, job_name
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import NO_ORDER, HandleT, Paced, ResultT, SpecT, is_new
from flytekitplugins_smfs.operations.owning import Difference, Making, own
from flytekitplugins_smfs.operations.sagemaker import records
from flytekitplugins_smfs.values.errors import AwsFault, Missing
from flytekitplugins_smfs.values.identity import same
from flytekitplugins_smfs.values.operation import Order, Owner
from flytekitplugins_smfs.values.plain import Record


class JobMaking(Making):
    """A job that is to be there. SageMaker takes no token: a job's name is taken once and for all."""

    named_before = True

    def __init__(self, kind: Kind, name: str, arn: str, spec: Any, create: Callable[[Aws], None]) -> None:
        """`arn` is the member of the record that has its ARN."""
        self.what = f"{kind.name.capitalize()} {name}"
        self.spec = spec
        self._kind, self._name, self._arn, self._create = kind, name, arn, create

    def find(self, aws: Aws) -> Sequence[Record]:
        try:
            return [self._kind.describe(aws, self._name)]
        except Missing:
            return []

    def differences(self, aws: Aws, record: Record) -> Iterable[Difference] | None:
        mark = records.tags_of(aws, record[self._arn]).get(FINGERPRINT_TAG)
        return () if same(self.spec, mark) else None

    def create(self, aws: Aws, token: str) -> Record:
        self._create(aws)
        return {}

    def id(self, record: Record) -> str:
        return self._name

    def identity(self) -> tuple[str, ...]:
        return (self._kind.name, self._name)


class Job(Paced[SpecT, HandleT, ResultT]):
    """A SageMaker job."""

    kind: ClassVar[Kind]
    name_limit: ClassVar[int]
    arn: ClassVar[str]
    """The member of its description that has its ARN."""
    status: ClassVar[str]
    """The member of its description that has its status."""

    @abstractmethod
    def handle(self, aws: Aws, spec: SpecT, owner: Owner, name: str) -> HandleT:
        """The handle of the job of this name."""

    @abstractmethod
    def task_of(self, spec: SpecT) -> str:
        """The task's name, from which the job's is made."""

    @abstractmethod
    def job_of(self, handle: HandleT) -> str:
        """The job's name."""

    @abstractmethod
    def create(self, aws: Aws, spec: SpecT, owner: Owner, name: str, order: Order) -> None:
        """Ask AWS for the job, by one create call."""

    @abstractmethod
    def stop(self, aws: Aws, name: str) -> None:
        """Ask AWS to stop it."""

    def plan(self, aws: Aws, spec: SpecT, owner: Owner) -> HandleT:
        name = self._predecessor(aws, spec, owner) or job_name(self.task_of(spec), owner, self.name_limit)
        return self.handle(aws, spec, owner, name)

    def make(self, aws: Aws, spec: SpecT, handle: HandleT, order: Order) -> bool:
        return own(aws, self._making(spec, handle.owner, self.job_of(handle), order)) is not None

    def _making(self, spec: SpecT, owner: Owner, name: str, order: Order) -> JobMaking:
        def create(there: Aws) -> None:
            self.create(there, spec, owner, name, order)

        return JobMaking(self.kind, name, self.arn, spec, create)

    def _predecessor(self, aws: Aws, spec: SpecT, owner: Owner) -> str | None:
        """The job of an earlier attempt that runs, or has done its work, and is what this one asks for: a create that
        Flyte gave up on."""
        for attempt in reversed(range(owner.attempt)):
            name = job_name(self.task_of(spec), owner.at(attempt), self.name_limit)
            making = self._making(spec, owner, name, NO_ORDER)
            found = making.find(aws)
            if found:
                good = found[0][self.status] in ("InProgress", "Completed")
                return name if good and making.differences(aws, found[0]) == () else None
        return None

    def cancel(self, aws: Aws, handle: HandleT) -> bool:
        there, name = aws.at(handle.region), self.job_of(handle)
        try:
            status = self.kind.describe(there, name)[self.status]
            if status == "InProgress":
                self.stop(there, name)
        except Missing:
            return not is_new(handle)
        except AwsFault:
            status = self.kind.describe(there, name)[self.status]
            if status not in records.FINISHED:
                raise  # it did not just finish by itself
        ended = status in records.FINISHED
        (view(there).forget if ended else view(there).doubt)(self.kind, name)  # nobody asks after what was cancelled
        return ended

    def what(self, handle: HandleT) -> str:
        return f"{self.kind.name} {self.job_of(handle)}"

    def leaves(self, handle: HandleT) -> str:
        return f"{self.what(handle)} may run on and cost money: stop it in the SageMaker console."
