#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes lua/sx's cdef: sx.h through the preprocessor, without attributes and system headers, and the struct sizes.
# usage: cdef.sh SX_H SIZES_PROGRAM INCLUDE_FOLDER COMPILER...
set -eu
header=$1 sizes=$2 include=$3
shift 3
abi=$(sed -n 's/^#define SX_ABI_VERSION //p' "$header")
echo "-- Made from module/sx.h; not to be edited."
echo "return {"
echo "	abi_version = $abi;"
echo "	sizes = $("$sizes");"
echo "	source = [["
# Lines of the two headers of ours only: the preprocessor names each file before its lines.
"$@" -E -I"$include" -DSX_API= -DSX_MUST_CHECK= "-D__attribute__(x)=" "$header" |
	awk '/^# [0-9]+ "/ { ours = $3 ~ /(sx|status)\.h"$/; next } ours && NF'
echo "]];"
echo "}"
