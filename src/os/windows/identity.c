/* SPDX-License-Identifier: MIT */
/*
 * identity.c - users.
 *
 * Every object that another process can find by name carries an access list
 * with one entry: this user. So whoever opens a pipe of ours is this user with
 * at least our integrity level (the system lets no lower one write), in other
 * words somebody who could open this very process. That is why handles may be
 * exchanged with whoever got in.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define SID_ROOM 256

struct user {
	TOKEN_USER token;
	uint8_t sid[SID_ROOM];
};

struct guard {
	SECURITY_ATTRIBUTES attributes;
	SECURITY_DESCRIPTOR descriptor;
	struct {
		ACL head;
		uint8_t room[sizeof(ACCESS_ALLOWED_ACE) + SID_ROOM];
	} list;
};

static struct user me;
static struct guard guard;
static uint32_t number;
static bool known;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

static bool token_user(HANDLE token, struct user *out)
{
	DWORD used;

	return GetTokenInformation(token, TokenUser, out, sizeof *out, &used);
}

/* A number for people and logs; who is who is decided by the whole SID. */
static uint32_t number_of(const struct user *u)
{
	const uint8_t *p = u->token.User.Sid;
	DWORD len = GetLengthSid(u->token.User.Sid);
	uint32_t hash = 2166136261u;

	for (DWORD i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 16777619u;
	return hash ? hash : 1;
}

static bool make_guard(void)
{
	if (!InitializeSecurityDescriptor(&guard.descriptor,
		    SECURITY_DESCRIPTOR_REVISION) ||
		!InitializeAcl(&guard.list.head, sizeof guard.list,
			ACL_REVISION) ||
		!AddAccessAllowedAce(&guard.list.head, ACL_REVISION,
			GENERIC_ALL, me.token.User.Sid) ||
		!SetSecurityDescriptorDacl(&guard.descriptor, TRUE,
			&guard.list.head, FALSE))
		return false;
	guard.attributes.nLength = sizeof guard.attributes;
	guard.attributes.lpSecurityDescriptor = &guard.descriptor;
	return true;
}

static BOOL CALLBACK find_out(INIT_ONCE *o, void *unused, void **context)
{
	HANDLE token;

	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
		return TRUE;
	known = token_user(token, &me) && make_guard();
	if (known)
		number = number_of(&me);
	CloseHandle(token);
	return TRUE;
}

static bool know(void)
{
	InitOnceExecuteOnce(&once, find_out, NULL, NULL);
	return known;
}

SECURITY_ATTRIBUTES *win_own_user_only(void)
{
	return know() ? &guard.attributes : NULL;
}

uint32_t os_user_id(void)
{
	return know() ? number : 0;
}

/* ---- others ----------------------------------------------------------- */

struct label {
	TOKEN_MANDATORY_LABEL label;
	uint8_t sid[SID_ROOM];
};

/* How much it is trusted: low, medium, high, ... 0: the system has none. */
static DWORD integrity(HANDLE token)
{
	struct label l;
	DWORD used;
	PSID sid;

	if (!GetTokenInformation(token, TokenIntegrityLevel, &l, sizeof l,
		    &used))
		return 0;
	sid = l.label.Label.Sid;
	return *GetSidSubAuthority(sid,
		(DWORD)(*GetSidSubAuthorityCount(sid) - 1));
}

static bool token_is_ours(HANDLE theirs)
{
	struct user u;
	HANDLE mine;
	bool ours;

	if (!token_user(theirs, &u) ||
		!EqualSid(u.token.User.Sid, me.token.User.Sid) ||
		!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mine))
		return false;
	ours = integrity(theirs) >= integrity(mine);
	CloseHandle(mine);
	return ours;
}

bool win_process_is_ours(uint32_t pid)
{
	HANDLE process, token;
	bool ours = false;

	if (pid == GetCurrentProcessId())
		return true;
	process = know() ? OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION,
				   FALSE, pid) : NULL;
	if (!process)
		return false;
	if (OpenProcessToken(process, TOKEN_QUERY, &token)) {
		ours = token_is_ours(token);
		CloseHandle(token);
	}
	CloseHandle(process);
	return ours;
}
