#!/bin/sh
# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Stands in a guest for its agent, and means harm. What it does is in the path of the file that it is to open. After
# what libvirt does not forgive it ends, and is started anew.
exec 3<>/dev/virtio-ports/org.qemu.guest_agent.0

say() { printf '%s\n' "$1" >&3; }

# Say nothing more for so many seconds, and end.
fall_silent() {
  sleep "$1"
  exit
}

while :; do
  # While libvirt is not connected there is nothing to read. An agent that ended for that would open and close its port
  # about as often as QEMU tells of that, and libvirt might never hear that it is open.
  IFS= read -r line <&3 || { sleep 1; continue; }
  case $line in
    *guest-sync*) say "{\"return\": $(expr "$line" : '.*"id":\([0-9]*\)')}" ;;
    *guest-ping*) say '{"return": {}}' ;;
    *guest-shutdown*) echo "HOSTILE heard shutdown" >/dev/console ;;
    *guest-set-user-password*)
      secret=$(expr "$line" : '.*"password":"\([^"]*\)"' | base64 -d)
      say "{\"error\": {\"class\": \"GenericError\", \"desc\": \"I was told $secret\"}}"
      ;;
    */silence*) fall_silent 12 ;;
    */garbage*)
      head -c 4096 /dev/urandom >&3
      fall_silent 12
      ;;
    */flood*)
      { printf '{"return": "' && head -c 12000000 /dev/zero | tr '\0' x; } >&3 &
      # From some size on nobody reads it.
      sleep 8
      killall head tr
      exit
      ;;
    */megabyte*)
      printf '{"return": "' >&3
      head -c 1000000 /dev/zero | tr '\0' x >&3
      say '"}'
      ;;
    */nested*)
      say "$(head -c 5000 /dev/zero | tr '\0' '[')"
      fall_silent 1
      ;;
    */escapes*) say '{"error": {"class": "GenericError", "desc": "\u001b[2J\u001b]0;owned\u0007 no space left"}}' ;;
    */number*) say '{"return": "$(touch /tmp/owned); seven"}' ;;
    *) say '{"return": {}}' ;;
  esac
done
