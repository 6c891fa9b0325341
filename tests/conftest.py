"""What many tests share: one portrait, one photograph file, and the shared archives."""

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

# TensorFlow reads it once, when it is first imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def portrait() -> NDArray[np.uint8]:
    """A portrait with one face at left 179, top 83, 87 pixels wide: (512, 512, 3)."""
    # A public-domain photograph by NASA that scikit-image carries.
    from skimage.data import astronaut

    image = astronaut()
    image.flags.writeable = False
    return image


@pytest.fixture(scope="session")
def portrait_jpeg(portrait: NDArray[np.uint8]) -> bytes:
    """The portrait as a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(portrait).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The archives beside the repository; skips where they are not there."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("REQUIRE_SHARED") == "1":
            pytest.fail("REQUIRE_SHARED=1, but there is no ../shared/data")
        pytest.skip("needs ../shared/data")
    return folder


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """For tests that set up the program's log: all is as before afterwards."""
    names = (None, "gunicorn.error", "deepfake_detector")
    loggers = [logging.getLogger(name) for name in names]
    before = [(x.handlers[:], x.filters[:], x.level, x.propagate) for x in loggers]
    yield
    logging.captureWarnings(False)
    for logger, state in zip(loggers, before, strict=True):
        handlers, filters, level, logger.propagate = state
        logger.handlers[:], logger.filters[:] = handlers, filters
        logger.setLevel(level)
