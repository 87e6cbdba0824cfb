#!/bin/sh
# Fails if service.conf has a place that was not filled in, or a line that is no setting.
set -eu
if grep -n '@\|^[a-z]* = $' service.conf; then
    echo "service.conf has settings without a value" >&2
    exit 1
fi
test "$(grep -c '^[a-z]* = [A-Za-z0-9.-]*$' service.conf)" -eq 3
