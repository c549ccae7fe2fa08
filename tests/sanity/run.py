# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ansible-test sanity`` on the collection exactly as it ships, without containers.

Usage: run.py [ansible-test arguments, such as ``--test pep8``]

ansible-test insists on a real path ``ansible_collections/novella/compute``, so the Galaxy tarball is built and
installed into one. All tests run with this Python; what hosts run is compiled and imported with Python 3.9 too,
where this machine has one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
HOST_PYTHON = "3.9"

# ansible-test would download this file into its cache, from a site of its own that may not be reachable.
GET_PIP = "import ensurepip\n\nensurepip.bootstrap()\n"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="novella-sanity-") as folder:
        collection = install_collection(Path(folder))
        environment = prepare_environment(Path(folder) / "bin")
        results = [run_tests(collection, environment, THIS_PYTHON, sys.argv[1:])]
        if len(sys.argv) == 1 and offer_python(Path(folder) / "bin", HOST_PYTHON):
            results.append(run_tests(collection, environment, HOST_PYTHON, ["--test", "compile", "--test", "import"]))
    return max(results)


def install_collection(folder: Path) -> Path:
    """Build the Galaxy tarball and install it where ansible-test accepts it."""
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    subprocess.run([*galaxy, "build", str(ROOT), "--output-path", str(folder)], check=True, stdout=subprocess.DEVNULL)
    (tarball,) = folder.glob("*.tar.gz")
    # Forced, because the editable install would count as one.
    install = [*galaxy, "install", "--offline", "--force", "--collections-path", str(folder), str(tarball)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder)}
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL, env=environment)
    collection = folder / "ansible_collections" / "novella" / "compute"
    (collection / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "config.yml", collection / "tests")
    return collection


def prepare_environment(bin_folder: Path) -> dict[str, str]:
    """Give ansible-test what it would download, and return an environment with this Python first on PATH."""
    version = get_venv_packages(SimpleNamespace(version=THIS_PYTHON))["pip"]
    get_pip = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
    if not get_pip.exists():
        get_pip.parent.mkdir(parents=True, exist_ok=True)
        get_pip.write_text(GET_PIP)
    bin_folder.mkdir()
    offer_python(bin_folder, THIS_PYTHON)
    path = os.pathsep.join([str(bin_folder), str(BIN), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


def offer_python(bin_folder: Path, version: str) -> bool:
    """Link an interpreter into `bin_folder`; version managers' shims on PATH fail for versions that are off.

    Returns:
        Whether this machine has one.
    """
    name = f"python{version}"
    places = [Path(sys.base_prefix, "bin"), Path("/usr/bin"), Path("/usr/local/bin")]
    places += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin"))
    for place in places:
        if (place / name).is_file():
            (bin_folder / name).symlink_to(place / name)
            return True
    return False


def run_tests(collection: Path, environment: dict[str, str], python: str, arguments: list[str]) -> int:
    command = [str(BIN / "ansible-test"), "sanity", "--local", "--python", python, "--color", "no", *arguments]
    print("+", *command, flush=True)
    return subprocess.run(command, cwd=collection, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
