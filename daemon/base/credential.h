/* Files that hold secrets: the configuration names them, never what they hold. A name with a slash is a path;
 * one without is a credential that systemd (LoadCredential=) lays into $CREDENTIALS_DIRECTORY. Any thread. */
#ifndef DUST_CREDENTIAL_H
#define DUST_CREDENTIAL_H

enum { CREDENTIAL_PATH_MAX = 4096 };

/* Where to open it; returns `path`. Without $CREDENTIALS_DIRECTORY the path says so and cannot be opened. */
char *credential_path(const char *name, char path[static CREDENTIAL_PATH_MAX]);

/* NULL for a name that can be one, "" too, else what is allowed. */
const char *credential_check(const char *name);

#endif
