"""The plain way to serve a Keras network, for comparison: as tutorials show it.

The upload is saved under its own name, loaded with Keras at the network's size and
given to `model.predict` as a batch of one. Each gunicorn worker imports TensorFlow and
loads the `.keras` file itself. Never serve this: a name like ``../x.jpg`` leaves the
folder, and no upload is ever deleted.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from flask import Flask, request

_FORM = """<!doctype html>
<form method="post" enctype="multipart/form-data">
<input type="file" name="file"><button>Send</button>
</form>"""


def create_app(keras_file: str, upload_dir: str) -> Flask:
    """Load the network and build the application around it.

    Parameters
    ----------
    keras_file : str
        A `.keras` file whose network returns ``p_fake``.
    upload_dir : str
        Where uploads are saved.

    Returns
    -------
    Flask
        The application.
    """
    app = Flask(__name__)
    model = keras.models.load_model(keras_file)

    @app.get("/")
    def form() -> str:
        return _FORM

    @app.post("/")
    def predict() -> dict[str, Any]:
        upload = request.files["file"]
        path = Path(upload_dir) / str(upload.filename)
        upload.save(path)
        picture = keras.utils.load_img(path, target_size=model.input_shape[1:3])
        batch = np.expand_dims(keras.utils.img_to_array(picture), 0)  # (1, h, w, 3)
        outputs = model.predict(batch)
        return {"p_fake": float(outputs["p_fake"][0, 0])}

    return app
