"""Any card and any `.keras` file: refused in words, or what they say they are."""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deepfake_detector.artifact import CARD_FILE
from tests.fuzz.model_files import CARD, check, check_card_file, check_keras, keras_file
from tests.property.test_settings import json_values

paths = st.sampled_from(
    [
        *((name,) for name in CARD),
        *(("crop", name) for name in CARD["crop"]),
        *(("calibration", name) for name in CARD["calibration"]),
        *(("cut_offs", name) for name in CARD["cut_offs"]),
        ("crop", "other"),
        ("crop", "two\nlines"),
        ("two\nlines",),
        ("files", "model.tflite"),
        ("files", "a\0b"),
        ("files", "\ud800"),
        ("files", ".."),
        ("input_shape", 0),
    ]
)
words = st.sampled_from(
    ["Dense", "Lambda", "keras.layers", "os", "system", "function", "__tensor__", "a>b"]
)
layers = st.recursive(
    json_values | words,
    lambda inner: st.dictionaries(
        st.sampled_from(["class_name", "module", "registered_name", "config"]),
        words | inner,
        max_size=4,
    ),
    max_leaves=8,
)


@given(paths, json_values)
def test_card_with_any_value(path: tuple[Any, ...], value: Any) -> None:
    card = json.loads(json.dumps(CARD))
    node = card
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, CARD_FILE).write_text(json.dumps(card))
        check_card_file(Path(folder))


@given(json_values, st.binary(max_size=60))
def test_any_json_and_any_bytes(value: Any, data: bytes) -> None:
    check(json.dumps(value).encode())
    check(data)


@given(st.dictionaries(st.sampled_from(["class_name", "config", "a"]), layers))
def test_any_network(config: dict[str, Any]) -> None:
    check(keras_file(config, zipfile.ZIP_STORED))


@given(st.data())
def test_any_bytes_of_a_keras_file_changed(data: st.DataObject) -> None:
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)
    network = {"class_name": "Sequential", "module": "keras", "config": {}}
    content = bytearray(keras_file(network, data.draw(st.sampled_from(methods))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        check_keras(Path(folder, "model.keras"), bytes(content))
