/* When certificates end: what we ask libcrypto beside the brokers' TLS. */
#ifndef DUST_CERT_H
#define DUST_CERT_H

#include <stdint.h>

/* When the first of a PEM file's certificates ends, ms since 1970. ERR_NOT_FOUND: no such file; ERR_FORMAT:
 * no certificate in it; ERR_IO. */
int cert_ends(const char *file, int64_t *ends_ms);

#endif
