"""The picture: a bar for each result, as long as the ratio, on the right side of 1."""
import numpy as np
import pytest

from benchmarks import picture
from minicnn import drawing


def bars(figure):
    return [bar for axes in figure.axes for bar in axes.patches]


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def test_bars_begin_at_one_and_end_at_the_ratio(document):
    figure = picture.draw(document)
    ends = [bar.get_x() + bar.get_width() for bar in bars(figure)]
    assert [bar.get_x() for bar in bars(figure)] == [1, 1, 1]
    assert ends == pytest.approx([2, 0.5, 10])   # 16 is beyond the axis, which ends at 10
    assert figure.axes[0].get_xlim() == pytest.approx((1 / 2.2, 10))


def test_colours_tell_who_is_ahead(document):
    import matplotlib.colors

    colours = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in bars(picture.draw(document))]
    assert colours == [drawing.BLUE, drawing.ORANGE, drawing.BLUE]


def test_disturbed_measurements_are_pale(document):
    assert [bar.get_alpha() for bar in bars(picture.draw(document))] == [1, 0.35, 1]
    assert any("pale" in text for text in texts(picture.draw(document)))
    for record in document["results"]:
        record["contenders"]["PyTorch"]["disturbed"] = 0
    assert not any("pale" in text for text in texts(picture.draw(document)))


def test_figures_stand_beside_the_bars(document):
    shown = texts(picture.draw(document))
    assert {"2.00", "~0.50", "16.0", "0.75", "conv1: 1 to 6", "CONVOLUTION", "input gradient"} <= set(shown)
    assert "minicnn is ahead of PyTorch in 2 of 3 measurements" in [picture.draw(document).get_suptitle()]
    assert any("Abacus 9000" in text for text in [picture.draw(document).get_supxlabel()])


def test_diamonds_are_for_the_second_number_of_threads(document):
    axes, = picture.draw(document).axes
    diamonds = [line.get_xdata() for line in axes.lines if line.get_marker() == "D"]
    assert np.concatenate(diamonds) == pytest.approx([0.75])


def test_without_pytorch_the_definition_is_the_rival(document):
    for record in document["results"]:
        record["contenders"].pop("PyTorch")
    figure = picture.draw(document)
    assert figure.get_suptitle() == "minicnn is ahead of NumPy in 1 of 1 measurements"
    assert "50.0" in texts(figure)


def test_many_results_make_several_columns(document):
    record = document["results"][0]
    document["results"] = [{**record, "subject": f"conv{number}"} for number in range(60)]
    figure = picture.draw(document)
    assert len(figure.axes) == 3 and len(bars(figure)) == 60
    lengths = [len(axes.patches) for axes in figure.axes]
    assert max(lengths) - min(lengths) <= 2


def test_it_can_be_saved(document, tmp_path):
    drawing.save(picture.draw(document), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
