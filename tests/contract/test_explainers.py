"""What holds for every explainer of the table; a new one is tested by existing."""

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.backends import BACKENDS
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.exceptions import ExplanationError, MissingPackageError
from deepfake_detector.explainers import EXPLAINERS, Explanation, default_explainer
from deepfake_detector.explainers.cam import Cam
from deepfake_detector.explainers.grad_cam import GradCam
from deepfake_detector.explainers.lime import Lime
from deepfake_detector.explainers.occlusion import Occlusion

INPUT_SHAPE = (48, 40, 3)

#: The evidence: roughness of this square is all that the planted scorers look at.
ROWS, COLUMNS = slice(8, 24), slice(16, 32)

every_explainer = pytest.mark.parametrize("name", list(EXPLAINERS))


def keras_network(logit_scale: float = 1.0, seed: int = 3) -> Any:
    """A small network with an activation map, in the Keras backend."""
    import keras
    from keras import layers

    from deepfake_detector.backends.keras_backend import KerasBackend

    keras.utils.set_random_seed(seed)
    inputs = keras.Input(INPUT_SHAPE)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(layers.BatchNormalization()(x))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    scaled = layers.Rescaling(logit_scale)(layers.Conv2D(1, 1)(x))
    logit = layers.Reshape((1,))(layers.GlobalAveragePooling2D()(scaled))
    return KerasBackend(keras.Model(inputs, {"logit": logit, "cam": scaled}))


def planted_network() -> Any:
    """A network whose feature maps are those of roughness in the planted square."""
    import keras
    from keras import layers

    from deepfake_detector.backends.keras_backend import KerasBackend

    inputs = keras.Input(INPUT_SHAPE)
    mask = np.zeros((1, *INPUT_SHAPE[:2], 1), dtype=np.float32)
    mask[:, ROWS, COLUMNS] = 1
    edges = layers.Conv2D(2, (1, 2), padding="same", activation="relu", name="edges")
    rough = edges(inputs) * mask / 255
    cam = layers.Conv2D(1, 1, kernel_initializer="ones")(rough)
    logit = layers.Reshape((1,))(layers.GlobalAveragePooling2D()(cam))
    rising = np.broadcast_to(np.array([-1.0, 1.0])[:, None, None], (1, 2, 3, 1))
    kernel = np.concatenate([rising, -rising], axis=3)  # (1, 2, 3, 2)
    edges.set_weights([kernel, np.zeros(2)])
    return KerasBackend(keras.Model(inputs, {"logit": logit, "cam": cam}))


def mosaic() -> NDArray[np.uint8]:
    """Shaded tiles of eight pixels, each of a colour of its own: clear regions."""
    rng = np.random.default_rng(0)
    tiles = rng.integers(30, 210, (6, 5, 3), dtype=np.uint8)
    shade = np.arange(INPUT_SHAPE[1], dtype=np.uint8)[:, None] % 8 * 2
    return tiles.repeat(8, axis=0).repeat(8, axis=1) + shade


def planted_crop() -> NDArray[np.uint8]:
    """A mosaic, rough where the planted evidence is and in a place that is not."""
    crop = mosaic()
    for rows, columns in ((ROWS, COLUMNS), (slice(32, 48), slice(0, 16))):
        crop[rows, columns.start : columns.stop : 2] -= 15
        crop[rows, columns.start + 1 : columns.stop : 2] += 15
    return crop


class RoughSquare:
    """A scorer that is no network: how rough the planted square is."""

    input_shape = INPUT_SHAPE

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        square = batch[:, ROWS, COLUMNS].astype(np.float32)
        return {"logit": np.abs(np.diff(square, axis=2)).mean(axis=(1, 2, 3))}


def explained(
    name: str, network: Any, crop: NDArray[np.uint8], seed: int = 0
) -> Explanation:
    explanation: Explanation = EXPLAINERS.get(name)(network).explain(crop, seed)
    return explanation


def assert_found(explanation: Explanation) -> None:
    """The heatmap and its strongest places must lie in the planted square."""
    heatmap = explanation.heatmap
    inside = np.zeros(heatmap.shape, dtype=bool)
    inside[ROWS, COLUMNS] = True
    assert heatmap[inside].mean() > 4 * heatmap[~inside].mean()
    strongest = np.argsort(heatmap, axis=None)[-inside.sum() // 2 :]
    assert inside.ravel()[strongest].mean() >= 0.8


@pytest.fixture(scope="module")
def network() -> Any:
    return keras_network()


@pytest.mark.tf
@every_explainer
def test_heatmap_has_the_crops_size_and_lies_between_0_and_1(
    name: str, network: Any
) -> None:
    explanation = explained(name, network, mosaic())
    for values in (explanation.heatmap, explanation.evidence):
        assert values.shape == INPUT_SHAPE[:2]
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert explanation.heatmap.min() >= 0
    assert explanation.heatmap.max() == 1


@pytest.mark.tf
@every_explainer
@pytest.mark.parametrize("level", [0, 127, 255])
def test_flat_crop_has_a_heatmap_of_numbers(
    name: str, level: int, network: Any
) -> None:
    flat = np.full(INPUT_SHAPE, level, dtype=np.uint8)
    heatmap = explained(name, network, flat).heatmap
    assert np.isfinite(heatmap).all()
    assert 0 <= heatmap.min() <= heatmap.max() <= 1


@pytest.mark.tf
@every_explainer
@pytest.mark.parametrize("sign", [-1, 1])
def test_saturated_score_is_explained(name: str, sign: int) -> None:
    crop = mosaic()
    (logit,) = keras_network().run(crop[None])["logit"]
    saturated = keras_network(logit_scale=float(sign * 500 / logit))
    (high,) = saturated.run(crop[None])["logit"]
    assert abs(high) > 400  # float32 knows no P(fake) but 0 and 1 here
    explanation = explained(name, saturated, crop)
    assert np.isfinite(explanation.heatmap).all()
    assert np.ptp(explanation.evidence) > 0


@pytest.mark.tf
@every_explainer
def test_other_weights_give_another_heatmap(name: str, network: Any) -> None:
    first, second = (
        explained(name, net, mosaic()) for net in (network, keras_network(seed=4))
    )
    assert np.abs(first.heatmap - second.heatmap).max() > 0.1
    assert not np.allclose(first.evidence, second.evidence)


@pytest.mark.tf
@every_explainer
def test_same_twice(name: str, network: Any) -> None:
    first, second = (explained(name, network, mosaic(), seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.evidence, second.evidence)


@pytest.mark.tf
@every_explainer
def test_crop_and_global_randomness_are_left_alone(name: str, network: Any) -> None:
    crop = mosaic()
    crop.flags.writeable = False
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    explained(name, network, crop)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.tf
@every_explainer
def test_planted_evidence_is_found(name: str) -> None:
    assert_found(explained(name, planted_network(), planted_crop()))


@pytest.mark.parametrize("name", sorted(set(EXPLAINERS) - {"cam", "grad_cam"}))
def test_scorer_of_any_kind_is_explained(name: str) -> None:
    assert_found(explained(name, RoughSquare(), planted_crop()))


@pytest.mark.tf
@every_explainer
def test_evidence_changes_sides_with_what_the_score_stands_for(name: str) -> None:
    from deepfake_detector.backends.keras_backend import KerasBackend

    forgery = planted_network()
    turned = KerasBackend(forgery.network, score="p_real")
    there = explained(name, forgery, planted_crop()).evidence
    back = explained(name, turned, planted_crop()).evidence
    np.testing.assert_allclose(there, -back, atol=1e-4)


@every_explainer
def test_entry_says_what_it_needs(name: str) -> None:
    assert EXPLAINERS.get(name).backend in {None, *BACKENDS}
    line = EXPLAINERS.summary(name)
    assert "needs" in line or "any network" in line


@pytest.mark.parametrize(
    ("explainer", "told"),
    [(Cam, "choose occlusion, lime or grad_cam"), (GradCam, "--backend keras")],
)
def test_network_that_a_method_cannot_explain_is_refused(
    explainer: Any, told: str
) -> None:
    with pytest.raises(ExplanationError, match=told):
        explainer(ConstantBackend(input_shape=INPUT_SHAPE))


@pytest.mark.tf
@pytest.mark.parametrize(
    ("name", "module", "packages"),
    [
        ("grad_cam", "tensorflow", "tensorflow"),
        ("lime", "skimage.segmentation", "scikit-image scikit-learn"),
        ("lime", "sklearn.linear_model", "scikit-image scikit-learn"),
    ],
)
def test_missing_package_names_the_install_line(
    name: str,
    module: str,
    packages: str,
    network: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match=f"pip install {packages}$"):
        EXPLAINERS.get(name)(network)


@pytest.mark.tf
def test_default_method_reads_the_map_where_there_is_one(network: Any) -> None:
    assert default_explainer(network) == "cam"
    assert default_explainer(ConstantBackend(input_shape=INPUT_SHAPE)) == "occlusion"


@pytest.mark.tf
def test_mean_of_the_activation_maps_evidence_is_the_logit(network: Any) -> None:
    crop = mosaic()
    (logit,) = network.run(crop[None])["logit"]
    evidence = Cam(network).explain(crop).evidence
    assert evidence.mean() == pytest.approx(float(logit), abs=1e-3)


@pytest.mark.tf
def test_grad_cam_is_the_activation_map_where_pooling_is_all_that_follows() -> None:
    """Selvaraju et al., appendix A."""
    network, crop = planted_network(), planted_crop()
    gradient = GradCam(network).explain(crop)
    np.testing.assert_allclose(
        gradient.heatmap, Cam(network).explain(crop).heatmap, atol=1e-5
    )


def test_lime_gives_the_weights_of_a_scorer_that_is_linear_in_the_regions() -> None:
    crop = mosaic()
    regions = Lime(ConstantBackend(input_shape=INPUT_SHAPE)).explain(crop).regions
    assert regions is not None
    count = int(regions.max()) + 1
    assert count > 10
    weights = np.linspace(-1, 1, count)

    class Linear:
        input_shape = INPUT_SHAPE

        def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
            changed = (batch != crop).any(axis=3)  # (n, h, w)
            lost = [[c[regions == r].any() for r in range(count)] for c in changed]
            return {"logit": (5 - np.array(lost) @ weights).astype(np.float32)}

    evidence = Lime(Linear()).explain(crop).evidence
    np.testing.assert_allclose(evidence, weights[regions], atol=0.05)


@pytest.mark.parametrize("size", [(128, 128), (17, 40), (5, 3), (1, 1)])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_occlusion_covers_every_pixel(size: tuple[int, int], share: float) -> None:
    crop = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(*size, 3)
    network = ConstantBackend(2.0, input_shape=(*size, 3))
    evidence = Occlusion(network, share).explain(crop).evidence
    np.testing.assert_array_equal(evidence, np.zeros(size))


@pytest.mark.parametrize(
    ("evidence", "heatmap"),
    [
        ([[-3, -1]], [[0, 0]]),
        ([[0, 0]], [[0, 0]]),
        ([[-1, 2]], [[0, 1]]),
        ([[1, 4]], [[0.25, 1]]),
        ([[1e38, 3e38]], [[1 / 3, 1]]),
        ([[1e-42, -1]], [[0, 0]]),
        ([[1e-7, 0]], [[0, 0]]),
    ],
)
def test_heatmap_is_the_share_of_the_strongest_evidence_for_fake(
    evidence: list[list[float]], heatmap: list[list[float]]
) -> None:
    explanation = Explanation(np.array(evidence, dtype=np.float32))
    np.testing.assert_allclose(explanation.heatmap, heatmap, rtol=1e-6)
