"""Output layers that every network ends in: logit, p_fake and an activation map."""

from typing import Any

import keras
from keras import layers


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
    logit = layers.Dense(1, dtype="float32", name="logit")(features)  # (n, 1)
    return {"logit": logit, "p_fake": _p_fake(logit)}


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
    return {"logit": logit, "p_fake": _p_fake(logit), "cam": cam}


def _p_fake(logit: Any) -> Any:
    return layers.Activation(keras.activations.sigmoid, dtype="float32", name="p_fake")(
        logit
    )
