"""Whether a network trains faster in bfloat16 here."""

import dataclasses
from pathlib import Path
from typing import Final

from deepfake_detector.config import TrainConfig

#: Where Linux says what the processor can do.
_CPU_FACTS: Final = Path("/proc/cpuinfo")

#: The processor multiplies tiles of bfloat16; the older vector instructions
#: (`avx512_bf16`) were not measured.
_TILES: Final = "amx_bf16"


def computes_in_bfloat16(facts: Path = _CPU_FACTS) -> bool:
    """Return whether the processor multiplies matrices of bfloat16.

    Parameters
    ----------
    facts : Path, optional
        File of ``name : value`` lines, as Linux has it.

    Returns
    -------
    bool
        False where it cannot be told.
    """
    try:
        lines = facts.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return _TILES in next(flags, "").split()


def with_own_precision(config: TrainConfig) -> TrainConfig:
    """Fill in the precision that a configuration leaves to the machine.

    A run states what it was computed in, so that it goes on so on any machine.

    Parameters
    ----------
    config : TrainConfig
        Settings; `mixed_precision` is None where the machine decides.

    Returns
    -------
    TrainConfig
        The same, with it said.
    """
    if config.mixed_precision is not None:
        return config
    return dataclasses.replace(config, mixed_precision=computes_in_bfloat16())
