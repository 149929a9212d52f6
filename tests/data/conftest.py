"""Writers of small official-looking CIFAR-10 files, for the tests of xpnet.data."""

import io
import struct
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from xpnet.data.cifar10_files import FOLDER

BATCHES = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
NAMES = b"airplane automobile bird cat deer dog frog horse ship truck".split()


def encode(value):
    """Return a value in the instructions that Python 2 used, without header and stop."""
    match value:
        case dict():
            return b"}(" + b"".join(encode(k) + encode(v) for k, v in value.items()) + b"u"
        case list():
            return b"](" + b"".join(map(encode, value)) + b"e"
        case int() if 0 <= value < 256:
            return b"K" + bytes([value])
        case int():
            return b"J" + struct.pack("<i", value)
        case bytes() if len(value) < 256:
            return b"U" + bytes([len(value)]) + value
        case bytes():
            return b"T" + struct.pack("<i", len(value)) + value
        case np.ndarray():
            return encode_array(value.shape, value.tobytes())
    raise TypeError(type(value))


def encode_array(shape, data, dtype=b"u1", fortran=False):
    sizes = b"(" + b"".join(encode(n) for n in shape) + b"t"
    empty = b"cnumpy.core.multiarray\n_reconstruct\nq\x01(cnumpy\nndarray\nq\x02K\x00\x85U\x01btR"
    kind = b"cnumpy\ndtype\nq\x03(" + encode(dtype) + b"K\x00K\x01tR"
    kind += b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    order = b"\x88" if fortran else b"\x89"
    return empty + b"(K\x01" + sizes + kind + order + encode(data) + b"tb"


def batch(pictures, labels):
    return {b"data": pictures, b"labels": labels, b"filenames": [b"p.png"] * len(labels)}


@pytest.fixture
def write_pickle(tmp_path):
    """Write a value, or ready instructions, as a Python 2 pickle and return its path."""

    def write(value, path=tmp_path / "data_batch_1"):
        body = value if isinstance(value, bytes) else encode(value)
        path.write_bytes(b"\x80\x02" + body + b".")
        return path

    return write


@pytest.fixture
def array_code():
    return encode_array


@pytest.fixture
def write_cifar10(write_pickle):
    """Write a whole data set of a few random pictures a file; return its folder and contents."""

    def write(parent, rows=4):
        rng = np.random.default_rng(5)
        folder = parent / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        contents = {}
        for name in BATCHES:
            pictures = rng.integers(0, 256, (rows, 3072), dtype=np.uint8)
            labels = rng.integers(0, 10, rows).tolist()
            write_pickle(batch(pictures, labels), folder / name)
            contents[name] = pictures, labels
        write_pickle({b"label_names": NAMES, b"num_vis": 3072}, folder / "batches.meta")
        return folder, contents

    return write


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, length, body = self.server.replies.get(self.path, (404, 0, b""))
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Serve bytes on loopback and return their address; a stated length may be a lie."""
    monkeypatch.setenv("no_proxy", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.replies = {}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def add(body, length=-1, status=200):
        path = f"/{len(server.replies)}.tar.gz"
        server.replies[path] = status, len(body) if length == -1 else length, body
        return f"http://127.0.0.1:{server.server_port}{path}"

    yield add
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def make_archive(tmp_path, write_cifar10):
    """Return a .tar.gz of a small data set with extra members, less the files named."""

    def make(*extra, without=()):
        parent = tmp_path / "archived"
        if not parent.exists():
            write_cifar10(parent, rows=1)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            tar.add(parent / FOLDER, FOLDER, recursive=False)
            for path in sorted((parent / FOLDER).iterdir()):
                if path.name not in without:
                    tar.add(path, f"{FOLDER}/{path.name}")
            for name, kind in extra:
                member = tarfile.TarInfo(name)
                member.type, member.linkname, member.size = kind, "/etc/passwd", 0
                tar.addfile(member)
        return packed.getvalue()

    return make
