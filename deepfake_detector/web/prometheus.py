"""What the server did, in numbers for Prometheus, at /metrics.

Every label has a closed set of values, so that no visitor can make the numbers grow;
those of stages, verdicts and refusals are there from the start, so that the first of
them is seen as a rise.
"""

import os
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, cast

import prometheus_client
from flask import Flask, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from werkzeug.exceptions import NotFound

from deepfake_detector.config import ServeConfig
from deepfake_detector.stage_times import STAGES, StageTimes
from deepfake_detector.verdict import Verdict
from deepfake_detector.web import metric_files, request_labels
from deepfake_detector.web.refusals import REASONS, reason_of

_EXTENSION_KEY: Final = "deepfake_detector.metrics"

#: Upper bounds in seconds.
_REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_STAGE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

#: Headers by which a proxy says that it asks for somebody else.
_PROXY_HEADERS: Final = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")

_Network = IPv4Network | IPv6Network


class Metrics:
    """The numbers of one application; safe to change from many threads.

    Attributes
    ----------
    in_hand : Gauge
        Requests with pictures that wait or are judged: call its `inc` when one is taken
        in, and its `dec` when it is answered.
    """

    def __init__(self) -> None:
        # The time of creation, as a number of its own beside each: nobody needs it.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "deepfake_requests_total",
            "Requests answered.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "deepfake_request_seconds",
            "Seconds from a request's headers to its answer, health checks left out.",
            ("route",),
            buckets=_REQUEST_BUCKETS,
            registry=self._registry,
        )
        stage_seconds = Histogram(
            "deepfake_stage_seconds",
            "Seconds that a stage of one picture took.",
            ("stage",),
            buckets=_STAGE_BUCKETS,
            registry=self._registry,
        )
        verdicts = Counter(
            "deepfake_verdicts_total",
            "Pictures judged, by verdict.",
            ("verdict",),
            registry=self._registry,
        )
        refusals = Counter(
            "deepfake_refusals_total",
            "Requests and pictures refused, by reason.",
            ("reason",),
            registry=self._registry,
        )
        self.in_hand = Gauge(
            "deepfake_in_hand",
            "Requests with pictures that wait or are judged now.",
            registry=self._registry,
            # The sum over the workers that live.
            multiprocess_mode="livesum",
        )
        self._stages = {stage: stage_seconds.labels(stage) for stage in STAGES}
        self._verdicts = {v: verdicts.labels(str(v)) for v in Verdict}
        self._refusals = {reason: refusals.labels(reason) for reason in REASONS}

    def count_answer(self, status: int) -> None:
        """Count the current request as answered.

        Parameters
        ----------
        status : int
            The HTTP status of the answer.
        """
        route = request_labels.route()
        self._requests.labels(route, request_labels.method(), str(status)).inc()
        if not request_labels.is_probe():
            self._request_seconds.labels(route).observe(request_labels.seconds())

    def count_picture(self, verdict: Verdict) -> None:
        """Count a picture that was judged.

        Parameters
        ----------
        verdict : Verdict
            What was said of it.
        """
        self._verdicts[verdict].inc()

    def count_stages(self, times: StageTimes) -> None:
        """Take down how long the stages of a picture took.

        Parameters
        ----------
        times : StageTimes
            Seconds by stage; those that never began are missing.
        """
        for stage, seconds in times.seconds.items():
            self._stages[stage].observe(seconds)

    def count_refusal(self, error: Exception) -> None:
        """Count a request or a picture that was refused.

        Parameters
        ----------
        error : Exception
            Why.
        """
        reason = reason_of(error)
        if reason is not None:
            self._refusals[reason].inc()

    def text(self) -> bytes:
        """Return all numbers in Prometheus's text format.

        Returns
        -------
        bytes
            The numbers of all workers, or of this process where it is the only one.
        """
        if metric_files.VARIABLE not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def register(app: Flask, config: ServeConfig) -> None:
    """Count the application's answers, and tell the numbers at /metrics.

    Parameters
    ----------
    app : Flask
        The application.
    config : ServeConfig
        Says who may read them.
    """
    metrics = app.extensions[_EXTENSION_KEY] = Metrics()
    networks = [ip_network(entry) for entry in config.metrics_addresses]

    def count(response: Response) -> Response:
        metrics.count_answer(response.status_code)
        return response

    def show() -> Response:
        if _behind_unknown_proxy(config) or not _is_among(networks):
            raise NotFound
        return Response(metrics.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    app.after_request(count)
    app.add_url_rule("/metrics", "metrics", show)


def current_metrics() -> Metrics:
    """Return the numbers of the application that answers the current request.

    Returns
    -------
    Metrics
        The ones that :func:`register` made.
    """
    return cast(Metrics, current_app.extensions[_EXTENSION_KEY])


def _behind_unknown_proxy(config: ServeConfig) -> bool:
    """Whether the address is a proxy's, and the visitor's is not known."""
    came = any(name in request.headers for name in _PROXY_HEADERS)
    return came and not config.trusted_proxies


def _is_among(networks: Sequence[_Network]) -> bool:
    """Whether the visitor's address is in one of the networks."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:  # a socket file has no address
        return False
    forms = [address]
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        forms.append(address.ipv4_mapped)
    return any(form in network for form in forms for network in networks)
