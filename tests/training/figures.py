"""What tests of pictures share."""
from matplotlib.text import Text
from PIL import Image

from minicnn import drawing


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def save(figure, path):
    """Everything is laid out and drawn; a warning would be an error. Returns the picture's size."""
    drawing.save(figure, path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        return image.size
