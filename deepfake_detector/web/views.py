"""The pages: a form, the verdict on what was sent with it, and what stands behind."""

from typing import Any, Final

from flask import Blueprint, current_app, render_template, request

from deepfake_detector.heatmap import MAX_OCCLUDED_FACES, MEANING, TITLE
from deepfake_detector.images import FORMATS
from deepfake_detector.verdict import (
    LABELS,
    MIN_FACE_PX,
    SENTENCES,
    Verdict,
    class_named,
    class_share,
)
from deepfake_detector.web.card_facts import (
    inconclusive_share,
    measured_sets,
    training_sets,
)
from deepfake_detector.web.judging_options import JudgingOptions
from deepfake_detector.web.model_summary import limits
from deepfake_detector.web.reference import current_reference, snippets
from deepfake_detector.web.report import Report
from deepfake_detector.web.service import Judged, Refused, Service, current_service
from deepfake_detector.web.shown_picture import ShownPicture
from deepfake_detector.wording import Words, words

bp = Blueprint("page", __name__)

#: The pages that every page leads to.
NAVIGATION: Final = (
    ("page.form", words("Check a picture")),
    ("page.about", words("About")),
    ("page.api", words("API")),
    ("page.privacy", words("Privacy")),
)

#: Digits of a model file's SHA-256 that tell its versions apart.
_VERSION_DIGITS: Final = 12


@bp.get("/")
def form() -> str:
    """Show the form.

    Returns
    -------
    str
        The page.
    """
    return render_template("form.html")


@bp.post("/")
def judge() -> str:
    """Judge the pictures that were sent, and show the verdicts.

    Returns
    -------
    str
        The page.
    """
    service = current_service()
    answers = service.judge(request)
    options = JudgingOptions.read(request.form)
    explained = options.heatmap_method is not None
    return render_template(
        "result.html",
        answers=[
            _shown(number, answer, alone=len(answers) == 1)
            for number, answer in enumerate(answers, start=1)
        ],
        alone=len(answers) == 1,
        no_face_found=any(
            isinstance(answer, Judged) and answer.analysis.verdict is Verdict.NO_FACE
            for answer in answers
        ),
        options=options,
        inconclusive_share=inconclusive_share(service.detector.card),
        report=Report.of(answers, service.detector.card, explained),
    )


@bp.get("/about")
def about() -> str:
    """Say how it works, how good it is, and what the model is.

    Returns
    -------
    str
        The page.
    """
    detector = current_service().detector
    card = detector.card
    return render_template(
        "about.html",
        card=card,
        checks_stability=detector.check_stability,
        has_model_api="api.model" in current_app.view_functions,
        measured=measured_sets(card),
        trained_on=training_sets(card),
        least_px=MIN_FACE_PX,
    )


@bp.get("/api", strict_slashes=False)
def api() -> str:
    """Show the reference of the API.

    Returns
    -------
    str
        The page.
    """
    return render_template(
        "api.html",
        reference=current_reference(),
        snippets=snippets(request.url_root.rstrip("/")),
        limits=limits(current_service().config),
    )


@bp.get("/privacy")
def privacy() -> str:
    """Say what becomes of a picture, and what is written down.

    Returns
    -------
    str
        The page.
    """
    return render_template("privacy.html", config=current_service().config)


def _shown(number: int, answer: Judged | Refused, alone: bool) -> Any:
    """One picture as `_answer.html` shows it."""
    if isinstance(answer, Judged):
        return ShownPicture.of(number, answer, alone)
    problem = answer.error.words
    return {"number": number, "heading": 2, "analysis": None, "problem": problem}


@bp.app_context_processor
def names() -> dict[str, Any]:
    """Give the templates what several of them say.

    Returns
    -------
    dict
        Names for all templates.
    """
    service = current_service()
    return {
        "navigation": _navigation(service),
        "model_name": service.detector.card.name,
        "model_version": _version(service),
        "finds_faces": service.finds_faces,
        "max_files": service.config.max_files,
        "max_bytes": service.config.max_upload_bytes,
        "max_request_bytes": service.config.max_request_bytes,
        "max_megabytes": service.config.max_upload_bytes / 1e6,
        "max_megapixels": service.detector.max_pixels / 1e6,
        "accepted_types": ",".join(f"image/{name.lower()}" for name in FORMATS),
        "likely_fake": service.detector.cut_offs_for().likely_fake,
        "labels": LABELS,
        "sentences": SENTENCES,
        "class_named": class_named,
        "class_share": class_share,
        "looked_title": TITLE,
        "looked_meaning": MEANING,
        "looked_most": MAX_OCCLUDED_FACES,
    }


def _navigation(service: Service) -> list[tuple[str, Words]]:
    """The pages that this server has."""
    return [
        (endpoint, name)
        for endpoint, name in NAVIGATION
        if endpoint in current_app.view_functions
        and (service.config.page or endpoint == "page.api")
    ]


def _version(service: Service) -> str:
    """What tells two models of one name apart; empty where no file is listed."""
    digests = service.detector.card.files.values()
    return next((digest[:_VERSION_DIGITS] for digest in reversed(digests)), "")
