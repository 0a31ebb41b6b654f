"""What a message and a file may be: whatever is sent, the name is harmless and the type is the content's."""

import os
import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quickshop.kernel.errors import Invalid
from quickshop.support import rules
from quickshop.support.canned import filled
from quickshop.support.errors import FileRefused
from quickshop.support.states import STATE, State
from tests.factories.uploads import drawn

EXAMPLES = int(os.environ.get("SUPPORT_EXAMPLES", "150"))
NAMES = {
    "photo.png": "photo.png",
    "PHOTO.PNG": "PHOTO.png",
    "photo.jpeg": "photo.jpeg.png",
    "bill.pdf.exe": "bill.pdf.exe.png",
    "../../etc/passwd": "passwd.png",
    "C:\\Users\\me\\photo.png": "photo.png",
    "a\r\nSet-Cookie: x=1.png": "aSet-Cookie x=1.png",
    'a".png"; filename="b.html': "a.png filename=b.html.png",
    "photo\u202egnp.exe": "photognp.exe.png",
    "": "file.png",
    ".png": "png.png",
    " . ": "file.png",
    "x" * 300 + ".png": "x" * 96 + ".png",
}
ODD = st.text(st.characters(codec="utf-8") | st.sampled_from('./\\\u202e\r\n\0"%;:'), max_size=200)


@pytest.mark.parametrize(("given_name", "kept"), NAMES.items(), ids=range(len(NAMES)))
def test_a_name_is_made_harmless(given_name, kept):
    assert rules.file_name(given_name, "image/png") == kept


@settings(max_examples=EXAMPLES)
@given(name=ODD, type_=st.sampled_from(sorted(rules.TYPES)))
def test_no_name_breaks_out_of_a_header_or_a_folder(name, type_):
    kept = rules.file_name(name, type_)
    assert 0 < len(kept) <= rules.LONGEST_NAME and kept.isprintable()
    assert not re.search(r'["<>|:*?\\/;%\r\n]', kept) and not kept.startswith(".")
    assert kept.rpartition(".")[2] in (rules.TYPES[type_], "jpeg", "jpe", "log", "csv")
    assert rules.file_name(kept, type_) == kept


@pytest.mark.parametrize(("format_", "type_"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"),
                                                ("GIF", "image/gif"), ("AVIF", "image/avif")])  # fmt: skip
def test_real_pictures_are_known_by_their_content(format_, type_):
    assert rules.sniff(drawn(16, 16, format_)) == type_


@settings(max_examples=EXAMPLES)
@given(raw=st.binary(min_size=1, max_size=200))
def test_whatever_is_no_known_file_is_a_text_or_refused(raw):
    try:
        type_ = rules.sniff(raw)
    except FileRefused:
        return
    if type_ == "text/plain":
        text = raw.decode("utf-8-sig")
        assert not text.lstrip().startswith("<") and not set(text) & (set(map(chr, range(32))) - set("\t\n\r"))


@settings(max_examples=EXAMPLES)
@given(words=st.text(max_size=400))
def test_words_stand_as_they_were_written_or_are_refused(words):
    try:
        kept = rules.text("body", words, 200)
    except Invalid as error:
        assert list(error.errors) == ["body"]
        return
    assert kept == kept.strip() and 0 < len(kept) <= 200 and "\r" not in kept
    assert rules.text("body", kept, 200) == kept


def test_a_canned_reply_reads_well_with_and_without_a_name():
    words = "Hello {name}, your order {order} is packed. {unknown}"
    assert filled(words, "Ada", "QS-1") == "Hello Ada, your order QS-1 is packed. {unknown}"
    assert filled(words, "", None) == "Hello, your order is packed. {unknown}"
    assert filled(string.printable, "", None) == string.printable


def test_a_closed_conversation_is_opened_again_before_anything_else():
    assert STATE.moves[State.CLOSED] == {State.OPEN}
