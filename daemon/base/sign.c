#include "daemon/base/sign.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"

#include <string.h>

#include <sodium.h>

enum { FINGERPRINT_DIGITS = 64 };

/* A private key in PEM is this and its 32 bytes (RFC 8410, section 7: PrivateKeyInfo, version 0, 1.3.101.112,
 * no attributes). */
static const uint8_t pkcs8[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
enum { PKCS8_SIZE = sizeof pkcs8 + crypto_sign_SEEDBYTES };
static const char pem_begin[] = "-----BEGIN PRIVATE KEY-----", pem_end[] = "-----END PRIVATE KEY-----";

struct signer {
    uint8_t secret[crypto_sign_SECRETKEYBYTES]; /* the seed, then the public key */
    uint8_t public[SIGN_KEY_SIZE];
};

static struct signer *signer_of(const uint8_t seed[static crypto_sign_SEEDBYTES])
{
    struct signer *s = mem_new(struct signer);
    crypto_sign_seed_keypair(s->public, s->secret, seed);
    return s;
}

struct signer *signer_make(void)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    if (sodium_init() < 0)
        return NULL;
    randombytes_buf(seed, sizeof seed);
    struct signer *s = signer_of(seed);
    sodium_memzero(seed, sizeof seed);
    return s;
}

char *signer_print(const struct signer *s)
{
    uint8_t bytes[PKCS8_SIZE];
    char base64[PKCS8_SIZE / 3 * 4 + 1];
    memcpy(bytes, pkcs8, sizeof pkcs8);
    crypto_sign_ed25519_sk_to_seed(bytes + sizeof pkcs8, s->secret);
    sodium_bin2base64(base64, sizeof base64, bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
    char *pem = mem_printf("%s\n%s\n%s\n", pem_begin, base64, pem_end);
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(base64, sizeof base64);
    return pem;
}

struct signer *signer_read(const char *pem)
{
    uint8_t bytes[PKCS8_SIZE];
    struct signer *s = NULL;
    size_t length = 0;
    const char *from = strstr(pem, pem_begin), *to = from ? strstr(from, pem_end) : NULL;
    if (!to)
        return NULL;
    from += strlen(pem_begin);
    if (sodium_base642bin(bytes, sizeof bytes, from, (size_t)(to - from), "\r\n\t ", &length, NULL,
                          sodium_base64_VARIANT_ORIGINAL) == 0 &&
        length == sizeof bytes && memcmp(bytes, pkcs8, sizeof pkcs8) == 0)
        s = signer_of(bytes + sizeof pkcs8);
    sodium_memzero(bytes, sizeof bytes);
    return s;
}

const uint8_t *signer_public(const struct signer *s)
{
    return s->public;
}

bool signer_sign(const struct signer *s, const void *bytes, size_t length,
                 uint8_t signature[static SIGNATURE_SIZE])
{
    return crypto_sign_detached(signature, NULL, bytes, length, s->secret) == 0;
}

void signer_free(struct signer *s)
{
    if (!s)
        return;
    sodium_memzero(s, sizeof *s);
    mem_free(s);
}

bool sign_verifies(const uint8_t key[static SIGN_KEY_SIZE], const void *bytes, size_t length,
                   const uint8_t signature[static SIGNATURE_SIZE])
{
    return crypto_sign_verify_detached(signature, bytes, length, key) == 0;
}

static const char digits[] = "0123456789abcdef";

/* 64 hex digits into groups of four. */
static void group(const char *hex, char text[static FINGERPRINT_SIZE])
{
    size_t n = 0;
    for (size_t i = 0; i < FINGERPRINT_DIGITS; i++) {
        if (i && i % 4 == 0)
            text[n++] = '-';
        text[n++] = hex[i];
    }
    text[n] = 0;
}

void sign_fingerprint(const uint8_t key[static SIGN_KEY_SIZE], char text[static FINGERPRINT_SIZE])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char hex[FINGERPRINT_DIGITS + 1];
    crypto_hash_sha256(hash, key, SIGN_KEY_SIZE);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    group(hex, text);
}

int sign_parse_fingerprint(const char *typed, char text[static FINGERPRINT_SIZE])
{
    static const char capitals[] = "ABCDEF";
    char hex[FINGERPRINT_DIGITS];
    size_t n = 0;
    for (; *typed; typed++) {
        if (strchr("-: ", *typed))
            continue;
        const char *capital = strchr(capitals, *typed);
        char c = *typed;
        if (capital)
            c = digits[10 + (capital - capitals)];
        if (!strchr(digits, c) || n == sizeof hex)
            return ERR_FORMAT;
        hex[n++] = c;
    }
    if (n != sizeof hex)
        return ERR_FORMAT;
    group(hex, text);
    return ERR_OK;
}
