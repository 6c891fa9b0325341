"""The shapes of what the API takes and gives, as JSON Schema (2020-12) in Python.

Each choice and limit comes from the code that knows it. An object names all its fields:
one that is left out of here is found by tests/web/test_openapi.py.
"""

from typing import Any, Final

from deepfake_detector.config import ServeConfig
from deepfake_detector.credential_statements import SignatureState
from deepfake_detector.detector import MAX_FACES
from deepfake_detector.heatmap import MAX_GRID, METHODS, TITLE, UNIT
from deepfake_detector.images import FORMATS
from deepfake_detector.labels import CLASS_NAMES
from deepfake_detector.stability import CHECKS, PLAIN
from deepfake_detector.verdict import JUDGED, LABELS, Verdict
from deepfake_detector.web.judging_options import (
    ALL_FACES,
    FALSE_WORDS,
    FIELDS,
    TRUE_WORDS,
)
from deepfake_detector.web.model_summary import ANSWERS, DATA_FIELDS, FIGURES

Schema = dict[str, Any]

#: What a request id looks like.
REQUEST_ID_PATTERN: Final = "^[A-Za-z0-9-]{1,64}$"

#: Figures that have no upper bound of 1.
_UNBOUNDED: Final = ("log_loss",)

_SHA256_PATTERN: Final = "^[0-9a-f]{64}$"
_MOMENT_PATTERN: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$"


def schemas(config: ServeConfig) -> dict[str, Schema]:
    """Describe every shape that the API's description refers to.

    Parameters
    ----------
    config : ServeConfig
        The server's limits.

    Returns
    -------
    dict of str to dict
        JSON Schemas by name.
    """
    return {
        "PredictRequest": _predict_request(config),
        "Analysis": _analysis(),
        "Results": _results(config),
        "RefusedPicture": _object(
            "A picture of several that could not be judged.", problem=ref("Problem")
        ),
        "Face": _face(),
        "Verdict": _verdict("What was found of the picture.", tuple(Verdict)),
        "CutOffs": _cut_offs(),
        "Box": _box(),
        "Stability": _stability(),
        "Heatmap": _heatmap(),
        "Facts": _facts(),
        "Model": _model(),
        "MeasuredSet": _measured_set(),
        "Count": _count(),
        "Limits": _limits(),
        "Alive": _object("The process answers.", status=_const("alive", "One word.")),
        "Ready": _object(
            "A picture could be judged now.",
            status=_const("ready", "One word."),
            model=_string("Name of the model."),
        ),
        "NotReady": _object(
            "No picture could be judged now.",
            status=_const("not ready", "One word."),
            reason=_string("Why, in English."),
        ),
        "Problem": _problem(),
    }


def ref(name: str) -> Schema:
    """Point to a shape of :func:`schemas`.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    dict
        A reference.
    """
    return {"$ref": f"#/components/schemas/{name}"}


def _object(description: str, **fields: Any) -> Schema:
    """An object of exactly these fields."""
    return {
        "type": "object",
        "description": description,
        "required": [*fields],
        "properties": fields,
        "additionalProperties": False,
    }


def _without_need_of(schema: Schema, *names: str) -> Schema:
    """An object in which these fields may be missing."""
    required = [name for name in schema["required"] if name not in names]
    return schema | {"required": required}


def _map(description: str, values: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": values,
    }


def _list(description: str, items: Schema, **limits: Any) -> Schema:
    return {"type": "array", "description": description, "items": items, **limits}


def _string(description: str, **limits: Any) -> Schema:
    return {"type": "string", "description": description, **limits}


def _boolean(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _const(value: str, description: str) -> Schema:
    return {"type": "string", "description": description, "const": value}


def _number(description: str, **limits: Any) -> Schema:
    return {"type": "number", "description": description, **limits}


def _share(description: str) -> Schema:
    return _number(description, minimum=0, maximum=1)


def _whole(description: str, minimum: int = 0, **limits: Any) -> Schema:
    return {
        "type": "integer",
        "description": description,
        "minimum": minimum,
        **limits,
    }


def _or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


def _verdict(description: str, choices: tuple[Verdict, ...]) -> Schema:
    listed = "; ".join(f"{verdict}: {LABELS[verdict]}" for verdict in choices)
    return _string(
        f"{description} {listed}.", enum=[str(verdict) for verdict in choices]
    )


def _predict_request(config: ServeConfig) -> Schema:
    form = _object(
        "Pictures, and how they are judged. Fields of other names are refused.",
        file=_list(
            f"The picture; repeat the field for several. {_formats()}, at most "
            f"{config.max_upload_bytes:,} bytes each and {config.max_request_bytes:,} "
            f"together, at most {config.max_pixels:,} pixels each. The content decides "
            "the format; file names are not looked at.",
            {"type": "string", "format": "binary"},
            minItems=1,
            maxItems=config.max_files,
        ),
        threshold={
            "description": "P(fake) from 0 to 1 from which a face is likely fake, "
            "instead of the model's own cut-off; empty for that.",
            "oneOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "const": ""},
            ],
        },
        explain=_string(
            "Whether each face gets a heatmap of where the model looked: "
            f"{METHODS[0]} (or 1) reads it off the scoring, {METHODS[1]} covers one "
            "place after the other and is slower.",
            enum=list(dict.fromkeys((*TRUE_WORDS, *METHODS, *FALSE_WORDS))),
            default="0",
        ),
        faces={
            "description": "How many of the largest faces are judged, or "
            f"`{ALL_FACES}`, which means {MAX_FACES}.",
            "oneOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_FACES},
                {"type": "string", "enum": [ALL_FACES, ""]},
            ],
            "default": ALL_FACES,
        },
        whole_picture=_string(
            "Whether the whole picture is scored where no face is found; less reliable "
            "than a face that was found.",
            enum=[*TRUE_WORDS, *FALSE_WORDS],
            default="0",
        ),
    )
    return _without_need_of(form, *FIELDS)


def _formats() -> str:
    return f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"


def _results(config: ServeConfig) -> Schema:
    return _object(
        "The answers to several pictures.",
        results=_list(
            "One for each picture, in their order. One that cannot be judged does not "
            "stop the others.",
            {"oneOf": [ref("Analysis"), ref("RefusedPicture")]},
            minItems=2,
            maxItems=config.max_files,
        ),
    )


def _analysis() -> Schema:
    return _object(
        "What was found of one picture.",
        verdict=ref("Verdict"),
        p_fake=_or_null(
            _share(
                "Calibrated P(fake): the highest among the faces that have the "
                "picture's verdict, or among all judged ones where none has. Null "
                "where nothing could be judged."
            )
        ),
        cut_offs=ref("CutOffs"),
        whole_picture=_boolean(
            "Whether the whole picture was scored instead of a face."
        ),
        width=_whole("Width of the picture, upright, in pixels.", 1),
        height=_whole("Height of the picture, upright, in pixels.", 1),
        faces_found=_whole(
            "How many faces were found, also those beyond the ones that are listed."
        ),
        faces=_list("The faces, largest first.", ref("Face"), maxItems=MAX_FACES),
        words=_list(
            "How far the verdict can be trusted, in English sentences.",
            {"type": "string"},
        ),
        model=_string("Name of the model that answered."),
        facts=ref("Facts"),
    )


def _face() -> Schema:
    face = _object(
        "What was found of one face.",
        verdict=_verdict("What was found of the face.", (*JUDGED, Verdict.TOO_SMALL)),
        p_fake=_or_null(
            _share("Calibrated P(fake). Null where the face was not judged.")
        ),
        box=ref("Box"),
        stability=ref("Stability"),
        reason=_or_null(
            _string(
                "Why the face is called inconclusive in spite of its score, in "
                "English; else null."
            )
        ),
        heatmap=ref("Heatmap"),
    )
    return _without_need_of(face, "heatmap")


def _cut_offs() -> Schema:
    return _object(
        "What the scores were read by: below `likely_real` likely real, from "
        "`likely_fake` on likely fake, between them inconclusive.",
        likely_real=_share("P(fake) below which a face is likely real."),
        likely_fake=_share("P(fake) from which a face is likely fake."),
    )


def _box() -> Schema:
    return _object(
        "A rectangle in pixels of the upright picture; it may reach beyond its edges.",
        left=_number("Distance of its left edge from the picture's, pixels."),
        top=_number("Distance of its upper edge from the picture's, pixels."),
        width=_number("Pixels.", exclusiveMinimum=0),
        height=_number("Pixels.", exclusiveMinimum=0),
    )


def _stability() -> Schema:
    views = {
        name: _share("P(fake) of the face as it is.")
        if name == PLAIN
        else _share(f"P(fake) of the view `{name}`.")
        for name in (PLAIN, *CHECKS)
    }
    return _or_null(
        _object(
            "The scores of re-encoded views of the face: saved once more as JPEG, "
            "halved in size, cut out a little to the side. Null where the face was not "
            "judged, or the server does not check.",
            stable=_boolean("Whether no view overturns the verdict."),
            p_fake=_object("P(fake) by view.", **views),
            overturned_by=_list(
                "The views that speak for the other answer.",
                {"type": "string", "enum": list(CHECKS)},
                uniqueItems=True,
            ),
        )
    )


def _heatmap() -> Schema:
    return _or_null(
        _object(
            f"{TITLE}; there only where `explain` asked for it. Null where there is "
            "none: of faces that were not judged, of networks without a map, of those "
            "beyond the largest few with occlusion. It says what the model read, not "
            "which part was changed.",
            method=_string("How it was found.", enum=list(METHODS)),
            shows=_const(TITLE.lower(), "What it shows."),
            unit=_const(UNIT, "Unit of the values."),
            region=ref("Box"),
            evidence=_list(
                "Rows from the top: above 0 what speaks for Fake, below 0 for Real.",
                {
                    "type": "array",
                    "items": {"type": "number"},
                    "minItems": 1,
                    "maxItems": MAX_GRID,
                },
                minItems=1,
                maxItems=MAX_GRID,
            ),
        )
    )


def _facts() -> Schema:
    return _object(
        "What the file says of itself. It stands beside the score and never changes "
        "it: such entries are easily written by hand and easily removed.",
        format=_or_null(_string("Picture format, by the content: JPEG, PNG or WebP.")),
        width=_or_null(_whole("Width as stored, before any turning, in pixels.", 1)),
        height=_or_null(_whole("Height as stored, before any turning, in pixels.", 1)),
        file_bytes=_whole("Size of the file, in bytes.", 1),
        sha256=_string("SHA-256 of the file, in hex.", pattern=_SHA256_PATTERN),
        camera_make=_or_null(_string("Maker of the camera that EXIF names.")),
        camera_model=_or_null(_string("The camera that EXIF names.")),
        software=_or_null(_string("The program that EXIF names.")),
        creator_tool=_or_null(_string("The program that XMP names.")),
        taken=_or_null(
            _string(
                "When it was taken, by the camera's clock, without a time zone.",
                pattern=_MOMENT_PATTERN,
            )
        ),
        has_gps=_boolean("Whether EXIF holds coordinates; they themselves are left."),
        generators=_list(
            "Generators that entries speak of.", {"type": "string"}, uniqueItems=True
        ),
        entries=_list(
            "Entries of the kind that generators write.",
            _object(
                "An entry.",
                key=_string("Its keyword."),
                value=_string("Its text, shortened."),
                generator=_or_null(_string("The generator that writes such.")),
            ),
        ),
        digital_source_type=_or_null(
            _string("The IPTC term that XMP gives, such as `trainedAlgorithmicMedia`.")
        ),
        content_credentials=_content_credentials(),
        words=_list("All this in English sentences.", {"type": "string"}, minItems=1),
    )


def _content_credentials() -> Schema:
    return _object(
        "Content credentials (C2PA).",
        present=_boolean("Whether the file carries any."),
        linked=_boolean("Whether it names some on another server; none is asked."),
        signature={
            "type": ["string", "null"],
            "description": "How far their signature was checked; null without any.",
            "enum": [*map(str, SignatureState), None],
        },
        claim_generator=_or_null(_string("The program that wrote them.")),
        source_types=_list(
            "IPTC digital source types that they state.", {"type": "string"}
        ),
    )


def _model() -> Schema:
    figure = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    return _object(
        "The model that answers, from its card, and what a request may hold.",
        name=_string("Name of the model."),
        architecture=_string("Kind of network."),
        input_shape=_list(
            "Height, width (pixels) and channels of what the network sees.",
            {"type": "integer", "minimum": 1},
            minItems=3,
            maxItems=3,
        ),
        classes={
            "type": "array",
            "description": "The classes; P(fake) is that of the second.",
            "const": list(CLASS_NAMES),
        },
        crop=_object(
            "How a picture becomes the network's input.",
            detector=_string("What finds the faces."),
            margin=_number(
                "Side of the crop over that of the face.", exclusiveMinimum=0
            ),
            square=_boolean("Whether the crop is square."),
        ),
        calibration=_object(
            "P(fake) = sigmoid(logit / temperature + bias).",
            temperature=_number("Divides the logit.", exclusiveMinimum=0),
            bias=_number("Is added, in logits."),
        ),
        cut_offs=_object(
            "What scores are read by where a request gives no threshold, and what was "
            "measured of it on validation.",
            likely_real=_share("P(fake) below which a face is likely real."),
            likely_fake=_share("P(fake) from which a face is likely fake."),
            false_alarm_rate=_share("Largest share of reals called fake aimed at."),
            miss_rate=_share("Largest share of fakes called real aimed at."),
            false_alarms=figure
            | {"description": "Share of reals called fake; null: not measured."},
            hits=figure
            | {"description": "Share of fakes called fake; null: not measured."},
        ),
        metrics=_map(
            "What was measured, by split (`val` chose calibration and cut-offs, `test` "
            "chose nothing) and data set; `pooled` is all of them together.",
            _map("Measured sets by name.", ref("MeasuredSet")),
        ),
        provenance=_provenance(),
        licence_note=_string("What the licences of the training data allow."),
        files=_map(
            "SHA-256 of each file of the model, by name.",
            {"type": "string", "pattern": _SHA256_PATTERN},
        ),
        limits=ref("Limits"),
    )


def _measured_set() -> Schema:
    fields: dict[str, Schema] = {
        "pictures": _or_null(_whole("Pictures scored.")),
        "real": _or_null(_whole("Real ones among them.")),
        "fake": _or_null(_whole("Fake ones among them.")),
    }
    for name, meaning in FIGURES.items():
        bounds = {"minimum": 0} | ({} if name in _UNBOUNDED else {"maximum": 1})
        fields[name] = _or_null(_number(meaning, **bounds))
        fields[f"{name}_interval"] = _or_null(_interval())
    fields["cut_offs"] = _or_null(
        _object(
            "How the faces were answered at the cut-offs.",
            **{name: ref("Count") for name in ANSWERS},
        )
    )
    fields["thumbnail_baseline_auc"] = _or_null(
        _share(
            "AUC of a linear model on 16x16 grey thumbnails: what the set gives away "
            "without any look at the faces."
        )
    )
    fields["thumbnail_baseline_fitted_on"] = _or_null(
        _string("Split that this baseline was fitted on; null: cross-fitted.")
    )
    return _object("What was measured of one data set.", **fields)


def _interval() -> Schema:
    return _list(
        "95 % interval, low and high.", {"type": "number"}, minItems=2, maxItems=2
    )


def _count() -> Schema:
    return _or_null(
        _object(
            "So many of so many.",
            count=_whole("How many."),
            of=_whole("Of how many."),
            share=_or_null(_share("One over the other.")),
            interval=_or_null(_interval()),
        )
    )


def _provenance() -> Schema:
    fields: dict[str, Schema] = {
        name: {"type": ["string", "null"], "description": "As the data set states it."}
        for name in DATA_FIELDS
    }
    fields["pictures"] = _or_null(
        _map("Pictures by split.", {"type": "integer", "minimum": 0})
    )
    return _object(
        "What the model was made of.",
        started=_or_null(_string("When training began, ISO 8601.")),
        git_commit=_or_null(_string("The program's commit.")),
        seed=_or_null(_whole("Seed of weights, order and augmentation.")),
        best_epoch=_or_null(_whole("The epoch that was kept.")),
        data=_map("The data sets it learned from.", _object("A data set.", **fields)),
        config={
            "type": "object",
            "description": "Settings of the training, as docs/settings.md has them.",
        },
    )


def _limits() -> Schema:
    return _object(
        "What a request may hold.",
        formats=_list("Picture formats.", {"type": "string", "enum": list(FORMATS)}),
        max_files=_whole("Pictures of one request.", 1),
        max_upload_bytes=_whole("Bytes of one picture.", 1),
        max_request_bytes=_whole("Bytes of all pictures of one request.", 1),
        max_pixels=_whole("Width times height of one picture.", 1),
        max_faces=_whole("Faces of one picture that are judged.", 1),
        max_occluded_faces=_whole("Faces that `explain=occlusion` explains.", 1),
        request_seconds=_number("Longest that a request may take, seconds."),
        rate_limit=_or_null(
            _string("Requests with pictures of one address; null: no limit.")
        ),
    )


def _problem() -> Schema:
    return _object(
        "Why a request was not answered (RFC 9457).",
        type=_const("about:blank", "The status says it all."),
        title=_string("The kind of problem, in English."),
        status={
            "type": "integer",
            "description": "The HTTP status; of one picture of several, the one that "
            "it alone would have got.",
            "minimum": 400,
            "maximum": 599,
        },
        detail=_string("What was expected, what came, and what to do, in English."),
        request_id=_string(
            "Names this request in the server's log; also in X-Request-ID.",
            pattern=REQUEST_ID_PATTERN,
        ),
    )
