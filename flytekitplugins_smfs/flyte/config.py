"""The settings, read from the Flyte config file and the environment."""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flytekit.configuration.file import (
    ConfigEntry,
    ConfigFile,
    LegacyConfigEntry,
    YamlConfigEntry,
)

from flytekitplugins_smfs.flyte import private
from flytekitplugins_smfs.values.errors import SettingsError
from flytekitplugins_smfs.values.settings import Settings

SECTION = "smfs"


@dataclass(frozen=True)
class Source:
    """One setting in force and where it was read: a file's path or an environment variable's name."""

    name: str
    value: str
    where: str


def settings() -> Settings:
    """The settings in force. Raises SettingsError when they are missing, wrong or unknown."""
    return Settings.of({source.name: source.value for source in sources()})


def sources() -> tuple[Source, ...]:
    """Every setting that is given, with the place that gives it. The environment wins over the file."""
    file = config_file()
    if file is not None:
        _refuse_unknown(file)
    found = []
    for name in Settings.model_fields:
        entry = ConfigEntry(LegacyConfigEntry(SECTION, name), YamlConfigEntry(f"{SECTION}.{name}"))
        variable = entry.legacy.get_env_name()
        text = _text(entry.read(file))
        if text.strip():
            found.append(Source(name, text, variable if os.environ.get(variable) else str(private.config_path(file))))
    return tuple(found)


def config_file() -> ConfigFile | None:
    """The Flyte config file in force, or None.

    flytekit caches its own answer while it is imported, before `pyflyte --config` is read; so it is asked again here,
    and a file that was named but is not there is an error.
    """
    for variable in private.CONFIG_VARIABLES:
        named = os.environ.get(variable)
        if named:
            path = Path(named).absolute()
            if not path.is_file():
                raise SettingsError(f"The Flyte config file {path} does not exist (named by --config or {variable}).")
            return _load(path)
    return private.found_config_file()


def _load(path: Path) -> ConfigFile:
    try:
        file = ConfigFile(str(path))
    except configparser.Error as error:
        raise SettingsError(f"The Flyte config file {path} cannot be read: {error}") from error
    if file.legacy_config is None and file.yaml_config is None and path.read_text().strip():
        raise SettingsError(f"The Flyte config file {path} is not valid YAML.")
    return file


def _refuse_unknown(file: ConfigFile) -> None:
    """A misspelt setting is an error: left alone it would silently not apply."""
    given = _section(file)
    unknown = sorted(set(given) - set(Settings.model_fields))
    if unknown:
        known = ", ".join(Settings.model_fields)
        raise SettingsError(
            f"[{SECTION}] in {private.config_path(file)} has unknown settings: {', '.join(unknown)}. Known: {known}."
        )


def _section(file: ConfigFile) -> list[str]:
    legacy: configparser.ConfigParser | None = file.legacy_config
    if legacy is not None:
        if not legacy.has_section(SECTION):
            return []
        try:
            return [name for name, _ in legacy.items(SECTION) if name not in legacy.defaults()]
        except configparser.InterpolationError as error:
            raise SettingsError(
                f"[{SECTION}] in {private.config_path(file)}: {error}. Write a percent sign as %%."
            ) from error
    section = (file.yaml_config or {}).get(SECTION) or {}
    if not isinstance(section, dict):
        raise SettingsError(
            f"`{SECTION}` in {private.config_path(file)} must be a mapping of settings, not {section!r}."
        )
    return [str(name) for name in section]


def _text(value: Any) -> str:
    """A setting as text; YAML may give lists and mappings."""
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return "" if value is None else str(value)
