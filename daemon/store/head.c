#include "daemon/store/head.h"

#include "daemon/base/err.h"

#include <string.h>

enum { MAGIC_SIZE = 12, ID_SIZE = 16, HEX_MAX = 2 * SIGNATURE_SIZE + 1 };

static const char magic[] = "dustd head 1";

void hex_print(const uint8_t *bytes, size_t size, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 0xf];
    }
    hex[2 * size] = 0;
}

int hex_parse(const char *hex, uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    if (!hex || strlen(hex) != 2 * size)
        return ERR_FORMAT;
    for (size_t i = 0; i < size; i++) {
        const char *high = strchr(digits, hex[2 * i]), *low = strchr(digits, hex[2 * i + 1]);
        if (!high || !low)
            return ERR_FORMAT;
        bytes[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return ERR_OK;
}

static uint8_t *put_number(uint8_t *to, int64_t number)
{
    for (int i = 0; i < 8; i++)
        *to++ = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    return to;
}

int head_bytes(const struct signed_head *h, uint8_t bytes[static HEAD_BYTES])
{
    uint8_t *to = bytes;
    memcpy(to, magic, MAGIC_SIZE);
    to += MAGIC_SIZE;
    *to++ = h->simulated;
    if (hex_parse(h->head.id, to, ID_SIZE) != ERR_OK)
        return ERR_FORMAT;
    to = put_number(to + ID_SIZE, h->head.seq);
    memcpy(to, h->head.hash, HASH_SIZE);
    put_number(to + HASH_SIZE, h->at_ms);
    return ERR_OK;
}

int head_sign(struct signed_head *h, const struct signer *by)
{
    uint8_t bytes[HEAD_BYTES];
    memcpy(h->key, signer_public(by), SIGN_KEY_SIZE);
    int rc = head_bytes(h, bytes);
    if (rc != ERR_OK)
        return rc;
    return signer_sign(by, bytes, sizeof bytes, h->signature) ? ERR_OK : ERR_IO;
}

static void add_hex(json_t *body, const char *name, const uint8_t *bytes, size_t size)
{
    char hex[HEX_MAX];
    hex_print(bytes, size, hex);
    json_object_set_new(body, name, json_string(hex));
}

void head_print(const struct signed_head *h, json_t *body)
{
    json_object_set_new(body, "head_seq", json_integer(h->head.seq));
    add_hex(body, "head_hash", h->head.hash, HASH_SIZE);
    add_hex(body, "key", h->key, SIGN_KEY_SIZE);
    add_hex(body, "sig", h->signature, SIGNATURE_SIZE);
}

static const char *text_of(const json_t *body, const char *name)
{
    return json_string_value(json_object_get(body, name));
}

int head_read(const json_t *body, const char *journal, struct signed_head *h)
{
    const json_t *at = json_object_get(body, "ts"), *seq = json_object_get(body, "head_seq");
    *h = (struct signed_head){.simulated = json_is_true(json_object_get(body, "simulated"))};
    if (!json_is_integer(at) || !json_is_integer(seq) || strlen(journal) >= sizeof h->head.id ||
        hex_parse(text_of(body, "head_hash"), h->head.hash, HASH_SIZE) != ERR_OK ||
        hex_parse(text_of(body, "key"), h->key, SIGN_KEY_SIZE) != ERR_OK ||
        hex_parse(text_of(body, "sig"), h->signature, SIGNATURE_SIZE) != ERR_OK)
        return ERR_FORMAT;
    memcpy(h->head.id, journal, strlen(journal));
    h->head.seq = json_integer_value(seq);
    h->at_ms = json_integer_value(at);
    return ERR_OK;
}

bool head_verifies(const struct signed_head *h)
{
    uint8_t bytes[HEAD_BYTES];
    return head_bytes(h, bytes) == ERR_OK && sign_verifies(h->key, bytes, sizeof bytes, h->signature);
}
