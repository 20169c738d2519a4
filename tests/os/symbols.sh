#!/bin/sh
# SPDX-License-Identifier: MIT
#
# symbols.sh - what lives inside a program never calls what the preload library
# replaces there, except by syscall(2).
#
#     symbols.sh PRELOAD_LIBRARY PROVIDER_LIBRARY ARCHIVE...
#
# The archives are the layers below the front end; only members that were
# linked into the preload library count. Speaks TAP.
set -eu
export LC_ALL=C

preload=$1 provider=$2
shift 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# But for sigaction: os_library_open puts the program's handlers back, and the
# preload library keeps these.
nm -D --defined-only "$preload" | awk '$3 != "sigaction" {print $3}' |
	sort -u >"$tmp/replaced"
nm "$preload" | awk 'NF == 3 {print $3}' | sort -u >"$tmp/linked"

# members ARCHIVE: "defines MEMBER NAME" and "calls MEMBER NAME".
members() {
	nm -A "$1" | awk '{
		n = split($1, path, ":")
		member = path[n - 1] == "" ? path[n - 2] : path[n - 1]
		if ($(NF - 1) == "T") print "defines", member, $NF
		if ($(NF - 1) == "U") print "calls", member, $NF
	}'
}

# Calls that a member which is linked makes to a replaced function.
wrong_calls() {
	awk '
		FILENAME == ARGV[1] {replaced[$1] = 1; next}
		FILENAME == ARGV[2] {linked[$1] = 1; next}
		$1 == "defines" && $3 in linked {in_use[$2] = 1}
		$1 == "calls" && $3 in replaced {calls[$2] = calls[$2] " " $3}
		END {
			for (m in in_use) n++
			if (!n) print "no member is linked: nothing was looked at"
			for (m in calls) if (m in in_use) print m ":" calls[m]
		}' "$tmp/replaced" "$tmp/linked" "$1"
}

count=0 failed=0

# report NAME: passes if $tmp/found is empty.
report() {
	count=$((count + 1))
	if [ -s "$tmp/found" ]; then
		sed 's/^/# /' "$tmp/found"
		echo "not ok $count - $1"
		failed=1
	else
		echo "ok $count - $1"
	fi
}

for name in read write close socket connect; do
	grep -qx "$name" "$tmp/replaced" || echo "not replaced: $name"
done >"$tmp/found"
report "the_list_of_replaced_functions_is_there"

nm -D --undefined-only "$provider" | awk '{sub(/@.*/, "", $2); print $2}' |
	sort -u | comm -12 - "$tmp/replaced" >"$tmp/found"
report "the_provider_enters_the_kernel_directly"

for archive; do
	members "$archive" >"$tmp/members"
	wrong_calls "$tmp/members" >"$tmp/found"
	report "$(basename "$archive" .a)_enters_the_kernel_directly"
done
echo "1..$count"
exit $failed
