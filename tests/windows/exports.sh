#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# exports.sh DLL: it exports WSPStartupEx, so spelt, and nothing else (R1).

set -u
names=$("${OBJDUMP:-objdump}" -p "$1" |
	sed -n '/\[Ordinal\/Name Pointer\] Table/,/^$/p' |
	sed -n 's/^[[:space:]]*\[ *[0-9]*\]\( +base\[ *[0-9]*\]\)\{0,1\}  *\([0-9a-f]\{4\} \)\{0,1\}//p')
echo "1..1"
if [ "$names" = WSPStartupEx ]; then
	echo "ok 1 - R1 the library exports WSPStartupEx and nothing else"
else
	echo "# exported:" $names
	echo "not ok 1 - R1 the library exports WSPStartupEx and nothing else"
	exit 1
fi
