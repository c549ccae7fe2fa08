# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image is fetched once, verified, and never seen half. The web server is a real one, on this machine."""

import fcntl
import hashlib
import http.server
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import DeadlineExceeded, ImageUnacceptable
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.virt.images import ImageCache

DISK = bytes(3 << 20) + b"boot" * 1000 + bytes(1 << 20)
CHECKSUM = "sha256:" + hashlib.sha256(DISK).hexdigest()


@pytest.fixture
def pool(tmp_path):
    path = tmp_path / "pool"
    path.mkdir()
    return path


@pytest.fixture
def cache(pool):
    return ImageCache(str(pool), deadline=10)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "disk.raw"
    path.write_bytes(DISK)
    return path


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(DISK)))
            self.end_headers()
            self.wfile.write(DISK[:1000])
        elif self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        elif self.path == "/disk":
            self.send_response(200)
            self.send_header("ETag", self.server.etag)
            self.end_headers()
            self.wfile.write(DISK)
        else:
            self.send_error(404)

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.requests, httpd.etag = 0, '"1"'
        httpd.address = f"http://127.0.0.1:{httpd.server_port}"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield httpd
        finally:
            httpd.shutdown()
            thread.join()


def test_an_image_is_cached_under_its_checksum(cache, pool, source):
    found = cache.ensure(Image("tiny", str(source), CHECKSUM))
    assert found.path == str(pool / f"novella-base-{CHECKSUM[7:]}.raw")
    assert Path(found.path).read_bytes() == DISK
    assert (found.disk_format, found.virtual_size) == ("raw", len(DISK))
    assert Path(found.path).stat().st_mode & 0o777 == 0o444


def test_zeros_take_no_room(cache, source):
    path = Path(cache.ensure(Image("tiny", str(source))).path)
    assert path.stat().st_blocks * 512 < 3 << 20


def test_a_cached_image_needs_its_source_no_more(cache, source):
    image = Image("tiny", str(source), CHECKSUM)
    cache.ensure(image)
    source.unlink()
    assert cache.ensure(image).virtual_size == len(DISK)


def test_a_wrong_checksum_is_refused_and_nothing_is_left(cache, pool, source):
    with pytest.raises(ImageUnacceptable, match=r"has the checksum sha256:.*, not sha256:0000"):
        cache.ensure(Image("tiny", str(source), "sha256:" + "0" * 64))
    assert list(pool.iterdir()) == []


def test_an_unacceptable_image_leaves_nothing(cache, pool, source):
    source.write_bytes(b"\x1f\x8b" + bytes(5000))
    with pytest.raises(ImageUnacceptable, match="gzip"):
        cache.ensure(Image("tiny", str(source)))
    assert list(pool.iterdir()) == []


def test_a_changed_file_without_a_checksum_is_a_new_image(cache, pool, source):
    first = cache.ensure(Image("tiny", str(source)))
    assert cache.ensure(Image("tiny", str(source))) == first
    source.write_bytes(DISK + bytes(512))
    second = cache.ensure(Image("tiny", str(source)))
    assert second.virtual_size == first.virtual_size + 512
    assert len(list(pool.iterdir())) == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "missing.qcow2", "is not at"),
        (lambda folder: folder, "is not a file"),
        (lambda folder: "images/relative.raw", "absolute path"),
        (lambda folder: "ftp://example.org/disk", "absolute path"),
        (lambda folder: "file:///etc/passwd", "absolute path"),
        (lambda folder: "http://user:secret@127.0.0.1/disk", "holds credentials"),
    ],
)
def test_a_source_that_cannot_be_read_is_named(cache, pool, tmp_path, make, words):
    with pytest.raises(ImageUnacceptable, match=words) as caught:
        cache.ensure(Image("tiny", str(make(tmp_path))))
    assert "secret" not in str(caught.value)
    assert list(pool.iterdir()) == []


def test_an_image_comes_over_http_once_until_it_changes(cache, server):
    image = Image("tiny", f"{server.address}/disk")
    first = cache.ensure(image)
    assert Path(first.path).read_bytes() == DISK
    assert cache.ensure(image) == first
    server.etag = '"2"'
    assert cache.ensure(image) != first


def test_with_a_checksum_the_server_is_asked_once(cache, server):
    image = Image("tiny", f"{server.address}/to//disk", CHECKSUM)
    cache.ensure(image)
    asked = server.requests
    cache.ensure(image)
    assert server.requests == asked == 2


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/missing", "answered 404"),
        ("/cut", "only in part: 1000 of"),
        ("/to/file:///etc/passwd", "is not allowed"),
        ("/to/ftp://127.0.0.1/x", "leads to a ftp: address"),
    ],
)
def test_a_server_that_gives_no_image_is_named(cache, pool, server, path, words):
    with pytest.raises(ImageUnacceptable, match=words):
        cache.ensure(Image("tiny", server.address + path))
    assert list(pool.iterdir()) == []


def test_a_server_that_is_not_there_is_named(cache, server):
    address = server.address
    server.shutdown()
    server.server_close()
    with pytest.raises(ImageUnacceptable, match=r"cannot be fetched from .*refused"):
        cache.ensure(Image("tiny", f"{address}/disk"))


def test_many_threads_fetch_an_image_once(cache, pool, server):
    image = Image("tiny", f"{server.address}/disk", CHECKSUM)
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _number: cache.ensure(image), range(16)))
    assert len(found) == 1
    assert server.requests == 1
    assert len(list(pool.iterdir())) == 1


FETCH = """
import sys
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.virt.images import ImageCache
print(ImageCache(sys.argv[1], deadline=20).ensure(Image("tiny", *sys.argv[2:])).path)
"""


def test_many_processes_fetch_an_image_once(pool, server):
    command = [sys.executable, "-c", FETCH, str(pool), f"{server.address}/disk", CHECKSUM]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _number in range(4)]
    found = {process.communicate(timeout=30)[0] for process in processes}
    assert found == {f"{pool}/novella-base-{CHECKSUM[7:]}.raw\n"}
    assert server.requests == 1


def test_what_a_crashed_fetch_left_is_removed_by_the_next(cache, pool, source):
    other = pool / f"novella-base-{'1' * 64}.part"
    same = pool / f"novella-base-{CHECKSUM[7:]}.part"
    for part in (other, same):
        part.write_bytes(b"half a disk")
    found = cache.ensure(Image("tiny", str(source), CHECKSUM))
    assert [str(path) for path in pool.iterdir()] == [found.path]
    assert Path(found.path).read_bytes() == DISK


def test_the_part_that_another_is_fetching_is_let_be(cache, pool, source):
    part = pool / f"novella-base-{'1' * 64}.part"
    part.write_bytes(b"half a disk")
    with part.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        cache.ensure(Image("tiny", str(source), CHECKSUM))
        assert part.read_bytes() == b"half a disk"


def test_waiting_for_another_fetch_has_an_end(pool, source):
    part = pool / f"novella-base-{CHECKSUM[7:]}.part"
    with part.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DeadlineExceeded, match="Another process"):
            ImageCache(str(pool), deadline=0.2).ensure(Image("tiny", str(source), CHECKSUM))


def test_an_image_above_the_limit_is_refused(pool, source):
    small = ImageCache(str(pool), max_bytes=1 << 20)
    with pytest.raises(ImageUnacceptable, match="larger than"):
        small.ensure(Image("tiny", str(source)))
    assert list(pool.iterdir()) == []
