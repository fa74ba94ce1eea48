#include "daemon/alert/sign.h"

#include "daemon/base/buf.h"
#include "daemon/base/mem.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { HASH_BYTES = 32 };

static void sign(const char *key, const char *message, char out[static ALERT_SIGN_SIZE])
{
    unsigned char hash[HASH_BYTES];
    unsigned length = 0;
    HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)message, strlen(message), hash, &length);
    EVP_EncodeBlock((unsigned char *)out, hash, HASH_BYTES);
}

/* Forgets a text that holds a secret. */
static void wipe(char *text)
{
    OPENSSL_cleanse(text, strlen(text));
    mem_free(text);
}

void alert_sign_dingtalk(const char *secret, int64_t at_ms, char out[static ALERT_SIGN_SIZE])
{
    char *message = mem_printf("%" PRId64 "\n%s", at_ms, secret);
    sign(secret, message, out);
    wipe(message);
}

void alert_sign_feishu(const char *secret, int64_t at_s, char out[static ALERT_SIGN_SIZE])
{
    char *key = mem_printf("%" PRId64 "\n%s", at_s, secret);
    sign(key, "", out);
    wipe(key);
}

char *alert_sign_url(const char *url, const char *secret, int64_t at_ms)
{
    char base64[ALERT_SIGN_SIZE];
    struct buf b = {0};
    alert_sign_dingtalk(secret, at_ms, base64);
    buf_printf(&b, "%s%ctimestamp=%" PRId64 "&sign=", url, strchr(url, '?') ? '&' : '?', at_ms);
    for (const char *c = base64; *c; c++) {
        if (strchr("+/=", *c))
            buf_printf(&b, "%%%02X", *c);
        else
            buf_add(&b, c, 1);
    }
    return buf_take(&b);
}
