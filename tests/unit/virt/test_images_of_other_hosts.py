# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in pieces, from the host that has them to the cache of another."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import ImageUnacceptable
from ansible_collections.novella.compute.plugins.module_utils.objects.image_transfer import ImageOffer, ImagePiece
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.virt.image_pieces import ImageOrigin, pack_piece
from ansible_collections.novella.compute.plugins.module_utils.virt.images import ImageCache

MIB = 1 << 20
# Small, so that there are several.
MOST = MIB


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    folder = tmp_path / "pool"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(pool: Path) -> ImageCache:
    return ImageCache(str(pool), deadline=10, host="kvm2")


@pytest.fixture
def image(tmp_path: Path) -> Image:
    path = tmp_path / "app.raw"
    with path.open("wb") as file:
        file.write(os.urandom(3 * MIB))
        file.seek(64 * MIB)
        file.write(b"the end".ljust(512))
    return Image("app", f"kvm1:{path}")


def offer_of(image: Image) -> ImageOffer:
    return ImageOrigin().offer_image(image)


def pieces(image: Image, folder: Path) -> Iterator[ImagePiece]:
    """The pieces of an image, one after another in one file, as they come."""
    offer, begin = offer_of(image), 0
    while begin < offer.length:
        piece = pack_piece(image, offer, begin, str(folder / "piece"), MOST)
        yield piece
        begin = piece.end


def fits(_size: int) -> None:
    pass


def bring(image: Image, cache: ImageCache, folder: Path, run: str = "run") -> int:
    """Bring an image, and return in how many pieces."""
    offer, count = offer_of(image), 0
    for piece in pieces(image, folder):
        cache.receive(image, offer, piece, run, fits)
        count += 1
    return count


def test_it_comes_whole_with_its_holes(image, cache, pool, tmp_path) -> None:
    assert cache.lacks(image, offer_of(image))
    assert bring(image, cache, tmp_path) > 2
    assert not cache.lacks(image, offer_of(image))
    found = Path(cache.ensure(image).path)
    assert found.read_bytes() == Path(image.path).read_bytes()
    assert found.stat().st_blocks * 512 < 8 * MIB
    assert sorted(path.suffix for path in pool.iterdir()) == [".origin", ".raw"]


def test_the_host_that_has_it_uses_the_file_itself(image, pool) -> None:
    at_home = ImageCache(str(pool), deadline=10, host="kvm1")
    assert not at_home.lacks(image, None)
    assert Path(at_home.ensure(image).path).read_bytes() == Path(image.path).read_bytes()


def test_one_that_was_not_brought_is_named_with_its_host_and_path(image, cache, pool) -> None:
    with pytest.raises(ImageUnacceptable) as caught:
        cache.ensure(image)
    assert f"Image 'app' is at {image.path} on kvm1, and has not been brought to this host." in str(caught.value)
    with pytest.raises(ImageUnacceptable, match="has not been brought"):
        cache.ensure(image.but(checksum=f"sha256:{'0' * 64}"))
    assert list(pool.iterdir()) == []


def test_with_a_checksum_it_is_lacked_only_where_nothing_has_that_checksum(image, cache, tmp_path) -> None:
    checksum = f"sha256:{hashlib.sha256(Path(image.path).read_bytes()).hexdigest()}"
    pinned = image.but(checksum=checksum)
    # The host has it from elsewhere.
    cache.ensure(Image("same", image.path, checksum))
    assert not cache.lacks(pinned, None)
    assert cache.ensure(pinned).virtual_size == Path(image.path).stat().st_size


def test_a_wrong_checksum_is_refused_and_leaves_nothing(image, cache, pool, tmp_path) -> None:
    with pytest.raises(ImageUnacceptable, match="has the checksum"):
        bring(image.but(checksum=f"sha256:{'0' * 64}"), cache, tmp_path)
    assert list(pool.iterdir()) == []


def test_another_content_at_its_place_is_lacked_again(image, cache, tmp_path) -> None:
    bring(image, cache, tmp_path)
    Path(image.path).write_bytes(b"another".ljust(MIB))
    assert cache.lacks(image, offer_of(image))
    # While nobody can say what is there now, what came will do.
    assert not cache.lacks(image, None)
    bring(image, cache, tmp_path)
    assert Path(cache.ensure(image).path).read_bytes() == Path(image.path).read_bytes()


def test_what_another_host_says_of_its_image_makes_it_no_image_of_this_host(image, cache, tmp_path) -> None:
    # The same path, size and time, and another content.
    lying = offer_of(Image("own", image.path))
    cache.receive(image, lying, pack_piece(image, lying, 0, str(tmp_path / "piece")), "run", fits)
    before = Path(image.path).stat()
    Path(image.path).write_bytes(bytes(before.st_size))
    os.utime(image.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert Path(cache.ensure(Image("own", image.path)).path).read_bytes() == bytes(before.st_size)


def test_one_that_changes_while_it_is_read_is_refused(image, tmp_path) -> None:
    offer = offer_of(image)
    piece = pack_piece(image, offer, 0, str(tmp_path / "piece"), MOST)
    Path(image.path).write_bytes(b"another")
    with pytest.raises(ImageUnacceptable, match="Image 'app' changed on kvm1 while it was read"):
        pack_piece(image, offer, piece.end, str(tmp_path / "piece"), MOST)


def test_a_piece_is_for_who_owns_its_folder(image, tmp_path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, 12345, 12345)
    made = Path(pack_piece(image, offer_of(image), 0, str(folder / "piece"), MOST).file).stat()
    assert (made.st_uid, made.st_mode & 0o777) == (folder.stat().st_uid, 0o600)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:100] + bytes(100) + packed[200:],
        lambda packed: zlib.compress(zlib.decompress(packed) + b"more"),
        lambda packed: zlib.compress(bytes(64 << 20)),
        lambda packed: b"",
    ],
    ids=["cut", "damaged", "too_long", "bomb", "empty"],
)
def test_a_piece_that_is_not_what_it_says_is_refused_and_leaves_nothing(spoil, image, cache, pool, tmp_path) -> None:
    offer, piece = offer_of(image), next(pieces(image, tmp_path))
    Path(piece.file).write_bytes(spoil(Path(piece.file).read_bytes()))
    with pytest.raises(ImageUnacceptable, match="did not come whole from kvm1"):
        cache.receive(image, offer, piece, "run", fits)
    assert list(pool.iterdir()) == []


def test_a_piece_that_was_left_out_is_missed(image, cache, pool, tmp_path) -> None:
    offer, coming = offer_of(image), pieces(image, tmp_path)
    cache.receive(image, offer, next(coming), "run", fits)
    next(coming)
    with pytest.raises(ImageUnacceptable, match="wrong order"):
        cache.receive(image, offer, next(coming), "run", fits)
    assert list(pool.iterdir()) == []


def test_two_runs_bring_one_image_at_once(image, cache, tmp_path) -> None:
    offer = offer_of(image)
    for piece in pieces(image, tmp_path):
        for run in ("one", "two"):
            cache.receive(image, offer, piece, run, fits)
    assert Path(cache.ensure(image).path).read_bytes() == Path(image.path).read_bytes()


def test_what_a_killed_run_left_goes_after_an_hour(image, cache, pool, tmp_path) -> None:
    offer = offer_of(image)
    cache.receive(image, offer, next(pieces(image, tmp_path)), "killed", fits)
    [left] = pool.iterdir()
    os.utime(left, (time.time() - 3700, time.time() - 3700))
    folder = tmp_path / "ansible-tmp-dead"
    folder.mkdir()
    (folder / "novella-image-piece").touch()
    os.utime(folder / "novella-image-piece", (time.time() - 3700, time.time() - 3700))
    alive = tmp_path / "ansible-tmp-alive"
    alive.mkdir()
    bring(image, cache, alive)
    assert not left.exists()
    assert list(folder.iterdir()) == []


def test_a_hostile_image_is_refused_where_it_comes_to_and_leaves_nothing(cache, pool, tmp_path) -> None:
    path = tmp_path / "backing.qcow2"
    backing = ["-u", "-b", "/etc/shadow", "-F", "raw"]
    command = ["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(path), "64M"]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ImageUnacceptable, match="it has a backing file"):
        bring(Image("hostile", f"kvm1:{path}"), cache, tmp_path)
    assert list(pool.iterdir()) == []


def test_an_image_that_is_removed_is_lacked_again(image, cache, pool, tmp_path) -> None:
    bring(image, cache, tmp_path)
    [unused] = cache.list_unused(lambda _path: False, 0)
    assert cache.remove(unused)
    assert list(pool.iterdir()) == []
    assert cache.lacks(image, None)


@pytest.mark.parametrize(
    ("source", "host", "path"),
    [
        ("kvm1:/srv/app.qcow2", "kvm1", "/srv/app.qcow2"),
        ("node-1.example.org:/a:/b", "node-1.example.org", "/a:/b"),
        ("/srv/app.qcow2", None, "/srv/app.qcow2"),
        ("/srv/a:/b", None, "/srv/a:/b"),
        ("https://example.org/a.qcow2", None, "https://example.org/a.qcow2"),
        ("file:///etc/passwd", None, "file:///etc/passwd"),
    ],
)
def test_a_source_names_a_host_or_does_not(source, host, path) -> None:
    assert (Image("app", source).host, Image("app", source).path) == (host, path)
