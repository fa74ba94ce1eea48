/* Signed heads: the gateway's word, with its key, that row `seq` of its journal had this hash at this time.
 * A row of kind "head" carries it: {"ts","kind":"head","subject":"","head_seq","head_hash","key","sig"}, all
 * but head_seq as hex digits; head_seq is the row before. Signed are HEAD_BYTES bytes in this order, numbers
 * big-endian:
 *    0  12  "dustd head 1"
 *   12   1  0 measured, 1 simulated
 *   13  16  journal id (its 32 hex digits as bytes)
 *   29   8  head_seq
 *   37  32  head_hash
 *   69   8  ts, ms since 1970 UTC, site time
 * Pure. */
#ifndef DUST_HEAD_H
#define DUST_HEAD_H

#include "daemon/base/sign.h"
#include "daemon/store/journal.h"

#include <jansson.h>

enum { HEAD_BYTES = 77 };

struct signed_head {
    struct journal head; /* id, seq, hash: what is signed for */
    int64_t at_ms;
    bool simulated;
    uint8_t key[SIGN_KEY_SIZE], signature[SIGNATURE_SIZE];
};

/* The signed bytes. ERR_FORMAT: the journal id is no 32 hex digits. */
int head_bytes(const struct signed_head *h, uint8_t bytes[static HEAD_BYTES]);

/* Signs id, seq, hash, at_ms and simulated; fills key and signature. ERR_IO: libsodium fails. */
int head_sign(struct signed_head *h, const struct signer *by);

/* Adds head_seq, head_hash, key and sig to a row's body. */
void head_print(const struct signed_head *h, json_t *body);

/* Reads the body of a row of kind "head" of `journal`. ERR_FORMAT: it is none. */
int head_read(const json_t *body, const char *journal, struct signed_head *h);

/* Whether the signature is that of its own key. Whose key that is, is another question. */
bool head_verifies(const struct signed_head *h);

/* `size` bytes as hex digits and a zero byte; and back, ERR_FORMAT. */
void hex_print(const uint8_t *bytes, size_t size, char *hex);
int hex_parse(const char *hex, uint8_t *bytes, size_t size);

#endif
