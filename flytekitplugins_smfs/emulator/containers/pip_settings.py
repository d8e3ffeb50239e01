"""How this machine installs Python packages, for its jobs: indexes, proxies and certificates, without passwords."""

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_OPTIONS = (
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "proxy", "timeout", "retries"),
    *("default-timeout", "constraint", "pre", "prefer-binary", "only-binary", "no-binary", "disable-pip-version-check"),
)
"""Of pip's configuration. What says where to install to is a job's own affair."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_DEFAULT_INDEX = ("https://pypi.org", "https://files.pythonhosted.org")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True)
class PipSettings:
    """Variables for a job, its ``pip.conf``, and what of the machine they make it read (wheels, certificates)."""

    environment: dict[str, str]
    configuration: str
    readable: list[str]
    urls: list[str]
    """Where pip fetches from, and the proxies on the way."""


def pip_settings(environment: Mapping[str, str], home: Path) -> PipSettings:
    """The settings that pip would have here, of the system's files and the user's: a job reads neither."""
    names = [*(f"PIP_{option.upper().replace('-', '_')}" for option in _OPTIONS), *_CERTIFICATES]
    names += [name for proxy in _PROXIES for name in (proxy, proxy.upper())]
    passed = {name: _without_password(environment[name]) for name in names if environment.get(name)}
    configured = _merged([*_system_files(environment), *_user_files(environment, home)])
    text = "".join(f"{option} = {_without_password(value)}\n" for option, value in configured.items())
    values = [*passed.values(), *configured.values()]
    paths = sorted(set(_paths(values, home)))
    urls = [_url(word) for value in values for word in value.split()]
    return PipSettings(passed, f"[global]\n{text}" if text else "", paths, [*urls, *_DEFAULT_INDEX])


def _url(word: str) -> str:
    """A proxy may stand without its scheme."""
    return word if "/" in word or ":" not in word else f"http://{word}"


def _without_password(text: str) -> str:
    return _CREDENTIALS.sub("", text)


def _user_files(environment: Mapping[str, str], home: Path) -> list[Path]:
    """In pip's order: each overrides those before."""
    chosen = environment.get("PIP_CONFIG_FILE")
    configuration = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    files = [home / ".pip/pip.conf", configuration / "pip/pip.conf", Path(sys.prefix, "pip.conf")]
    return [*files, Path(chosen)] if chosen else files


def _system_files(environment: Mapping[str, str]) -> list[Path]:
    places = (environment.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    return [*(Path(place, "pip/pip.conf") for place in places), Path("/etc/pip.conf")]


def _merged(files: list[Path]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file)
        except (configparser.Error, UnicodeDecodeError, PermissionError):
            continue  # pip itself would say so; a job goes without what cannot be read
        for section in ("global", "install"):
            if parser.has_section(section):
                options = {name.lower().replace("_", "-"): value for name, value in parser.items(section)}
                merged.update({name: " ".join(options[name].split()) for name in _OPTIONS if name in options})
    return merged


def _paths(values: list[str], home: Path) -> Iterator[str]:
    """The files and directories that values name; never one that all of the user's home is in."""
    for value in values:
        for word in value.split():
            path = word.removeprefix("file://")
            if path.startswith("/") and os.path.exists(path) and not home.is_relative_to(os.path.realpath(path)):
                yield os.path.realpath(path)
                yield path
