#!/bin/sh
# Qt, OpenGL and a virtual screen for Debian and Ubuntu. Other systems, and users who are not root, are told in one line.
set -eu
packages="libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 libxkbcommon-x11-0
libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0
libxcb-xinerama0 xvfb xauth python3-venv"

command -v dpkg-query >/dev/null 2>&1 || exit 0 # not Debian: macOS and Windows wheels bring what they need
missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "napari's window needs these Debian packages; ask an administrator to run: sudo apt-get install -y$missing" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
