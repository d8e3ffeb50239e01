"""The only room that imports flytekit."""

try:
    # First of all: so whichever module of this room is imported first, flytekit has finished, and has loaded the
    # plugin's entry point, before it.
    import flytekit  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "flytekit":
        raise
    raise ModuleNotFoundError(
        "Flyte's tasks need flytekit: pip install 'flytekit>=1.16.31,<1.17'. Values, operations and the emulator work "
        "without it.",
        name="flytekit",
    ) from error
