import hashlib
import http.client
import socket

import pytest

from xpnet.data.fetch import fetch
from xpnet.errors import InputError

BY_HAND = "download and unpack it by hand and name the folder by --data-dir"


def refusal(url, path, what, **options):
    with pytest.raises(InputError) as caught:
        fetch(url, path, progress=False, **options)
    message = str(caught.value)
    assert message.startswith(f"{url} {what}")
    assert message.endswith(BY_HAND)


@pytest.mark.parametrize("length", [-1, None])
def test_fetches_and_hashes(serve, tmp_path, length, capfd):
    body = bytes(range(256)) * 3000
    found = fetch(serve(body, length), tmp_path / "file", progress=True)
    assert found == hashlib.sha256(body).hexdigest()
    assert (tmp_path / "file").read_bytes() == body
    assert capfd.readouterr() == ("", "")  # no bar where there is no terminal


def test_an_interrupted_body(serve, tmp_path):
    refusal(serve(b"x" * 500, 900), tmp_path / "file", "stopped after 500 of 900 bytes; try again")


def test_a_body_without_end(serve, tmp_path):
    url = serve(b"x" * 500, None)
    refusal(url, tmp_path / "file", "sends more than the 499 bytes", largest=499)


@pytest.mark.parametrize("status", [404, 503])
def test_a_server_that_refuses(serve, tmp_path, status):
    name = http.client.responses[status]
    url = serve(b"no", status=status)
    refusal(url, tmp_path / "file", f"answers {status} {name}; check the address")


def test_no_server(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refusal(f"http://127.0.0.1:{port}/a", tmp_path / "file", "cannot be downloaded ([Errno")


def test_a_server_that_speaks_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(http.client.HTTPResponse, "begin", _not_http)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        refusal(url, tmp_path / "file", "cannot be downloaded (ERROR 12)")


def _not_http(self):
    self.close()
    raise http.client.BadStatusLine("ERROR 12")


@pytest.mark.parametrize("url", ["no address", "gopher://x/y", "http://"])
def test_no_address(tmp_path, url):
    refusal(url, tmp_path / "file", "cannot be downloaded (")
