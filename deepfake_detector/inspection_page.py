"""Facts of a dataset -> the page that shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import plots
from deepfake_detector.html_report import Cell, Drawing, Page, Section, Table, Tone
from deepfake_detector.labels import CLASS_NAMES
from deepfake_detector.leak_report import (
    CLEAR,
    FEWEST,
    LEAK,
    LEAK_AUC,
    TOO_FEW,
    UNCLEAR,
    UNKNOWN,
    auc_text,
)

#: Lines that a table shows before it says how many more there are.
_MOST_LINES: Final = 20

_NOTICE: Final = (
    "This page shows pictures of the data set. Do not publish it: the licences of most "
    "face sets forbid passing their pictures on."
)

_TONES: Final[dict[str, Tone]] = {
    LEAK: "bad",
    UNCLEAR: "open",
    TOO_FEW: "open",
    CLEAR: "good",
    UNKNOWN: "open",
}

_TITLES: Final = {"whole": "whole picture", "face": "face crop"}

#: Numbers whose distributions are drawn, with their titles.
_HISTOGRAMS: Final = {
    "face_width": "Face width over picture width",
    "face_px": "Face size before resizing, pixels",
    "source_size": "Picture size (root of the area), pixels",
    "bytes_per_pixel": "File size per pixel, bytes",
    "jpeg_quality": "JPEG quality, estimated",
    "brightness": "Brightness of the picture",
    "sharpness": "Sharpness of the picture",
    "face_brightness": "Brightness of the face crop",
    "face_sharpness": "Sharpness of the face crop",
}

_HOW: Final = (
    "AUC is the chance that a fake drawn at random lies above a real one in this "
    "signal alone, turned round where fakes lie lower. 0.5 says nothing, 1 everything. "
    f"Above {LEAK_AUC:g} the signal is called a leak, or `perhaps` one where the 95 % "
    "interval (1,000 bootstraps, each class on its own) holds 0.5. Nothing is called a "
    f"leak on fewer than {FEWEST} pictures of a class.",
    "The thumbnail is a ridge regression on 16x16 grey levels and, like the encoding, "
    "is fitted on train and scored on the other splits; all else is one number a "
    "picture, over all splits. A network that is no better than the thumbnail of the "
    "same crops has learned the framing.",
    "What leaks in whole pictures and not in face crops is kept from a network by "
    "training on face crops (--crop face). The size that faces came in stays in their "
    "sharpness; augmentation that scales down and up again (--augmentation robust) "
    "works against that.",
    "Sharpness is the variance of the Laplacian of a grey copy, 256 pixels on its "
    "longer side (a face crop: as cropped). JPEG quality is the setting of the IJG's "
    "library whose luminance table is nearest to the file's. A face crop is the one "
    "that training makes; where no face was found, it is the picture's centre.",
)


@dataclass(frozen=True)
class InspectedPictures:
    """What the page draws.

    Parameters
    ----------
    y_true : ndarray of shape (n,), int
        Labels of the pictures that could be read.
    values : dict of str to ndarray of shape (n,)
        Numbers of each picture by name.
    samples : dict of str to dict of str to list of ndarray of shape (h, w, 3)
        Some crops, by crop rule and class name.
    averages : dict of str to dict of str to ndarray of shape (h, w, 3)
        The mean crop, by crop rule and class name.
    """

    y_true: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]
    samples: dict[str, dict[str, list[NDArray[np.uint8]]]]
    averages: dict[str, dict[str, NDArray[np.uint8]]]


def inspection_page(report: Mapping[str, Any], pictures: InspectedPictures) -> Page:
    """Lay out what was found in a dataset.

    Parameters
    ----------
    report : mapping
        Facts, as `inspection.inspect_dataset` reports them.
    pictures : InspectedPictures
        What is drawn.

    Returns
    -------
    Page
        Leaks first, then counts, samples, distributions, duplicates and damage.
    """
    return Page(
        title=f"{report['data']}, looked at before training",
        lead=_lead(report["leak_report"]),
        notice=_NOTICE,
        sections=(
            _leak_section(report["leak_report"]),
            _count_section(report),
            _average_section(pictures),
            _sample_section(pictures),
            _file_section(report),
            _signal_section(pictures),
            _duplicate_section(report["duplicates"]),
            _unreadable_section(report["unreadable"]),
            Section("How it is measured", _HOW),
        ),
    )


def _lead(rows: Sequence[Mapping[str, Any]]) -> str:
    leaks = sorted(
        (row for row in rows if row["verdict"] == LEAK), key=lambda row: -row["auc"]
    )
    if not leaks:
        return "No trivial signal alone tells fakes from reals."
    worst = "; ".join(
        f"{row['signal']} of the {row['of']} {row['auc']:.2f}" for row in leaks[:4]
    )
    return (
        f"{len(leaks)} of {len(rows)} trivial signals tell fakes from reals without "
        f"looking at a face. The worst, by AUC: {worst}."
    )


def _leak_section(rows: Sequence[Mapping[str, Any]]) -> Section:
    splits = list(dict.fromkeys(split for row in rows for split in row["auc_by_split"]))
    columns = (
        "signal",
        "of",
        "AUC [95 %]",
        "",
        "verdict",
        *splits,
        "real",
        "fake",
        "n",
    )
    lines = tuple(
        (
            row["signal"],
            row["of"],
            auc_text(row),
            row["direction"] or "",
            Cell(row["verdict"], _TONES[row["verdict"]]),
            *(row["auc_by_split"].get(split) for split in splits),
            _rounded(row.get("median_real")),
            _rounded(row.get("median_fake")),
            row["pictures"],
        )
        for row in rows
    )
    caption = (
        "AUC of each signal alone, in all and split by split; medians of reals and of "
        "fakes; pictures that have the number."
    )
    measured = [row for row in rows if row["auc"] is not None]
    return Section(
        "Leaks",
        _no_face(rows),
        (Table(columns, lines, caption),),
        (Drawing(plots.signal_aucs(measured, LEAK_AUC), "The same, drawn."),),
    )


def _rounded(value: float | None) -> str | None:
    """Three significant figures: medians of different signals differ by magnitudes."""
    return None if value is None else f"{value:.3g}"


def _no_face(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Words for a set in which no face was found."""
    widths = [
        row["pictures"] for row in rows if row["name"] in ("face_width", "face_px")
    ]
    if not widths or any(widths):
        return ()
    return ("No face was found in any picture, so face width is not measured.",)


def _count_section(report: Mapping[str, Any]) -> Section:
    counts = report["pictures"]
    rows = tuple(
        (split, *(count[name] for name in CLASS_NAMES), sum(count.values()))
        for split, count in counts.items()
    )
    made = (
        "The set comes split."
        if report["comes_split"]
        else (
            f"The set comes without splits; these are made with seed {report['seed']}."
        )
    )
    found = ", ".join(f"{n} {share:.3f}" for n, share in report["face_found"].items())
    return Section(
        "Pictures",
        (
            made,
            f"Share of pictures with a found face: {found}.",
            f"Data SHA-256: {report['data_sha256']}",
        ),
        (Table(("split", *CLASS_NAMES, "all"), rows),),
        (Drawing(plots.class_counts(counts, "Pictures"), "Pictures of each class."),),
    )


def _average_section(pictures: InspectedPictures) -> Section:
    drawings = tuple(
        Drawing(
            plots.picture_grid(
                np.stack([by_class[name] for name in CLASS_NAMES]),
                f"{' | '.join(CLASS_NAMES)}, {_TITLES[rule]}",
                inches=1.8,
            ),
            f"The mean {_TITLES[rule]} of all reals and of all fakes.",
        )
        for rule, by_class in pictures.averages.items()
    )
    text = "Where the two differ in framing or light, a thumbnail is enough to tell."
    return Section("The average of each class", (text,), (), drawings)


def _sample_section(pictures: InspectedPictures) -> Section:
    drawings = tuple(
        Drawing(
            plots.picture_grid(np.stack(crops), f"{name}, {_TITLES[rule]}"),
            f"{len(crops)} pictures of class {name} drawn at random, {_TITLES[rule]}.",
        )
        for rule, by_class in pictures.samples.items()
        for name, crops in by_class.items()
        if crops
    )
    return Section("Samples", (), (), drawings)


def _file_section(report: Mapping[str, Any]) -> Section:
    tables, drawings = [], []
    for key, heading in (
        ("sizes", "size"),
        ("encodings", "encoding"),
        ("jpeg_qualities", "JPEG quality"),
    ):
        counts = report[key]
        first = dict(list(counts.items())[:_MOST_LINES])
        rows = tuple((v, *(c[name] for name in CLASS_NAMES)) for v, c in first.items())
        rest = len(counts) - len(first)
        caption = f"The most frequent; {rest} more are left out." if rest else ""
        tables.append(Table((heading, *CLASS_NAMES), rows, caption))
        if len(counts) > 1:
            shown = dict(list(first.items())[:10])
            figure = plots.class_counts(shown, heading)
            drawings.append(Drawing(figure, f"Pictures by {heading}, most frequent."))
    return Section("Files", (), tuple(tables), tuple(drawings))


def _signal_section(pictures: InspectedPictures) -> Section:
    drawings = tuple(
        Drawing(
            plots.class_histogram(pictures.values[name], pictures.y_true, title),
            f"{title}, share of each class.",
        )
        for name, title in _HISTOGRAMS.items()
        if name in pictures.values and np.isfinite(pictures.values[name]).any()
    )
    return Section("Signals", (), (), drawings)


def _duplicate_section(duplicates: Mapping[str, Any]) -> Section:
    groups = [(kind, group) for kind in ("exact", "near") for group in duplicates[kind]]
    # Those that do harm come first.
    groups.sort(key=lambda g: -(g[1]["crosses_split"] + g[1]["crosses_class"]))
    rows = [
        (
            kind,
            ", ".join(group["pictures"]),
            _crossing(group["crosses_split"]),
            _crossing(group["crosses_class"]),
        )
        for kind, group in groups
    ]
    text = (
        f"{len(duplicates['exact'])} groups of equal files and "
        f"{len(duplicates['near'])} groups of pictures that look the same. A group "
        "that crosses splits lets a network be tested on what it was trained on; "
        "training moves it into one split. One that crosses classes holds a wrong "
        "label, or a fake beside the very picture that it was made from."
    )
    if not rows:
        return Section("Duplicates", ("None were found, exact or near.",))
    rest = len(rows) - _MOST_LINES
    caption = f"{rest} more groups stand in the JSON." if rest > 0 else ""
    columns = ("kind", "pictures", "crosses splits", "crosses classes")
    return Section(
        "Duplicates", (text,), (Table(columns, tuple(rows[:_MOST_LINES]), caption),)
    )


def _crossing(crosses: bool) -> Cell:
    return Cell("yes", "bad") if crosses else Cell("no")


def _unreadable_section(unreadable: Sequence[Mapping[str, str]]) -> Section:
    if not unreadable:
        return Section("Unreadable files", ("None.",))
    rest = len(unreadable) - _MOST_LINES
    caption = f"{rest} more stand in the JSON." if rest > 0 else ""
    rows = tuple((bad["name"], bad["reason"]) for bad in unreadable[:_MOST_LINES])
    table = Table(("file", "reason"), rows, caption)
    return Section("Unreadable files", (f"{len(unreadable)} files.",), (table,))
