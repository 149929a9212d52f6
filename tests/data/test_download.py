import hashlib

import pytest

from xpnet.data.cifar10 import load_cifar10
from xpnet.data.cifar10_files import FILES, FOLDER, SHA256, URL
from xpnet.data.download import download_cifar10
from xpnet.errors import InputError


def sha(packed):
    return hashlib.sha256(packed).hexdigest()


def test_the_official_archive_is_what_is_asked_for():
    assert URL == "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    assert SHA256 == "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def test_downloads_into_a_new_folder(serve, make_archive, tmp_path):
    packed, home = make_archive(), tmp_path / "new" / "home"
    found = download_cifar10(home, url=serve(packed), sha256=sha(packed).upper())
    assert found == home / FOLDER
    assert [path.name for path in home.iterdir()] == [FOLDER]
    assert len(load_cifar10(home, num_val=1).X_train) == 4


def test_completes_a_folder_that_is_there(serve, make_archive, tmp_path):
    packed, home = make_archive(), tmp_path / "home"
    (home / FOLDER).mkdir(parents=True)
    (home / FOLDER / "data_batch_1").write_bytes(b"damaged")
    (home / FOLDER / "notes.txt").write_bytes(b"mine")
    download_cifar10(home, url=serve(packed), sha256=sha(packed))
    assert {path.name for path in (home / FOLDER).iterdir()} == {*FILES, "notes.txt"}
    assert [path.name for path in home.iterdir()] == [FOLDER]
    assert load_cifar10(home, num_val=1).name == "cifar10"


def test_a_wrong_checksum_leaves_nothing(serve, make_archive, tmp_path):
    packed, home = make_archive(), tmp_path / "home"
    url = serve(packed)
    with pytest.raises(InputError) as caught:
        download_cifar10(home, url=url)
    for part in (url, sha(packed), SHA256, "was deleted; try again later", "--data-dir"):
        assert part in str(caught.value)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("reply", [{"status": 404}, {"length": 10**6}])
def test_a_failed_download_leaves_nothing(serve, make_archive, tmp_path, reply):
    with pytest.raises(InputError, match="by hand"):
        download_cifar10(tmp_path / "home", url=serve(make_archive(), **reply))
    assert list((tmp_path / "home").iterdir()) == []


def test_an_evil_archive_leaves_nothing(serve, make_archive, tmp_path):
    packed, home = make_archive(("../evil", b"0")), tmp_path / "home"
    url = serve(packed)
    with pytest.raises(InputError, match=f"{url} holds the file '../evil'"):
        download_cifar10(home, url=url, sha256=sha(packed))
    assert list(home.iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


def test_ctrl_c_leaves_nothing(serve, make_archive, tmp_path, monkeypatch):
    packed, home = make_archive(), tmp_path / "home"

    def interrupt(*_):
        assert [path.suffix for path in home.iterdir()] == [".part"]
        raise KeyboardInterrupt

    monkeypatch.setattr("xpnet.data.archive.unpack", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download_cifar10(home, url=serve(packed), sha256=sha(packed))
    assert list(home.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=r"file.home cannot hold the download .*--data-dir"):
        download_cifar10(tmp_path / "file" / "home", url="http://127.0.0.1/")
