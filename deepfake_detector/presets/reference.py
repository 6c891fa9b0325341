"""What the Flask reference does: its shipped network on whole pictures, unaugmented."""

from typing import Final

from deepfake_detector.presets import Preset

REFERENCE: Final = Preset(
    {
        "dataset": ("openforensics",),
        "architecture": "four_conv",
        "crop": "whole",
        "augmentation": "none",
        "epochs": 50,
        "mixed_precision": False,
    }
)
