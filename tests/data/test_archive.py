import io
import tarfile

import pytest

from xpnet.data import archive as module
from xpnet.data.archive import unpack
from xpnet.data.cifar10 import load_cifar10
from xpnet.data.cifar10_files import FOLDER
from xpnet.errors import InputError

REMEDY = "it was deleted; give the address of the official archive, or unpack it by hand"


@pytest.fixture
def refuse(tmp_path):
    """Unpack bytes, expect a refusal of that text, and see that nothing came out of the folder."""

    def check(packed, what):
        path = tmp_path / "packed"
        path.write_bytes(packed)
        before = set(tmp_path.iterdir())
        with pytest.raises(InputError, match=f"^the source .*{what}.*{REMEDY}$"):
            unpack(path, tmp_path / "out", "the source")
        assert set(tmp_path.iterdir()) - before <= {tmp_path / "out"}

    return check


def test_unpacks(tmp_path, make_archive):
    path = tmp_path / "packed"
    path.write_bytes(make_archive((f"{FOLDER}/readme.html", tarfile.REGTYPE)))
    unpack(path, tmp_path / "out", "x")
    assert len(list((tmp_path / "out").iterdir())) == 8
    assert len(load_cifar10(tmp_path / "out", num_val=1).X_train) == 4


@pytest.mark.parametrize(
    ("name", "kind", "called"),
    [
        ("../evil", tarfile.REGTYPE, "file '../evil'"),
        ("evil", tarfile.REGTYPE, "file 'evil'"),
        ("/tmp/evil", tarfile.REGTYPE, "file '/tmp/evil'"),
        (f"{FOLDER}/../../evil", tarfile.REGTYPE, "file"),
        (f"{FOLDER}/evil", tarfile.REGTYPE, f"file '{FOLDER}/evil'"),
        (f"{FOLDER}/sub/data_batch_1", tarfile.REGTYPE, "file"),
        (f"{FOLDER}/data_batch_1", tarfile.REGTYPE, "file"),  # a second time
        (f"{FOLDER}/sub", tarfile.DIRTYPE, f"folder '{FOLDER}/sub'"),
        (f"{FOLDER}/readme.html", tarfile.SYMTYPE, f"link or device '{FOLDER}/readme.html'"),
        (f"{FOLDER}/readme.html", tarfile.LNKTYPE, "link or device"),
        (f"{FOLDER}/readme.html", tarfile.CHRTYPE, "link or device"),
        (f"{FOLDER}/readme.html", tarfile.FIFOTYPE, "link or device"),
        (FOLDER, tarfile.SYMTYPE, "link or device"),
    ],
)
def test_refuses_other_members(make_archive, refuse, name, kind, called):
    refuse(make_archive((name, kind)), f"holds the {called}.*no place in CIFAR-10")


def test_refuses_missing_files(make_archive, refuse):
    refuse(
        make_archive(without=("data_batch_2", "batches.meta")), "lacks data_batch_2, batches.meta"
    )


def test_refuses_a_large_member(make_archive, refuse, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_FILE", 1000)
    refuse(make_archive(), r"holds data_batch_1 of \d+ bytes, over the limit of 1000")


def test_refuses_damage(make_archive, refuse, tmp_path):
    packed = make_archive()
    # A cut between two members looks like a short archive.
    for damaged in (b"", b"<html>", packed[:20], packed[:1000], packed[: len(packed) // 2]):
        refuse(damaged, "(no sound .tar.gz archive|lacks data_batch)")
        for path in (tmp_path / "out").iterdir():
            path.unlink()
        (tmp_path / "out").rmdir()
    plain = io.BytesIO()
    tarfile.open(fileobj=plain, mode="w").close()
    refuse(plain.getvalue(), "no sound .tar.gz archive")
