"""Two answers for whoever watches the server: does it live, and can it work."""

import logging
from http import HTTPStatus

from flask import Blueprint

from deepfake_detector.web.service import current_service

logger = logging.getLogger(__name__)

bp = Blueprint("health", __name__)


@bp.get("/livez")
def livez() -> dict[str, str]:
    """Answer 200 as long as the process answers at all.

    Returns
    -------
    dict
        A word.
    """
    return {"status": "alive"}


@bp.get("/readyz")
def readyz() -> tuple[dict[str, str], HTTPStatus]:
    """Answer 200 when a picture could be judged now, else 503 with the reason.

    Returns
    -------
    body : dict
        The model's name, or the reason in words.
    status : HTTPStatus
        200 or 503.
    """
    service = current_service()
    reason = service.why_not_ready()
    if reason is not None:
        logger.warning("not ready: %s", reason)
        return (
            {"status": "not ready", "reason": reason},
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
    return {"status": "ready", "model": service.detector.card.name}, HTTPStatus.OK
