"""Escaping: whatever a text holds, it stays a text."""

from html.parser import HTMLParser

from hypothesis import given, strategies as st

from xpnet.report.markup import Markup, joined, tag


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.text += data


@given(st.text())
def test_a_text_comes_back_and_makes_no_tag(text):
    seen = Seen()
    seen.feed(tag("p", text, title=text))
    seen.close()
    plain = "".join(c if c >= " " or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
    plain = plain.encode("utf-8", "replace").decode()
    assert seen.tags == [("p", [("title", plain)])]
    assert seen.text == plain


def test_markup_is_not_escaped_again():
    assert tag("p", tag("b", "<"), " & ") == "<p><b>&lt;</b> &amp; </p>"
    assert isinstance(joined(["a", Markup("<br>")]), Markup)


def test_attributes():
    made = tag("input", type="radio", checked=True, disabled=False, for_="x", aria_label=None)
    assert made == '<input type="radio" checked for="x">'


def test_lone_surrogates_are_replaced():
    tag("p", "\udc80").encode("utf-8")
