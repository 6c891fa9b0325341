"""What made `models/default`; docs/model.md says why each of it."""

from typing import Final

from deepfake_detector.presets import Preset

DEFAULT: Final = Preset(
    {
        "dataset": ("openforensics", "dfdc_faces", "real_vs_fake_140k"),
        "architecture": "compact_srm",
        "crop": "face",
        "augmentation": "strong",
        "augmented": 0.6,
        "self_blended": 0.2,
        "augmentation_ramp": 15,
        "balance_sources": True,
        "balance_classes": True,
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warmup_epochs": 1,
        "epochs": 80,
        "early_stopping_metric": "val_auc",
        "early_stopping_patience": 80,
        "label_smoothing": 0.05,
        "ema_decay": 0.999,
        "mixed_precision": True,
        "seed": 1,
    }
)
