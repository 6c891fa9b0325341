"""The card as a page: every figure is the card's, and what is missing is said."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from deepfake_detector.artifact import ModelCard
from deepfake_detector.cut_off_report import cut_off_report, share_report
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.evaluation import evaluate_scores
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.model_card_page import (
    figures_table,
    model_card_page,
    training_cpu_hours,
)

CUT_OFFS = CutOffs(0.3, 0.8, false_alarms=0.01, hits=0.5)


def report(seed: int, count: int = 120) -> dict[str, Any]:
    """All that `evaluate --into-card` says of a set."""
    rng = np.random.default_rng(seed)
    y_true = np.arange(count) % 2
    p_fake = np.clip(0.35 * y_true + rng.uniform(0, 0.65, count), 0, 1)
    answers = cut_off_report(y_true, p_fake, CUT_OFFS)
    metrics = evaluate_scores(y_true, p_fake)
    part = {
        "pictures": 80,
        "real": 40,
        "fake": 40,
        "accuracy": 0.75,
        "accuracy_interval": [0.64, 0.84],
        "auc": 0.61 + seed / 100,
        "auc_interval": [0.5, 0.7],
        "thumbnail_baseline_auc": 0.52,
    }
    one_class = part | {"real": 0, "auc": None, "auc_interval": None}
    row = {"auc": 0.9, "auc_drop": 0.0, "auc_drop_interval": [0.0, 0.0]}
    drop = {"auc": 0.8, "auc_drop": 0.1234, "auc_drop_interval": [0.05, 0.2]}
    return metrics | {
        "cut_offs": answers,
        "stability": {"overturned": share_report(3, 100), **answers},
        "thumbnail_baseline_auc": 0.6,
        "thumbnail_baseline": {"auc": 0.6, "eer": 0.41},
        "slices": {
            "face size": {
                "64 to 127 px": part,
                "few | px": part | {"real": 3},
                "512 px and more": one_class,
            }
        },
        "robustness": {"clean": row, "jpeg_50": drop, "resize_0.5": row},
        "deletion_test": {
            "method": "cam",
            "crops": 64,
            "drop_important": 2.5,
            "drop_random": 1.0,
            "difference": 1.5,
            "difference_interval": [1.2, 1.8],
            "passed": True,
        },
    }


@pytest.fixture(scope="module")
def card() -> ModelCard:
    data = {
        "sha256": "ab" * 32,
        "fake_kind": "face swap",
        "licence": "research",
        "citation": "Someone, 2020",
        "pictures": {"train": 1000, "val": 100, "test": 120},
        "face_found_share": {"Real": 0.9, "Fake": 0.8},
    }
    pooled = report(3) | {"ece_sources_equal": 0.02}
    pooled["ece_sources_equal_chance_95"] = 0.01
    return ModelCard(
        "mine",
        "compact",
        (128, 128, 3),
        CROP_RULES["face"],
        cut_offs=CUT_OFFS,
        metrics={
            "val": {"swaps": report(0)},
            "test": {"swaps": report(1), "others": report(2), "pooled": pooled},
        },
        provenance={
            "sessions": [
                {
                    "started": "2026-11-21T02:07:37+00:00",
                    "git_commit": "abc",
                    "minutes": 60.0,
                    "cpu_minutes": 90.0,
                    "processor": "Some CPU",
                    "cores": 2,
                }
            ],
            "config": {"preset": "default", "self_blended": 0.25, "dataset": ["swaps"]},
            "best_epoch": 7,
            "data": {"swaps": data},
            "evaluations": {"test": {"git_commit": "def", "versions": {"numpy": "2"}}},
        },
        licence_note="Trained on pictures under these terms.",
        leave_one_out=[
            {
                "held_out": "swaps",
                "seeds": 2,
                "epochs": 8,
                "augmentation": "strong",
                "auc": {"mean": 0.7, "spread": 0.01, "interval": [0.6, 0.8]},
                "thumbnail_baseline_auc": None,
            }
        ],
        export_check={
            "val": {
                "swaps": {
                    "pictures": 100,
                    "p_fake_difference": 0.0071,
                    "auc_difference": 0.0002,
                }
            }
        },
    )


@pytest.fixture(scope="module")
def page(card: ModelCard) -> str:
    return model_card_page(card)


def section(page: str, heading: str) -> str:
    return page.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_page_says_what_it_is_not_for(page: str) -> None:
    assert "Not for decisions about people on its own" in page


def test_every_metric_of_every_set_stands_beside_the_baseline(
    card: ModelCard, page: str
) -> None:
    last = section(page, "Every figure")
    for split, sets in card.metrics.items():
        for name, of in sets.items():
            table = last.split(f"### {name}, {split}: 60 real, 60 fake")[1]
            table = table.split("###")[0]
            shown = [line for line in table.splitlines() if line.startswith("| ")][1:]
            assert len(shown) == 16
            low, high = of["eer_interval"]
            row = f"| equal error rate | {of['eer']:.3f} [{low:.3f}, {high:.3f}] | "
            assert f"{row}0.410 |" in table


def test_calibration_stands_beside_chance(card: ModelCard, page: str) -> None:
    text = section(page, "Calibration")
    of = card.metrics["test"]["swaps"]
    low, high = of["ece_interval"]
    more = "yes" if of["ece"] > of["ece_chance_95"] else "no"
    assert (
        f"| swaps, test | {of['ece']:.3f} [{low:.3f}, {high:.3f}] "
        f"| {of['ece_chance_95']:.3f} | {more} |"
    ) in text
    assert "| pooled, each set the same, test | 0.020 | 0.010 | yes |" in text


def test_answers_at_the_cut_offs_have_exact_intervals(
    card: ModelCard, page: str
) -> None:
    text = section(page, "The two cut-offs")
    assert "Below 0.300" in text
    assert "at most 1 % of real faces called fake, at most 5 %" in " ".join(
        text.split()
    )
    alarms = card.metrics["test"]["swaps"]["cut_offs"]["reals_called_fake"]
    low, high = (100 * end for end in alarms["interval"])
    assert f"[{low:.1f}, {high:.1f}] ({alarms['count']} of 60)" in text


def test_cut_offs_that_were_not_fitted_are_called_so(card: ModelCard) -> None:
    plain = dataclasses.replace(card, cut_offs=CutOffs.around(0.5))
    assert "not fitted to anything" in " ".join(model_card_page(plain).split())


def test_stability_robustness_slices_and_heatmaps_are_told(page: str) -> None:
    assert "| swaps | 3.0 % [0.6, 8.5] (3 of 100) |" in section(page, "Stability")
    robustness = section(page, "Re-encoded, resized and recoloured pictures")
    assert "| jpeg_50 | 0.800, 0.123 [0.050, 0.200] |" in robustness
    assert "| clean | 0.900 | 0.900 | 0.900 |" in robustness
    assert "swaps, by face size:" in page
    assert (
        "| 64 to 127 px | 40 | 40 | 0.750 [0.640, 0.840] "
        "| 0.620 [0.500, 0.700] | 0.520 |"
    ) in page
    looked = section(page, "Where it looked")
    assert "| swaps | cam | 64 | 2.500 | 1.000 | 1.500 [1.200, 1.800] | passed" in (
        looked
    )


def test_weakest_are_the_lowest_with_enough_pictures(page: str) -> None:
    weak = [
        line
        for line in section(page, "Where it is weakest").splitlines()
        if line.startswith("- ")
    ]
    assert weak[0].startswith("- swaps, face size 64 to 127 px: AUC 0.620")
    assert any("swaps after `jpeg_50`: AUC falls by 0.123" in line for line in weak)
    assert not any("few" in line or "pooled" in line for line in weak)
    assert any("of the reals are called likely fake" in line for line in weak)


def test_what_it_never_saw_follows_from_what_it_saw(card: ModelCard, page: str) -> None:
    assert "- fakes by face swap" not in page
    assert "- fakes by entire-face synthesis" in page
    assert "- fakes by splice made by hand: it saw blends" in page
    assert "diffusion" in page
    plain = dataclasses.replace(card, provenance={**card.provenance, "config": {}})
    assert "- fakes by splice\n" in model_card_page(plain)


def test_training_is_told_with_its_cost(page: str) -> None:
    made = section(page, "How it was made")
    assert "python train.py --preset default" in made
    assert "1.5 CPU-hours (hours of one core) in 1 session." in " ".join(made.split())
    assert "| 1 | 2026-11-21 02:07 | 60.0 | 90.0 | Some CPU | 2 | `abc` |" in made
    assert "`test` was scored by commit `def`, numpy 2." in made


def test_self_blending_is_told_as_it_is_done(page: str) -> None:
    words = " ".join(page.split())
    assert "In the place of 25 % of the fakes, training showed a real picture" in words


def test_optional_parts_are_shown_where_the_card_has_them(
    card: ModelCard, page: str
) -> None:
    assert "| swaps | 0.700 ± 0.010 [0.600, 0.800] |" in section(
        page, "On fakes it was never shown"
    )
    assert "| swaps, val | 100 | 0.007100 | 0.000200 |" in page
    without = dataclasses.replace(card, leave_one_out=[], export_check={})
    text = model_card_page(without)
    assert "Not measured for this recipe" in text
    assert "The file that ships" not in text


def test_cards_text_cannot_end_a_table(page: str) -> None:
    assert "few \\| px" in page


def test_card_that_holds_next_to_nothing_has_a_page() -> None:
    bare = ModelCard("bare", "compact", (32, 32, 3), CROP_RULES["whole"])
    page = model_card_page(bare)
    assert page.count("Not measured yet.") == 4
    assert "Not checked yet." in page
    assert "CPU-hours were not recorded" in page
    assert page.endswith("\n")
    assert "\n\n\n" not in page
    assert "None" not in page.replace("None of the pictures", "")


def test_page_survives_the_card_going_through_json(card: ModelCard, page: str) -> None:
    again = ModelCard.from_dict(json.loads(json.dumps(card.to_dict())))
    assert model_card_page(again) == page


def test_figures_are_a_row_a_split_of_a_set(card: ModelCard) -> None:
    lines = figures_table(card.metrics).splitlines()
    assert [line.split(" |")[0] for line in lines[2:]] == [
        "| swaps, val",
        "| swaps, test",
        "| others, test",
        "| pooled, test",
    ]


@pytest.mark.parametrize(
    ("sessions", "hours"),
    [
        ([], None),
        ([{"cpu_minutes": 30.0}, {"cpu_minutes": 90.0}], (2.0, True)),
        ([{"cpu_minutes": 60.0}, {"minutes": 30.0, "cores": 4}], (3.0, False)),
        ([{"cpu_minutes": 60.0}, {"minutes": 30.0}], None),
        ([{}], None),
    ],
)
def test_cpu_hours_are_summed_where_all_are_known(
    sessions: list[dict[str, float]], hours: tuple[float, bool] | None
) -> None:
    assert training_cpu_hours({"sessions": sessions}) == hours
