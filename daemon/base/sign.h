/* Ed25519 signatures, by libsodium. A public key is its 32 raw bytes (RFC 8032). Its fingerprint is the
 * SHA-256 of these, 64 hex digits in 16 groups of four with
 * '-' between: what people compare over the telephone. */
#ifndef DUST_SIGN_H
#define DUST_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIGN_KEY_SIZE = 32, SIGNATURE_SIZE = 64, FINGERPRINT_SIZE = 80 };

struct signer; /* a private key */

/* A new key. NULL: libsodium cannot start. */
struct signer *signer_make(void);

/* The key as PEM (PKCS #8), zero-ended: `openssl pkey` reads it. signer_print: the caller frees (mem_free).
 * signer_read: NULL when it is no Ed25519 key as `openssl genpkey` writes it without a pass phrase (RFC 8410,
 * without attributes). */
char *signer_print(const struct signer *s);
struct signer *signer_read(const char *pem);

const uint8_t *signer_public(const struct signer *s); /* SIGN_KEY_SIZE bytes */

/* False: libsodium fails. */
bool signer_sign(const struct signer *s, const void *bytes, size_t length,
                 uint8_t signature[static SIGNATURE_SIZE]);

/* Overwrites the private key. Accepts NULL. */
void signer_free(struct signer *s);

/* Whether the signature of these bytes is that key's (RFC 8032, section 5.1.7). */
bool sign_verifies(const uint8_t key[static SIGN_KEY_SIZE], const void *bytes, size_t length,
                   const uint8_t signature[static SIGNATURE_SIZE]);

/* The key's fingerprint, zero-ended. */
void sign_fingerprint(const uint8_t key[static SIGN_KEY_SIZE], char text[static FINGERPRINT_SIZE]);

/* A fingerprint as people type it (capitals, blanks, ':' or nothing between the groups), in the form above.
 * ERR_FORMAT: not 64 hex digits. */
int sign_parse_fingerprint(const char *typed, char text[static FINGERPRINT_SIZE]);

#endif
