"""Entry point of ``python -m deepfake_detector``."""

from deepfake_detector.cli import main

main(prog_name="python -m deepfake_detector")
