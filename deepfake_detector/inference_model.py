"""InferenceModel: a Detector and the Flask application around it."""

import logging
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from werkzeug.serving import WSGIRequestHandler, make_server

from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.web import create_app
from deepfake_detector.web.uploads import prepare_folder

logger = logging.getLogger(__name__)

#: File name endings that people know pictures by; the content decides all the same.
ALLOWED_EXTENSIONS: Final = ("png", "jpg", "jpeg", "webp")


class InferenceModel:
    """A loaded model, ready to judge pictures and to be served.

    Parameters
    ----------
    config : ServeConfig, optional
        Which model, which limits, which address; the defaults where it is None.
    detector : Detector, optional
        Judges the pictures; loaded as `config` says where it is None.

    Attributes
    ----------
    app : Flask
        The web application; what a WSGI server serves.

    Raises
    ------
    ArtifactError
        If the model folder is missing, altered or does not fit its card.
    ConfigError
        If a setting has a bad value.
    """

    def __init__(
        self, config: ServeConfig | None = None, detector: Detector | None = None
    ) -> None:
        self.config = config if config is not None else ServeConfig()
        self.detector = detector if detector is not None else Detector.load(self.config)
        self.app = create_app(self.detector, self.config)

    def allowed_file(self, filename: str) -> bool:
        """Say whether a file's name ends like that of a picture.

        It is a hint for people: whether a file is accepted is decided by its content.

        Parameters
        ----------
        filename : str
            A file name.

        Returns
        -------
        bool
            True for .png, .jpg, .jpeg and .webp in any case.
        """
        _, dot, extension = filename.rpartition(".")
        return bool(dot) and extension.lower() in ALLOWED_EXTENSIONS

    def predict_image(
        self, source: bytes | Path | str, whole_picture_if_no_face: bool = False
    ) -> Analysis:
        """Judge one picture.

        Parameters
        ----------
        source : bytes, Path or str
            Encoded picture, or the path of the file that holds it.
        whole_picture_if_no_face : bool, default False
            Score the largest centred square where no face is found.

        Returns
        -------
        Analysis
            Faces, scores and verdict.

        Raises
        ------
        ImageError
            If the picture cannot be decoded or is over the limit.
        """
        picture = Path(source) if isinstance(source, str) else source
        return self.detector.analyse(picture, whole_picture_if_no_face)

    def run(self) -> None:
        """Serve on this computer until interrupted; for many visitors use gunicorn.

        Raises
        ------
        ConfigError
            If it cannot listen on the host, or keep uploads in their folder.
        """
        check_host(self.config.host)
        prepare_folder(self.config.upload_dir)
        server = make_server(
            self.config.host,
            self.config.port,
            self.app,
            threaded=True,
            request_handler=_SilentHandler,
        )
        url = local_url(self.config.host, server.server_port)
        # Werkzeug's server ends at Ctrl-C by itself, but not before it has begun.
        with suppress(KeyboardInterrupt):
            logger.info("deepfake-detector is ready at %s", url)
            server.serve_forever()
        server.server_close()
        logger.info("stopped")


class _SilentHandler(WSGIRequestHandler):
    """Logs nothing: its lines hold addresses and paths, and each request has ours."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def check_host(host: str) -> None:
    """Refuse a host that this computer cannot listen on.

    Parameters
    ----------
    host : str
        An address of this computer, or a name for one.

    Raises
    ------
    ConfigError
        If it is none; the message names the setting.
    """
    try:
        passive = socket.AI_PASSIVE
        found = socket.getaddrinfo(
            host or None, 0, type=socket.SOCK_STREAM, flags=passive
        )
        family, _, _, _, address = found[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.bind(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a host's name"
        raise ConfigError(
            "host (DEEPFAKE_HOST): expected an address of this computer, such as "
            f"127.0.0.1, or 0.0.0.0 for all of them, got {host!r} ({reason})"
        ) from error


def local_url(host: str, port: int) -> str:
    """Return the address that a browser on this computer can open.

    Parameters
    ----------
    host : str
        Address that a server listens on; that of all interfaces becomes this computer.
    port : int
        Its port.

    Returns
    -------
    str
        Such as ``http://127.0.0.1:8000/``.
    """
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
