"""Bodies of images, and media types."""

import httpx2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pilothouse.errors import InputError, TooLarge
from services.inference.errors import MediaTypeError
from services.inference.native import image_files, require_json


def multipart(*files, field="file"):
    parts = [(field, (f"{i}.png", data, "image/png")) for i, data in enumerate(files)]
    request = httpx2.Request("POST", "http://x/", files=parts)
    return request.headers["content-type"], request.read()


def test_every_part_named_file_is_a_file_byte_for_byte():
    files = [b"\r\n--a", bytes(range(256)), b""]
    assert image_files(*multipart(*files), 10) == (files, True)


@given(
    st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.text("abcXYZ'()+_,-./:=?", min_size=1, max_size=70)
)
def test_parts_are_those_that_another_writer_put_in(files, boundary):
    assume(not any(boundary.encode() in file for file in files))
    head = 'Content-Disposition: form-data; filename="a;b"; name="file"\r\nContent-Type: image/png'
    parts = [f"--{boundary} \r\n{head}\r\n\r\n".encode() + file + b"\r\n" for file in files]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    assert image_files(f'multipart/form-data; boundary="{boundary}"', body, 10) == (files, len(files) > 1)


def test_one_part_is_one_image():
    assert image_files(*multipart(b"png"), 10) == ([b"png"], False)


@pytest.mark.parametrize("content_type", ["image/png", "application/octet-stream", ""])
def test_a_raw_body_is_the_image(content_type):
    assert image_files(content_type, b"png", 10) == ([b"png"], False)


def test_a_part_of_another_name_is_no_image():
    with pytest.raises(InputError, match="part named `file`"):
        image_files(*multipart(b"png", field="picture"), 10)


def test_more_files_than_allowed_are_refused():
    with pytest.raises(TooLarge, match="3 files"):
        image_files(*multipart(b"1", b"2", b"3"), 2)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b"no parts"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\ncontent-disposition: form-data; name=file\r\n\r\nabc"),
        ("multipart/form-data; boundary=x", b"--x\r\nabc\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--xy\r\ncontent-disposition: form-data; name=file\r\n\r\nabc\r\n--x--"),
        ("multipart/form-data; boundary=x", b"before--x\r\n\r\nabc\r\n--x--"),
    ],
)
def test_a_broken_multipart_body_is_a_fault_of_the_caller(content_type, body):
    with pytest.raises(InputError):
        image_files(content_type, body, 10)


def test_another_media_type_is_refused():
    with pytest.raises(MediaTypeError, match="text/csv"):
        image_files("text/csv", b"", 10)
    with pytest.raises(MediaTypeError, match="image/png"):
        require_json("image/png")
