"""The machine decides where nobody else does; what cannot be told is float32."""

from pathlib import Path

import pytest

from deepfake_detector import precision
from deepfake_detector.config import TrainConfig
from deepfake_detector.precision import computes_in_bfloat16, with_own_precision


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (b"model name\t: X\nflags\t\t: fpu amx_bf16 amx_tile\nbugs\t:\n", True),
        (b"flags\t\t: fpu avx512_bf16\n", False),
        (b"flags\t\t: fpu not_amx_bf16\n", False),
        (b"vmx flags\t: amx_bf16\n", False),
        (b"Features\t: fp asimd bf16\n", False),
        (b"flags", False),
        (b"", False),
        (b"\xff\xfe flags : amx_bf16", False),
    ],
)
def test_tiles_of_bfloat16_are_told_by_the_flags(
    tmp_path: Path, facts: bytes, expected: bool
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_bytes(facts)
    assert computes_in_bfloat16(path) is expected


def test_no_facts_mean_float32(tmp_path: Path) -> None:
    assert not computes_in_bfloat16(tmp_path / "none")


@pytest.mark.parametrize("can", [True, False])
def test_the_machine_decides_where_nobody_else_does(
    monkeypatch: pytest.MonkeyPatch, can: bool
) -> None:
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: can)
    assert with_own_precision(TrainConfig()).mixed_precision is can
    for said in (True, False):
        config = TrainConfig(mixed_precision=said)
        assert with_own_precision(config) is config
