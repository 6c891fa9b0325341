"""The web application: a page for people, JSON for programs.

Views raise; `errors` turns what they raise into a page or into JSON. Nothing is kept
between two requests: no session, no cookie, and no picture.
"""

from typing import Final

from flask import Flask
from jinja2 import StrictUndefined

from deepfake_detector.config import REPOSITORY, ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.web import (
    admission,
    api,
    api_keys,
    cors,
    deadlines,
    errors,
    health,
    languages,
    page_switch,
    prometheus,
    proxies,
    rate_limits,
    reference,
    request_ids,
    request_log,
    security_headers,
    static_versions,
    views,
)
from deepfake_detector.web.service import Service
from deepfake_detector.web.uploads import InMemoryRequest

#: What a form may weigh besides the file itself, in bytes.
FORM_OVERHEAD_BYTES: Final = 64 * 1024


def create_app(detector: Detector, config: ServeConfig) -> Flask:
    """Build the Flask application around a loaded detector.

    Parameters
    ----------
    detector : Detector
        Judges the pictures.
    config : ServeConfig
        Limits, and where uploads lie while they are judged.

    Returns
    -------
    Flask
        The application; safe to run in many threads.
    """
    app = Flask(
        __name__,
        template_folder=str(REPOSITORY / "templates"),
        static_folder=str(REPOSITORY / "static"),
        static_url_path="/static",
    )
    # First, so that nothing is answered without an id, and nothing added uncounted.
    request_ids.register(app)
    request_log.register(app, config)
    prometheus.register(app, config)
    app.request_class = InMemoryRequest
    app.config["MAX_CONTENT_LENGTH"] = config.max_request_bytes + FORM_OVERHEAD_BYTES
    # Mending "//" in an address would send the visitor to the host that he named.
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    service = Service(detector, config)
    service.attach_to(app)
    reference.Reference.of(service).attach_to(app)
    app.register_blueprint(views.bp)
    app.register_blueprint(api.bp)
    app.register_blueprint(reference.bp)
    app.register_blueprint(health.bp)
    languages.register(app)
    # In this order, and all before a byte of the body is read.
    page_switch.register(app, config.page)
    rate_limits.register(app, config)
    api_keys.register(app, config.api_key_hashes)
    admission.register(app, config)
    security_headers.register(app)
    static_versions.register(app)
    cors.register(app, config.cors_origins)
    errors.register(app)
    deadlines.register(app, config.request_seconds)
    proxies.register(app, config.trusted_proxies)
    return app
