"""Which requests are work: those with pictures to judge."""

from typing import Final

from flask import request

#: Endpoints that judge what is sent to them.
JUDGING_ENDPOINTS: Final = ("page.judge", "api.predict")


def asks_for_judging() -> bool:
    """Say whether the current request has pictures to judge.

    Returns
    -------
    bool
        True for the form and the API's pictures; what is left is cheap.
    """
    return request.method == "POST" and request.endpoint in JUDGING_ENDPOINTS
