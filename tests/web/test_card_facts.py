"""What the about page reads from a card, whole or nearly empty."""

from typing import Any

import pytest

from deepfake_detector.artifact import Artifact, ModelCard
from deepfake_detector.config import ServeConfig
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.web.card_facts import (
    answers_of,
    inconclusive_share,
    measured_sets,
    training_sets,
)


def card(**fields: Any) -> ModelCard:
    return ModelCard("test model", "none", (16, 16, 3), CROP_RULES["face"], **fields)


def report(auc: float | None = 0.9, **fields: Any) -> dict[str, Any]:
    return {"pictures": 10, "auc": auc, **fields}


def test_all_sets_together_come_last() -> None:
    metrics = {"test": {"pooled": report(0.8), "a": report(0.7), "b": report(0.9)}}
    rows = measured_sets(card(metrics=metrics))
    assert [row["name"] for row in rows] == ["a", "b", "pooled"]
    assert [row["pooled"] for row in rows] == [False, False, True]


@pytest.mark.parametrize(
    "metrics",
    [{}, {"val": {"a": report()}}, {"test": {}}, {"test": {"a": report(None)}}],
)
def test_card_without_figures_of_the_test_split_gives_none(
    metrics: dict[str, Any],
) -> None:
    assert measured_sets(card(metrics=metrics)) == []


def test_answers_are_those_after_the_stability_check() -> None:
    counts = {"reals_called_fake": {"count": 1, "of": 5, "share": 0.2}}
    fewer = {"reals_called_fake": {"count": 0, "of": 5, "share": 0.0}}
    both = answers_of(report(cut_offs=counts, stability=fewer))
    assert both == {"checked": True, **fewer}
    assert answers_of(report(cut_offs=counts)) == {"checked": False, **counts}
    assert answers_of(report()) is None


def test_training_sets_of_a_card_that_does_not_say() -> None:
    assert training_sets(card()) == []
    (data,) = training_sets(card(provenance={"data": {"a": {}}}))
    assert data["name"] == "a"
    assert data["pictures"] is None


def test_card_that_ships_has_every_figure_of_the_page() -> None:
    shipped = Artifact.load(ServeConfig().model_dir).card
    *_, pooled = measured_sets(shipped)
    assert pooled["pooled"]
    assert pooled["thumbnail_auc"] < pooled["auc"]
    assert pooled["answers"]["reals_called_fake"]["of"] > 0
    assert all(data["fake_kind"] for data in training_sets(shipped))


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({}, None),
        ({"pooled": report()}, None),
        ({"a": report(cut_offs={"reals_called_fake": {}})}, None),
        (
            {
                "pooled": report(
                    cut_offs={"reals_called_fake": {}, "inconclusive": {"share": 0.6}}
                )
            },
            0.6,
        ),
    ],
)
def test_share_of_inconclusive_answers_is_that_of_all_sets(
    sets: dict[str, Any], expected: float | None
) -> None:
    assert inconclusive_share(card(metrics={"test": sets})) == expected
