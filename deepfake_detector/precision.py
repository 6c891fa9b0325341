"""Whether a network trains faster in bfloat16 here."""

import dataclasses
from pathlib import Path
from typing import Final

from deepfake_detector.config import TrainConfig

#: Where Linux says what the processor can do.
_CPU_FACTS: Final = Path("/proc/cpuinfo")

#: Flags of processors that multiply bfloat16: tiles of it, or vectors. With either,
#: training in it is one and a half to two times as fast (docs/performance.md).
_BFLOAT16: Final = frozenset({"amx_bf16", "avx512_bf16"})


def bfloat16_instructions(facts: Path = _CPU_FACTS) -> list[str]:
    """Return the processor's flags of instructions that multiply bfloat16.

    Parameters
    ----------
    facts : Path, optional
        File of ``name : value`` lines, as Linux has it.

    Returns
    -------
    list of str
        Sorted; empty where it cannot be told.
    """
    try:
        lines = facts.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return sorted(_BFLOAT16.intersection(next(flags, "").split()))


def computes_in_bfloat16() -> bool:
    """Return whether this processor has instructions that multiply bfloat16.

    Returns
    -------
    bool
        False where it cannot be told.
    """
    return bool(bfloat16_instructions())


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
