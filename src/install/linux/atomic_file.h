/* SPDX-License-Identifier: MIT */
/* atomic_file.h - a small file that is there whole or not at all. */
#ifndef WSD_INSTALL_LINUX_ATOMIC_FILE_H
#define WSD_INSTALL_LINUX_ATOMIC_FILE_H

/*
 * Makes the file, readable by all, with these bytes, on the disk when this
 * returns. 0, EEXIST when there is a file of that name (which stays as it is),
 * or another errno value; then nothing is left behind.
 */
int atomic_file_create(const char *path, const char *text);

/* Makes the folder and those it lies in. 0, or an errno value. */
int folder_create(const char *path);

#endif
