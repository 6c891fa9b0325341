from typing import Any

import numpy as np

from deepfake_detector.html_report import Cell, Page, Section, render_page
from deepfake_detector.inspection_page import InspectedPictures, inspection_page

LABELS = np.array([0, 0, 1, 1])


def leak_row(name: str, auc: float | None, verdict: str) -> dict[str, Any]:
    return {
        "name": name,
        "signal": name.replace("_", " "),
        "of": "picture",
        "auc": auc,
        "auc_interval": None if auc is None else [auc - 0.02, auc + 0.02],
        "auc_by_split": {"train": auc, "val": None},
        "direction": None if auc is None else "larger in fakes",
        "median_real": None if auc is None else 12.3456,
        "median_fake": None if auc is None else 1234.5,
        "pictures": 0 if auc is None else 4,
        "verdict": verdict,
    }


def facts(**changes: Any) -> dict[str, Any]:
    report = {
        "data": "set.zip",
        "dataset": "folder",
        "data_sha256": "ab" * 32,
        "comes_split": True,
        "seed": 42,
        "pictures": {"train": {"Real": 2, "Fake": 1}, "val": {"Real": 0, "Fake": 1}},
        "unreadable": [],
        "sizes": {"40x40": {"Real": 2, "Fake": 2}},
        "encodings": {"PNG RGB": {"Real": 2}, "JPEG RGB 4:2:0": {"Fake": 2}},
        "jpeg_qualities": {},
        "face_found": {"Real": 1.0, "Fake": 0.5},
        "leak_report": [
            leak_row("brightness", 0.55, "no leak"),
            leak_row("sharpness", 0.7, "leak"),
            leak_row("face_width", 0.91, "leak"),
        ],
        "duplicates": {"exact": [], "near": []},
    }
    report["encodings"]["PNG RGB"]["Fake"] = 0  # type: ignore[index]
    report["encodings"]["JPEG RGB 4:2:0"]["Real"] = 0  # type: ignore[index]
    return report | changes


def seen() -> InspectedPictures:
    crop = np.full((8, 8, 3), 90, dtype=np.uint8)
    return InspectedPictures(
        LABELS,
        {"brightness": np.arange(4.0), "face_width": np.full(4, np.nan)},
        {"whole": {"Real": [crop, crop], "Fake": [crop]}},
        {"whole": {"Real": crop, "Fake": crop}},
    )


def section(page: Page, heading: str) -> Section:
    (found,) = [section for section in page.sections if section.heading == heading]
    return found


def values(row: tuple[Any, ...]) -> list[Any]:
    return [value.value if isinstance(value, Cell) else value for value in row]


def test_lead_names_the_worst_leaks_first() -> None:
    page = inspection_page(facts(), seen())
    assert page.title == "set.zip, looked at before training"
    assert page.lead.startswith("2 of 3 trivial signals tell fakes from reals")
    assert page.lead.index("face width of the picture 0.91") < page.lead.index(
        "sharpness of the picture 0.70"
    )


def test_lead_of_a_clean_set_says_so() -> None:
    rows = [leak_row("brightness", 0.55, "no leak")]
    page = inspection_page(facts(leak_report=rows), seen())
    assert page.lead == "No trivial signal alone tells fakes from reals."


def test_leaks_stand_in_a_table_with_their_verdict() -> None:
    (table,) = section(inspection_page(facts(), seen()), "Leaks").tables
    row = table.rows[2]
    assert values(row) == [
        *("face width", "picture", "0.910 [0.890, 0.930]", "larger in fakes", "leak"),
        *(0.91, None, "12.3", "1.23e+03", 4),
    ]
    assert [cell.tone for cell in table.cells[2] if cell.tone] == ["bad"]
    assert [cell.tone for cell in table.cells[0] if cell.tone] == ["good"]


def test_signal_that_was_not_measured_is_said_and_not_drawn() -> None:
    rows = [leak_row("brightness", 0.55, "no leak")]
    rows.append(leak_row("face_width", None, "not measured"))
    leaks = section(inspection_page(facts(leak_report=rows), seen()), "Leaks")
    assert leaks.text == (
        "No face was found in any picture, so face width is not measured.",
    )
    (axes,) = leaks.figures[0].figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "brightness (picture)"
    ]


def test_made_splits_name_their_seed() -> None:
    page = inspection_page(facts(comes_split=False), seen())
    assert "these are made with seed 42" in section(page, "Pictures").text[0]


def test_files_are_listed_by_frequency_and_the_rest_counted() -> None:
    sizes = {f"{n}x{n}": {"Real": 1, "Fake": 1} for n in range(1, 26)}
    files = section(inspection_page(facts(sizes=sizes), seen()), "Files")
    assert len(files.tables[0].rows) == 20
    assert files.tables[0].caption == "The most frequent; 5 more are left out."
    assert files.tables[2].rows == ()


def group(*names: str, split: bool = False, label: bool = False) -> dict[str, Any]:
    return {
        "pictures": list(names),
        "crosses_split": split,
        "crosses_class": label,
    }


def test_duplicates_that_do_harm_come_first() -> None:
    found = {
        "exact": [group(f"{n}.png", f"{n}b.png") for n in range(25)],
        "near": [group("x.png", "y.png", split=True), group("p", "q", "r", label=True)],
    }
    page = inspection_page(facts(duplicates=found), seen())
    (table,) = section(page, "Duplicates").tables
    assert [values(row) for row in table.rows[:2]] == [
        ["near", "x.png, y.png", "yes", "no"],
        ["near", "p, q, r", "no", "yes"],
    ]
    assert len(table.rows) == 20
    assert table.caption == "7 more groups stand in the JSON."


def test_unreadable_files_are_listed_with_their_reason() -> None:
    bad = [{"name": f"{n}.jpg", "reason": "damaged"} for n in range(21)]
    page = inspection_page(facts(unreadable=bad), seen())
    (table,) = section(page, "Unreadable files").tables
    assert table.rows[0] == ("0.jpg", "damaged")
    assert table.caption == "1 more stand in the JSON."


def test_clean_set_says_that_nothing_was_found() -> None:
    page = inspection_page(facts(), seen())
    assert section(page, "Unreadable files").text == ("None.",)
    assert section(page, "Duplicates").text == ("None were found, exact or near.",)


def test_names_of_files_stay_text() -> None:
    names = ["<script>alert(1)</script>", "{{ 7 * 7 }}", '"><b>']
    report = facts(
        data=" ".join(names),
        unreadable=[{"name": name, "reason": name} for name in names],
        duplicates={"exact": [group(*names, split=True)], "near": []},
    )
    html = render_page(inspection_page(report, seen()))
    assert "<script" not in html and "<b>" not in html
    assert html.count("&lt;script&gt;") == html.count("{{ 7 * 7 }}") == 5


def test_page_warns_of_passing_it_on() -> None:
    assert "Do not publish it" in inspection_page(facts(), seen()).notice
