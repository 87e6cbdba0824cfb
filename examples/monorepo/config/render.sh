#!/bin/sh
# Usage: render.sh ENVIRONMENT WORKERS VERSION. Writes service.conf.
set -eu
sed -e "s/@ENVIRONMENT@/$1/" -e "s/@WORKERS@/$2/" -e "s/@VERSION@/$3/" service.conf.in > service.conf
