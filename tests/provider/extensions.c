/* SPDX-License-Identifier: MIT */
#include "extensions.h"

struct extensions ext;

static void *ask(GUID id)
{
	int error = 0;
	void *f = spi_extension(&id, &error);

	CHECK_CODE(error, 0);
	CHECK(f != NULL);
	return f;
}

void ext_start(void)
{
	spi_start();
	ext.capabilities = (LPFN_WSDQUERYCAPABILITIES)ask(
		(GUID)WSDID_QUERYCAPABILITIES);
	ext.wait_handle = (LPFN_WSDGETWAITHANDLE)ask(
		(GUID)WSDID_GETWAITHANDLE);
	ext.arm = (LPFN_WSDARM)ask((GUID)WSDID_ARM);
	ext.peer_identity = (LPFN_WSDPEERIDENTITY)ask(
		(GUID)WSDID_PEERIDENTITY);
	ext.stop_listening = (LPFN_WSDSTOPLISTENING)ask(
		(GUID)WSDID_STOPLISTENING);
	ext.abandon = (LPFN_WSDABANDON)ask((GUID)WSDID_ABANDON);
	ext.networks = (LPFN_WSDQUERYNETWORKS)ask((GUID)WSDID_QUERYNETWORKS);
	ext.open_channel = (LPFN_WSDOPENCHANNEL)ask((GUID)WSDID_OPENCHANNEL);
}

int ext_arm(SOCKET s, DWORD interest)
{
	int err = 0;

	return ext.arm(s, interest, &err) ? err : 0;
}

bool ext_rings(WSDWAITHANDLE h)
{
	return os_handle_wait(h, 0) == ST_OK;
}

static int CALLBACK reject(LPWSABUF id, LPWSABUF data, LPQOS sqos, LPQOS gqos,
	LPWSABUF callee, LPWSABUF callee_data, GROUP *g, DWORD_PTR context)
{
	return CF_REJECT;
}

void ext_reject_next(SOCKET listener)
{
	int err = 0;

	spi.t.lpWSPAccept(listener, NULL, NULL, reject, 0, &err);
}
