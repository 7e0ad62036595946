"""The picture: a bar for each result, as long as the ratio, on the right side of 1."""
import pytest

from benchmarks import picture
from minicnn import drawing


def bars(figure):
    return [bar for axes in figure.axes for bar in axes.patches]


def markers(figure):
    """{shape: where they are}."""
    found = {}
    for line in (line for axes in figure.axes for line in axes.lines if line.get_marker() != "None"):
        found.setdefault(line.get_marker(), []).extend(line.get_xdata())
    return found


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def test_bars_begin_at_one_and_end_at_the_ratio(document):
    document["results"][0]["contenders"].pop("PyTorch channels_last")
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
    figure = picture.draw(document)
    assert {"2.00", "~0.50", "16.0", "0.75", "1.50", "conv1: 1 to 6, forward", "CONVOLUTION", "ReLU", "input gradient", "2 thr.", "1 thr.",
            "rival"} <= set(texts(figure))
    assert figure.get_suptitle() == "minicnn is ahead of PyTorch in 2 of 3 measurements, of every rival in 2"
    assert "Abacus 9000" in figure.get_supxlabel()


def test_a_marker_is_for_the_rival_who_is_harder_to_beat(document):
    first = document["results"][0]["contenders"]
    assert markers(picture.draw(document)) == {"D": [1.5]}
    first["onnxruntime"] = {**first["PyTorch"], "ratio": 0.8}
    figure = picture.draw(document)
    assert markers(figure) == {"o": [0.8]}
    assert figure.get_suptitle() == "minicnn is ahead of PyTorch in 2 of 3 measurements, of every rival in 1"
    assert "onnxruntime" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"ahead in 1 of 1, 0 of all", "ahead in 1 of 2"} <= set(texts(figure))


def test_where_pytorch_is_hardest_to_beat_there_is_no_marker(document):
    document["results"][0]["contenders"]["PyTorch channels_last"]["ratio"] = 2.5
    figure = picture.draw(document)
    assert not markers(figure) and not figure.legends and "rival" not in texts(figure)
    assert figure.get_suptitle() == "minicnn is ahead of PyTorch in 2 of 3 measurements"


def test_plain_numpy_is_no_rival_where_pytorch_is(document):
    document["results"][0]["contenders"]["NumPy"]["ratio"] = 0.1
    assert markers(picture.draw(document)) == {"D": [1.5]}


def test_without_pytorch_the_definition_is_the_rival(document):
    for record in document["results"]:
        record["contenders"].pop("PyTorch")
        record["contenders"].pop("PyTorch channels_last", None)
    figure = picture.draw(document)
    assert figure.get_suptitle() == "minicnn is ahead of NumPy in 1 of 1 measurements"
    assert "50.0" in texts(figure)


def test_many_results_make_several_columns(document):
    record = document["results"][0]
    document["results"] = [{**record, "subject": f"conv{number}"} for number in range(100)]
    figure = picture.draw(document)
    assert len(figure.axes) == 2 and len(bars(figure)) == 100
    lengths = [len(axes.patches) for axes in figure.axes]
    assert max(lengths) - min(lengths) <= 2


def test_however_many_results_there_are_three_columns_are_enough(document):
    record = document["results"][0]
    document["results"] = [{**record, "subject": f"conv{number}"} for number in range(240)]
    assert len(picture.draw(document).axes) == 3


def test_it_can_be_saved(document, tmp_path):
    drawing.save(picture.draw(document), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
