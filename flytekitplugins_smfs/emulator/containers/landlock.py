"""Landlock: what a process and its descendants may touch of the file tree, named path by path. Linux 5.13 and later.

Only what is granted can be reached. Also closed are, where the kernel can: signals to, and tracing of, processes
outside, abstract sockets of others, and TCP for a job without a network.
"""

import ctypes
import os
import stat
from collections.abc import Iterable
from functools import cache

from .system import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_BELOW_PATH = 1
_ALL_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many file access rights each version of the interface knows; later ones as the last."""
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY, _TRUNCATE, _DEVICE_CONTROL = 1, 2, 4, 8, 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_CONTROL
_TCP = 3
_SIGNALS_AND_ABSTRACT_SOCKETS = 3
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("path", ctypes.c_int32))


@cache
def version() -> int:
    """The version of the interface that this kernel has; 0 where it has none or may not be asked."""
    try:
        return kernel(_CREATE_RULESET, "landlock_create_ruleset", None, ctypes.c_size_t(0), _ASK_VERSION)
    except OSError:
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str], network: bool = True) -> None:
    """Leave to this process and its descendants only these paths and what is below them. Missing ones are left out.

    Needs no_new_privs, or a capability. Without ``network`` TCP is closed, too, where the kernel can close it.
    """
    known = version()
    every = (1 << _ALL_BY_VERSION.get(known, 16)) - 1
    ruleset = _Ruleset(
        every,
        0 if network or known < _NETWORK_SINCE else _TCP,
        _SIGNALS_AND_ABSTRACT_SOCKETS * (known >= _SCOPES_SINCE),
    )
    size = 8 if known < _NETWORK_SINCE else 16 if known < _SCOPES_SINCE else 24
    rules = kernel(_CREATE_RULESET, "landlock_create_ruleset", ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    try:
        for path in readable:
            _allow(rules, path, _READ & every)
        for path in writable:
            _allow(rules, path, every)
        kernel(_RESTRICT_SELF, "landlock_restrict_self", rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _OF_FILES
        rule = _PathRule(access, place)
        kernel(_ADD_RULE, "landlock_add_rule", rules, _BELOW_PATH, ctypes.byref(rule), 0)
    finally:
        os.close(place)
