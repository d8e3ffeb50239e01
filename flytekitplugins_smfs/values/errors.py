"""The one tree of errors.

SmfsError
├── SettingsError          the choice of AWS, region or a default is missing or contradictory
├── InvalidSpec            a value breaks a rule; found before any AWS call, every problem at once
├── AwsFault               AWS refused or could not be reached; says what was being done to what
│   ├── Throttled          too many requests; passes by itself
│   ├── Transient          5xx, time-outs, connection errors, unreadable answers; passes by itself
│   ├── Capacity           a quota or a shortage of instances or addresses
│   ├── Credentials        credentials missing, expired or unreadable; renewing them mends it
│   ├── Denied             the credentials are good, but not allowed to do this
│   ├── Conflict           the name or resource is taken, or is in a state that forbids this
│   ├── Missing            what was named does not exist
│   └── Invalid            AWS found the request wrong
├── FingerprintMismatch    something of this name exists but was made from another spec
└── OperationError         an operation that had started did not succeed
    ├── OperationFailed    it ended in failure; carries AWS's reason and the last log lines
    ├── OperationCancelled it was stopped on purpose (Ctrl-C, SIGTERM, abort)
    └── OperationTimedOut  it did not end within its timeout and was stopped
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One broken rule: the `field` (dotted path), the `rule` it breaks with the values allowed, and the `fix`."""

    field: str
    rule: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.rule}" + (f" Fix: {self.fix}" if self.fix else "")


class SmfsError(Exception):
    """Base of every error this package raises."""

    passing: bool = False
    """Whether another attempt may go well: what `retries` are for. The one place that says so."""


class SettingsError(SmfsError):
    """The settings do not say which AWS to use, or contradict each other."""


class InvalidSpec(SmfsError, ValueError):
    """A specification breaks rules that AWS would enforce later; `problems` lists all of them."""

    def __init__(self, what: str, problems: Sequence[Problem]) -> None:
        self.what = what
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{what} is not valid:", *(f"  - {problem}" for problem in self.problems)]))


class AwsFault(SmfsError):
    """An AWS call failed. `code` and `text` are AWS's own; `doing` says what was being done to what."""

    advice = ""

    def __init__(self, *, doing: str, service: str, operation: str, code: str, text: str, advice: str = "") -> None:
        self.doing = doing
        self.service = service
        self.operation = operation
        self.code = code
        self.text = text
        said = f"While {doing}: {service} {operation} answered {code}: {text}"
        tip = advice or self.advice
        stop = "" if said.endswith((".", "!", "?")) else "."
        super().__init__(f"{said}{stop} {tip}" if tip else said)


class Throttled(AwsFault):
    """AWS asked us to slow down."""

    passing = True
    advice = "Try again later, or ask for a higher request rate."


class Transient(AwsFault):
    """AWS could not be reached or had an internal error."""

    passing = True
    advice = "This usually passes; try again."


class Capacity(AwsFault):
    """A quota is used up or AWS has no capacity left."""

    passing = True
    advice = "Ask for a higher quota (Service Quotas console), or use another type, zone or region."


class Credentials(AwsFault):
    """The credentials are missing, expired, or cannot be read."""

    passing = True
    advice = "Renew the credentials (`aws sso login`, `aws sts get-caller-identity`)."


class Denied(AwsFault):
    """The credentials are good, but their policies do not allow this."""

    advice = "Check the policies of the role or user (`aws sts get-caller-identity` says which)."


class Conflict(AwsFault):
    """The name is taken or the resource's state forbids this."""


class Missing(AwsFault):
    """What was named does not exist in this account and region."""


class Invalid(AwsFault):
    """AWS found the request wrong."""


class FingerprintMismatch(SmfsError):
    """A resource with this owner or name exists, but was made from another spec."""

    def __init__(self, what: str, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        listed = "; ".join(differences) or "its recorded fingerprint differs"
        super().__init__(
            f"{what} already exists but was made from another specification: {listed}. "
            "Give the new one another name, or delete the old one first."
        )


class OperationError(SmfsError):
    """An operation that had started did not succeed."""


class OperationFailed(OperationError):
    """The operation ended in failure; the message carries AWS's reason. `passing` says whether another attempt may
    go well: a shortage of capacity, an internal error of AWS, a spot interruption."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(message)


class OperationCancelled(OperationError):
    """The operation was stopped on purpose, and was seen to stop."""


class OperationTimedOut(OperationError):
    """The operation did not end within its timeout and was stopped."""

    passing = True
