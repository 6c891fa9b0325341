"""Output layers that every network ends in: logit, p_fake and an activation map."""

from typing import Any

from keras import layers

from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL


def dense_head(features: Any) -> dict[str, Any]:
    """End a network in one dense logit.

    Parameters
    ----------
    features : KerasTensor of shape (n, d)
        Flat features.

    Returns
    -------
    dict of str to KerasTensor
        ``logit`` and ``p_fake``, each (n, 1).
    """
    return fixed_head(layers.Dense(1, dtype="float32", name="logit")(features))


def softmax_head(features: Any) -> dict[str, Any]:
    """End a network in a logit of each class, and their difference.

    A softmax over the two equals a sigmoid of the difference.

    Parameters
    ----------
    features : KerasTensor of shape (n, d)
        Flat features.

    Returns
    -------
    dict of str to KerasTensor
        ``logit`` and ``p_fake``, each (n, 1).
    """
    classes = layers.Dense(len(CLASS_NAMES), dtype="float32", name="classes")(features)
    column = layers.Reshape((len(CLASS_NAMES), 1), dtype="float32")(classes)
    # Cropping picks one class; slicing would leave an operation in the saved file that
    # is no layer, which is refused when the file is loaded.
    fake, real = (
        layers.Cropping1D((label, len(CLASS_NAMES) - 1 - label), dtype="float32")(
            column
        )
        for label in (FAKE, REAL)
    )
    difference = layers.Subtract(dtype="float32")([fake, real])  # (n, 1, 1)
    return fixed_head(layers.Flatten(dtype="float32", name="logit")(difference))


def fixed_head(logit: Any) -> dict[str, Any]:
    """End a network in a logit that it has already.

    Parameters
    ----------
    logit : KerasTensor of shape (n, 1)
        Output of a float32 layer named ``logit``.

    Returns
    -------
    dict of str to KerasTensor
        ``logit`` and ``p_fake``, each (n, 1).
    """
    p_fake = layers.Activation("sigmoid", dtype="float32", name="p_fake")(logit)
    return {"logit": logit, "p_fake": p_fake}


def activation_map_head(features: Any, dropout: float) -> dict[str, Any]:
    """End a network in a map of logits and its mean.

    A 1x1 convolution before global average pooling equals a dense layer after it, so
    the map costs nothing and says exactly what each place added to the logit [1]_.

    Parameters
    ----------
    features : KerasTensor of shape (n, h, w, c)
        Last feature maps.
    dropout : float
        Share of feature maps dropped in training, in [0, 1).

    Returns
    -------
    dict of str to KerasTensor
        ``logit`` and ``p_fake``, each (n, 1), and ``cam`` (n, h, w, 1).

    References
    ----------
    .. [1] Zhou et al., "Learning Deep Features for Discriminative Localization",
       CVPR 2016, arXiv:1512.04150, equation 2.
    """
    features = layers.SpatialDropout2D(dropout)(features)
    cam = layers.Conv2D(1, 1, dtype="float32", name="cam")(features)  # (n, h, w, 1)
    logit = layers.GlobalAveragePooling2D(dtype="float32", name="logit")(cam)  # (n, 1)
    return fixed_head(logit) | {"cam": cam}
