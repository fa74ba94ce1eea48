/* The hash chain. Pure: main appends rows here and hands them to the store thread; verify walks them again.
 *   hash = SHA-256(previous hash || seq as 8 bytes big-endian || SHA-256(body))
 * A body is the exact JSON text that is published; it starts {"ts":<at_ms>,"kind":"…","subject":"…" so that
 * the columns beside it are covered by the chain too: journal_append asserts it, journal_check demands it.
 * The first row's previous hash is 32 zero bytes. */
#ifndef DUST_JOURNAL_H
#define DUST_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_SIZE = 32, JOURNAL_ID_SIZE = 33, ROW_BODY_MAX = 12288 };

struct row {
    int64_t seq;   /* from 1, without a gap */
    int64_t at_ms; /* site time; may step back, never a key */
    char *kind; /* minute hour day verdict issue device line boot gap clock settings journal head key stop */
    char *subject; /* what it is about: a device, a limit, an issue; "" for none */
    char *body;    /* JSON text */
    uint8_t body_sha256[HASH_SIZE], hash[HASH_SIZE];
};

struct journal {              /* the head: where the next row goes */
    char id[JOURNAL_ID_SIZE]; /* 32 hex digits, random, made with the database */
    int64_t seq;              /* of the last row, 0 for none */
    uint8_t hash[HASH_SIZE];
};

/* Fills the row's seq, body_sha256 and hash and moves the head. kind and subject are copied, `body` becomes
 * the row's (row_finish). */
void journal_append(struct journal *j, struct row *row, int64_t at_ms, const char *kind, const char *subject,
                    char *body);

/* Whether `row` follows the head; moves it if so. ERR_DAMAGED otherwise. A row without body (retention) is
 * checked by its stored body_sha256. */
int journal_check(struct journal *j, const struct row *row);

/* SHA-256 (FIPS 180-4) of the bytes; and a hash as 64 lower case hex digits, zero-ended. */
void hash_bytes(const void *bytes, size_t length, uint8_t hash[static HASH_SIZE]);
void hash_hex(const uint8_t hash[static HASH_SIZE], char hex[static 65]);

/* 64 lower case hex digits back into bytes; ERR_FORMAT. */
int hash_parse(const char *hex, uint8_t hash[static HASH_SIZE]);

/* Frees the strings, not the struct. */
void row_finish(struct row *row);

#endif
