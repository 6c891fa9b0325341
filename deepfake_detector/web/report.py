"""The answer as a file that a visitor can keep: made in the page, stored nowhere."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import g

from deepfake_detector.artifact import ModelCard
from deepfake_detector.web.answer_fields import answer_fields
from deepfake_detector.web.service import Judged, Refused


@dataclass(frozen=True)
class Report:
    """What was answered, when, and by which model.

    Parameters
    ----------
    created : datetime
        When the pictures were judged, UTC.
    request_id : str or None
        The request's name in the log.
    fields : dict
        JSON-ready: what the API answers to the same pictures, with when and by which
        files of the model.
    """

    created: datetime
    request_id: str | None
    fields: dict[str, Any]

    @classmethod
    def of(
        cls, answers: Sequence[Judged | Refused], card: ModelCard, explained: bool
    ) -> "Report":
        """Write down the answers to the current request.

        Parameters
        ----------
        answers : sequence of Judged or Refused
            One for each picture.
        card : ModelCard
            The model's.
        explained : bool
            Whether each face has a `heatmap`.

        Returns
        -------
        Report
            All that was answered.
        """
        created = datetime.now(UTC).replace(microsecond=0)
        request_id = g.get("request_id")
        about = {
            "created": created.isoformat(),
            "request_id": request_id,
            "model_files": card.files,
        }
        return cls(created, request_id, about | answer_fields(answers, explained))

    @property
    def when(self) -> str:
        """The time in words that every language reads: 2026-01-31 12:00 UTC."""
        return f"{self.created:%Y-%m-%d %H:%M} UTC"

    @property
    def uri(self) -> str:
        """The report as a ``data:`` address of a JSON file."""
        text = json.dumps(self.fields, indent=2, ensure_ascii=False)
        content = base64.b64encode(text.encode()).decode()
        return "data:application/json;base64," + content
