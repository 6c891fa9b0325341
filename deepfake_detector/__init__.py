"""An honest deepfake image detector: from a picture to a calibrated verdict.

The front door is :class:`deepfake_detector.detector.Detector`. Importing the package
itself loads nothing.
"""

__version__ = "0.1.0"
