/* SPDX-License-Identifier: MIT */
/* wsa_text.h - Winsock codes, for people. */
#ifndef WSD_CLI_WSA_TEXT_H
#define WSD_CLI_WSA_TEXT_H

#define WSA_TEXT_MAX 120

/* "refused (WSAECONNREFUSED)", "code 12345"; returns text. */
const char *wsa_text(int code, char text[WSA_TEXT_MAX]);

#endif
