/* Files that hold secrets: the configuration names them, never what they hold. A name with a slash is a path;
 * one without is a credential that systemd (LoadCredential=) lays into $CREDENTIALS_DIRECTORY. Any thread. */
#ifndef DUST_CREDENTIAL_H
#define DUST_CREDENTIAL_H

#include <stddef.h>

enum { CREDENTIAL_PATH_MAX = 4096, CREDENTIAL_LINE_MAX = 1024 };

/* Where to open it; returns `path`. Without $CREDENTIALS_DIRECTORY the path says so and cannot be opened. */
char *credential_path(const char *name, char path[static CREDENTIAL_PATH_MAX]);

/* NULL for a name that can be one, "" too, else what is allowed. */
const char *credential_check(const char *name);

/* The file's first line, without its end. The caller wipes it (explicit_bzero). ERR_IO with a reason in `why`
 * that names the file and nothing in it. */
int credential_line(const char *name, char line[static CREDENTIAL_LINE_MAX], char *why, size_t size);

#endif
