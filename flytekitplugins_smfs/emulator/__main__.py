"""``python -m flytekitplugins_smfs.emulator``: the commands of the emulator."""

from .commands import emulator

if __name__ == "__main__":
    emulator(prog_name="python -m flytekitplugins_smfs.emulator")
