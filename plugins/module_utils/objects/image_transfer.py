# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of an image that is brought from one host to another."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Record


@dataclass(frozen=True)
class ImageOffer(Record):
    """An image as it is on its host: `length` in bytes, and a `mark` that differs when the content does."""

    mark: str
    length: int


@dataclass(frozen=True)
class ImagePiece(Record):
    """A file with the packed bytes of an image from `begin` to before `end`, on the host that works on it."""

    file: str
    begin: int
    end: int
