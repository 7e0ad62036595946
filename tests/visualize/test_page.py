"""The page: one file that needs no other, whatever is written on it."""
import base64
import html.parser
import io
import re

import pytest
from PIL import Image

from minicnn.data import photographs
from minicnn.visualize import __main__ as visualize
from minicnn.visualize import page


class Reader(html.parser.HTMLParser):
    """What a browser would find."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.images, self.fetched = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img":
            self.images.append(attributes)
        elif tag != "meta":
            self.open.append(tag)
        self.fetched += [value for name, value in attributes.items() if name in ("src", "href") and not value.startswith("data:")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(path):
    reader = Reader(path.read_text(encoding="utf-8"))
    assert not reader.open and not reader.fetched
    return reader


def test_all_characters_are_text(tmp_path):
    nasty = '<script>alert("x")</script> & "quotes" \' ü'
    page.write(tmp_path / "page.html", nasty, [page.Section(nasty, nasty, nasty, b"RIFF")])
    found = read(tmp_path / "page.html")
    assert "".join(found.text).count(nasty) == 5 and "<script" not in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert found.images == [{"alt": nasty, "src": "data:image/webp;base64," + base64.b64encode(b"RIFF").decode()}]


def test_a_section_may_lack_picture_and_figures(tmp_path):
    page.write(tmp_path / "page.html", "title", [page.Section("head", "explained")])
    found = read(tmp_path / "page.html")
    assert not found.images and "pre" not in re.findall(r"<(\w+)>", (tmp_path / "page.html").read_text())


def test_everything_about_one_photograph(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(visualize.main, "all", photographs.EXAMPLES / "chelsea.jpg")
    assert code == 0 and out == "written to all.html\n"
    found = read(tmp_path / "all.html")
    text = "".join(found.text)
    assert "Egyptian cat" in text and "add up to" in text and "by chance" in text
    assert [path.name for path in tmp_path.iterdir()] == ["all.html"]
    assert len(found.images) == 8
    for image in found.images:
        kind, _, data = image["src"].partition(",")
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert kind == f"data:{picture.get_format_mimetype()};base64" and min(picture.size) > 300
    assert (tmp_path / "all.html").stat().st_size < 6_000_000   # a mail may be 10 MB


@pytest.mark.parametrize("arguments, words", [(["none.jpg"], "none.jpg does not exist"), (["none.jpg", "--model", "resnet"], "no model")])
def test_mistakes_are_sentences(call, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(visualize.main, "all", *arguments)
    assert code == 2 and words in err and "Traceback" not in err and not list(tmp_path.iterdir())
