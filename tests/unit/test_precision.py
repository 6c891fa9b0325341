"""The machine decides where nobody else does; what cannot be told is float32."""

from pathlib import Path

import pytest

from deepfake_detector import precision
from deepfake_detector.config import TrainConfig
from deepfake_detector.precision import (
    bfloat16_instructions,
    computes_in_bfloat16,
    with_own_precision,
)

TILES, VECTORS = "amx_bf16", "avx512_bf16"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (b"model name\t: X\nflags\t\t: fpu amx_bf16 amx_tile\nbugs\t:\n", [TILES]),
        (b"flags\t\t: fpu avx512_bf16\n", [VECTORS]),
        (b"flags\t\t: avx512_bf16 fpu amx_bf16\n", [TILES, VECTORS]),
        (b"flags\t\t: fpu avx512f avx512_vnni\n", []),
        (b"flags\t\t: fpu not_amx_bf16\n", []),
        (b"vmx flags\t: amx_bf16\n", []),
        (b"Features\t: fp asimd bf16\n", []),
        (b"flags", []),
        (b"", []),
        (b"\xff\xfe flags : amx_bf16", []),
    ],
)
def test_bfloat16_is_told_by_the_flags(
    tmp_path: Path, facts: bytes, expected: list[str]
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_bytes(facts)
    assert bfloat16_instructions(path) == expected


def test_no_facts_mean_float32(tmp_path: Path) -> None:
    assert bfloat16_instructions(tmp_path / "none") == []


@pytest.mark.parametrize("flags", [[], [VECTORS]])
def test_any_such_instructions_will_do(
    monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setattr(precision, "bfloat16_instructions", lambda: flags)
    assert computes_in_bfloat16() is bool(flags)


@pytest.mark.parametrize("can", [True, False])
def test_the_machine_decides_where_nobody_else_does(
    monkeypatch: pytest.MonkeyPatch, can: bool
) -> None:
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: can)
    assert with_own_precision(TrainConfig()).mixed_precision is can
    for said in (True, False):
        config = TrainConfig(mixed_precision=said)
        assert with_own_precision(config) is config
