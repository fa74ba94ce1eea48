#include "daemon/store/journal.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"

#include <assert.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

void hash_bytes(const void *bytes, size_t length, uint8_t hash[static HASH_SIZE])
{
    crypto_hash_sha256(hash, bytes, length);
}

void hash_hex(const uint8_t hash[static HASH_SIZE], char hex[static 65])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HASH_SIZE; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 0xf];
    }
    hex[64] = 0;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hash_parse(const char *hex, uint8_t hash[static HASH_SIZE])
{
    for (size_t i = 0; i < HASH_SIZE; i++) {
        int high = digit(hex[2 * i]), low = high < 0 ? -1 : digit(hex[2 * i + 1]);
        if (low < 0)
            return ERR_FORMAT;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return hex[64] ? ERR_FORMAT : ERR_OK;
}

static void chain(const uint8_t previous[static HASH_SIZE], int64_t seq, const uint8_t body[static HASH_SIZE],
                  uint8_t hash[static HASH_SIZE])
{
    uint8_t link[HASH_SIZE + 8 + HASH_SIZE];
    memcpy(link, previous, HASH_SIZE);
    for (int i = 0; i < 8; i++)
        link[HASH_SIZE + i] = (uint8_t)((uint64_t)seq >> (56 - 8 * i));
    memcpy(link + HASH_SIZE + 8, body, HASH_SIZE);
    hash_bytes(link, sizeof link, hash);
}

/* Whether the JSON string that starts at `text` (a quote) says `wanted`. */
static bool string_says(const char *text, const char *wanted)
{
    size_t n = 1;
    bool escaped = false;
    for (; text[n] && text[n] != '"'; n++) {
        if (text[n] != '\\')
            continue;
        escaped = true;
        if (text[++n] == 0)
            return false;
    }
    if (text[n] != '"')
        return false;
    if (!escaped)
        return strlen(wanted) == n - 1 && memcmp(text + 1, wanted, n - 1) == 0;
    json_t *string = json_loadb(text, n + 1, JSON_DECODE_ANY, NULL);
    const char *value = json_string_value(string);
    bool same = value && strcmp(value, wanted) == 0;
    json_decref(string);
    return same;
}

/* The chain covers the body; this covers the columns beside it: the body starts with them. */
static bool body_says(const char *body, int64_t at_ms, const char *kind, const char *subject)
{
    char start[96];
    int n =
        snprintf(start, sizeof start, "{\"ts\":%lld,\"kind\":\"%s\",\"subject\":", (long long)at_ms, kind);
    if (n < 0 || n >= (int)sizeof start || strncmp(body, start, (size_t)n) != 0)
        return false;
    return body[n] == '"' && string_says(body + n, subject);
}

void journal_append(struct journal *j, struct row *row, int64_t at_ms, const char *kind, const char *subject,
                    char *body)
{
    assert(body_says(body, at_ms, kind, subject));
    *row = (struct row){.seq = j->seq + 1,
                        .at_ms = at_ms,
                        .kind = mem_string(kind),
                        .subject = mem_string(subject),
                        .body = body};
    hash_bytes(body, strlen(body), row->body_sha256);
    chain(j->hash, row->seq, row->body_sha256, row->hash);
    j->seq = row->seq;
    memcpy(j->hash, row->hash, HASH_SIZE);
}

int journal_check(struct journal *j, const struct row *row)
{
    uint8_t hash[HASH_SIZE];
    if (row->seq != j->seq + 1)
        return ERR_DAMAGED;
    if (row->body) {
        hash_bytes(row->body, strlen(row->body), hash);
        if (memcmp(hash, row->body_sha256, HASH_SIZE) != 0 ||
            !body_says(row->body, row->at_ms, row->kind, row->subject))
            return ERR_DAMAGED;
    }
    chain(j->hash, row->seq, row->body_sha256, hash);
    if (memcmp(hash, row->hash, HASH_SIZE) != 0)
        return ERR_DAMAGED;
    j->seq = row->seq;
    memcpy(j->hash, hash, HASH_SIZE);
    return ERR_OK;
}

void row_finish(struct row *row)
{
    mem_free(row->kind);
    mem_free(row->subject);
    mem_free(row->body);
    row->kind = row->subject = row->body = NULL;
}
