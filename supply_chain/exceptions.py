"""What goes wrong with a lock, a rule file or a registry."""

from deepfake_detector.exceptions import DeepfakeDetectorError


class SupplyChainError(DeepfakeDetectorError):
    """A file of ours, or an answer from outside, is not what it must be."""
