"""A corpus of hostile pictures, made by a script; no file of it is kept.

``python -m tests.hostile_pictures DIR`` writes them, and a table of what each must be
answered with. The tests make them anew.
"""

from tests.hostile_pictures.hostile_picture import HostilePicture
from tests.hostile_pictures.jpeg_files import JPEG_FILES
from tests.hostile_pictures.metadata_files import METADATA_FILES
from tests.hostile_pictures.other_files import OTHER_FILES
from tests.hostile_pictures.png_files import PNG_FILES

#: Every hostile picture by its name.
CORPUS: dict[str, HostilePicture] = {
    **JPEG_FILES,
    **PNG_FILES,
    **OTHER_FILES,
    **METADATA_FILES,
}
