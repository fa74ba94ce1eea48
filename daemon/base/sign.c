#include "daemon/base/sign.h"

#include "daemon/base/err.h"
#include "daemon/base/file.h"
#include "daemon/base/mem.h"

#include <string.h>
#include <time.h>

/* libcrypto has a type of the name of our error code */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#undef ERR_STATE

enum { FINGERPRINT_DIGITS = 64, CERT_FILE_MAX = 1024 * 1024 };

struct signer {
    EVP_PKEY *key;
    uint8_t public[SIGN_KEY_SIZE];
};

/* Takes over the key, or frees it when it is none of ours. */
static struct signer *signer_of(EVP_PKEY *key)
{
    uint8_t public[SIGN_KEY_SIZE];
    size_t length = sizeof public;
    if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
        EVP_PKEY_get_raw_public_key(key, public, &length) != 1 || length != sizeof public) {
        EVP_PKEY_free(key);
        ERR_clear_error();
        return NULL;
    }
    struct signer *s = mem_new(struct signer);
    s->key = key;
    memcpy(s->public, public, sizeof public);
    return s;
}

struct signer *signer_make(void)
{
    return signer_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

char *signer_print(const struct signer *s)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL, *pem = NULL;
    if (bio && PEM_write_bio_PKCS8PrivateKey(bio, s->key, NULL, NULL, 0, NULL, NULL) == 1) {
        long length = BIO_get_mem_data(bio, &bytes);
        pem = mem_string_n(bytes, (size_t)length);
        OPENSSL_cleanse(bytes, (size_t)length);
    }
    BIO_free(bio);
    return pem;
}

struct signer *signer_read(const char *pem)
{
    char no_phrase[] = ""; /* instead of asking for one at a terminal */
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_phrase) : NULL;
    BIO_free(bio);
    return signer_of(key);
}

const uint8_t *signer_public(const struct signer *s)
{
    return s->public;
}

bool signer_sign(const struct signer *s, const void *bytes, size_t length,
                 uint8_t signature[static SIGNATURE_SIZE])
{
    size_t size = SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestSignInit(context, NULL, NULL, NULL, s->key) == 1 &&
                EVP_DigestSign(context, signature, &size, bytes, length) == 1 && size == SIGNATURE_SIZE;
    EVP_MD_CTX_free(context);
    return good;
}

void signer_free(struct signer *s)
{
    if (!s)
        return;
    EVP_PKEY_free(s->key);
    mem_free(s);
}

bool sign_verifies(const uint8_t key[static SIGN_KEY_SIZE], const void *bytes, size_t length,
                   const uint8_t signature[static SIGNATURE_SIZE])
{
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, SIGN_KEY_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = public && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
                EVP_DigestVerify(context, signature, SIGNATURE_SIZE, bytes, length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public);
    ERR_clear_error();
    return good;
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
    uint8_t hash[FINGERPRINT_DIGITS / 2] = {0};
    char hex[FINGERPRINT_DIGITS];
    EVP_Digest(key, SIGN_KEY_SIZE, hash, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < sizeof hash; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 0xf];
    }
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

static bool ends(const X509 *cert, int64_t *ends_ms)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
        return false;
    *ends_ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

int cert_ends(const char *file, int64_t *ends_ms)
{
    char *pem;
    size_t length;
    int rc = file_read(file, CERT_FILE_MAX, &pem, &length);
    if (rc != ERR_OK)
        return rc;
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    char no_phrase[] = "";
    X509 *cert;
    int64_t first_ms = INT64_MAX, ms;
    while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, no_phrase)) != NULL) {
        if (ends(cert, &ms) && ms < first_ms)
            first_ms = ms;
        X509_free(cert);
    }
    BIO_free(bio);
    mem_free(pem);
    ERR_clear_error(); /* the end of the file is one */
    *ends_ms = first_ms;
    return first_ms == INT64_MAX ? ERR_FORMAT : ERR_OK;
}
