#!/bin/sh
# Writes the release's version and its files, sorted, to RELEASE.
set -eu
{
    echo "version $1"
    find . -mindepth 2 -type f -not -path '*/node_modules/*' | LC_ALL=C sort
} > RELEASE
