"""``python -m flytekitplugins_smfs.emulator``: the emulator's commands."""

import sys

try:
    from .commands import emulator
except ModuleNotFoundError as missing:
    need = f"The embedded AWS needs a package that is not installed here ({missing.name})."
    sys.exit(f"{need} Install them all: pip install 'flytekitplugins-smfs[emulator]'")

if __name__ == "__main__":
    emulator(prog_name="python -m flytekitplugins_smfs.emulator")
