"""Sentences are English strings that remember their parts."""

import copy
import json
import pickle

import pytest

from deepfake_detector.wording import Words, either, plural_words, words


def test_words_are_the_sentence_and_keep_their_parts() -> None:
    made = words("The limit is {limit:g} MB.", limit=10.0)
    assert made == "The limit is 10 MB."
    assert (made.template, made.plural) == ("The limit is {limit:g} MB.", None)
    assert made.values == {"limit": 10.0}
    assert json.dumps({"detail": made}) == '{"detail": "The limit is 10 MB."}'


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 faces"), (1, "1 face"), (2, "2 faces")]
)
def test_number_chooses_the_form(number: int, text: str) -> None:
    made = plural_words("{number} face", "{number} faces", number)
    assert made == text
    assert (made.template, made.plural, made.number) == (
        "{number} face",
        "{number} faces",
        number,
    )


def test_parts_may_be_words_themselves() -> None:
    share = words("about {number} in 100", number=1)
    made = words("At most {share} were called fake.", share=share)
    assert made == "At most about 1 in 100 were called fake."
    assert isinstance(made.values["share"], Words)


def test_place_without_a_value_is_a_mistake_found_at_once() -> None:
    with pytest.raises(KeyError, match="limit"):
        words("The limit is {limit}.")


@pytest.mark.parametrize(
    ("choices", "text"),
    [("a", "a"), ("ab", "a or b"), ("abc", "a or b or c")],
)
def test_either_joins_choices(choices: str, text: str) -> None:
    assert either(choices) == text


def test_words_survive_copying_and_pickling() -> None:
    made = plural_words("{number} face in {place}", "", 1, place=words("Rome"))
    for twin in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):  # noqa: S301
        assert (twin, twin.template, twin.values) == (made, made.template, made.values)
