"""What values have in common: immutable, all problems told at once; specs are read strictly, results leniently."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from flytekitplugins_smfs.values.errors import Problem

MISSING: Any = object()
"""Default of a constructor's positional argument whose field is required: pydantic then reports it as missing."""


def given(**fields: Any) -> dict[str, Any]:
    """The arguments that a constructor was given."""
    return {name: value for name, value in fields.items() if value is not MISSING}


class Value(BaseModel):
    """A frozen pydantic model. Unknown fields are refused.

    A subclass states rules that span several fields in `problems`; they are reported together with the
    problems of single fields, each at its own field, so that one run tells everything that is wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    incidental: ClassVar[frozenset[str]] = frozenset()
    """Fields that are no part of what is made: two specs that differ only here ask for the same thing."""

    def problems(self) -> Iterator[Problem]:
        """Yield every broken rule that spans fields. Fields that are wrong by themselves hold their default here."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_problems(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        details: list[InitErrorDetails] = []
        value: Self | None
        data = _without_unsaid(cls, data)
        try:
            value = handler(data)
        except ValidationError as error:
            details.extend(_detail(cls, line) for line in error.errors())
            value = _without_wrong_fields(cls, data, {line["loc"][0] for line in error.errors() if line["loc"]})
        wrong = {detail["loc"][0] for detail in details if detail["loc"]}
        for problem in value.problems() if value else ():
            if problem.field.split(".")[0] not in wrong:
                details.append(_problem_detail(problem, value))
        if details or value is None:
            raise ValidationError.from_exception_data(cls.__name__, details)
        return value


def _without_unsaid(cls: type[BaseModel], data: Any) -> Any:
    """Without unknown fields that are null: so a newer release writes an optional field that it does not use."""
    if not isinstance(data, dict):
        return data
    unsaid = [name for name, item in data.items() if item is None and name not in cls.model_fields]
    return {name: item for name, item in data.items() if name not in unsaid} if unsaid else data


def _without_wrong_fields(cls: type[Any], data: Any, wrong: set[int | str]) -> Any:
    """Build the value with each wrong field at its default, or give None where a wrong field has no default."""
    if not isinstance(data, dict):
        return None
    kept = {name: item for name, item in data.items() if name not in wrong and name in cls.model_fields}
    if any(info.is_required() and name not in kept for name, info in cls.model_fields.items()):
        return None
    fields = {name: (info.annotation, *info.metadata, *_tagged(info)) for name, info in cls.model_fields.items()}
    return cls.model_construct(**{name: _adapter(fields[name]).validate_python(item) for name, item in kept.items()})


def _tagged(info: FieldInfo) -> tuple[str, ...]:
    """The field that tells the members of a union apart, as an item of the adapter's key."""
    return (info.discriminator,) if isinstance(info.discriminator, str) else ()


@functools.lru_cache(maxsize=512)
def _adapter(annotation: tuple[Any, ...]) -> TypeAdapter[Any]:
    parts = tuple(Field(discriminator=part) if isinstance(part, str) else part for part in annotation)
    annotated: Any = Annotated[parts] if len(parts) > 1 else parts[0]
    return TypeAdapter(annotated)


def _detail(cls: type[BaseModel], line: Any) -> InitErrorDetails:
    message = str(line["msg"])
    if line["type"] == "extra_forbidden" and len(line["loc"]) == 1:
        message = _unknown(str(line["loc"][0]), list(cls.model_fields), cls.__name__)
    return InitErrorDetails(
        type=PydanticCustomError(str(line["type"]), message.replace("{", "(").replace("}", ")")),
        loc=line["loc"],
        input=line["input"],
    )


def _unknown(name: str, known: list[str], where: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    fix = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}."
    return f"{where} has no field {name!r}. Fix: {fix}"


def _problem_detail(problem: Problem, value: BaseModel) -> InitErrorDetails:
    text = problem.rule + (f" Fix: {problem.fix}" if problem.fix else "")
    loc = tuple(problem.field.split("."))
    return InitErrorDetails(
        type=PydanticCustomError("rule", text.replace("{", "(").replace("}", ")")),
        loc=loc,
        input=getattr(value, loc[0], None),
    )


class Result(Value):
    """What an operation gave, or remembers. Read leniently: another release may have written more fields."""

    model_config = ConfigDict(extra="ignore")


class Timing(Result):
    """When a step began and ended, in UTC."""

    started_at: datetime
    ended_at: datetime

    @property
    def seconds(self) -> float:
        """Wall-clock duration in seconds."""
        return (self.ended_at - self.started_at).total_seconds()
