# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# One JSON document in, one line per value out: path.of.keys=value (list items by their index).

{ text = text $0 "\n" }

END { length_of_text = length(text); at = 1; read_value("") }

function skip_space() { while (index(" \t\r\n", char()) && at <= length_of_text) at++ }
function char() { return substr(text, at, 1) }
function join(path, key) { return path == "" ? key : path "." key }

function read_string(   value, c) {
  at++
  while (at <= length_of_text && (c = char()) != "\"") {
    if (c == "\\") {
      at++
      c = char()
      # A line is one value, so a line break inside one stays escaped.
      if (c != "\"" && c != "\\" && c != "/") c = "\\" c
    }
    value = value c
    at++
  }
  at++
  return value
}

function read_value(path,   key, position, value) {
  skip_space()
  if (char() == "{") {
    at++
    for (skip_space(); char() != "}" && at <= length_of_text; skip_space()) {
      if (char() == ",") { at++; continue }
      key = read_string()
      skip_space()
      at++
      read_value(join(path, key))
    }
    at++
  } else if (char() == "[") {
    at++
    position = 0
    for (skip_space(); char() != "]" && at <= length_of_text; skip_space()) {
      if (char() == ",") { at++; continue }
      read_value(join(path, position++))
    }
    at++
  } else if (char() == "\"") {
    print path "=" read_string()
  } else {
    while (at <= length_of_text && !index(",]} \t\r\n", char())) { value = value char(); at++ }
    print path "=" value
  }
}
