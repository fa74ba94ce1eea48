#include "daemon/alert/sign.h"

#include "daemon/base/buf.h"
#include "daemon/base/mem.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

static void sign(const char *key, const char *message, char out[static ALERT_SIGN_SIZE])
{
    unsigned char hash[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, (const unsigned char *)key, strlen(key));
    crypto_auth_hmacsha256_update(&s, (const unsigned char *)message, strlen(message));
    crypto_auth_hmacsha256_final(&s, hash);
    sodium_bin2base64(out, ALERT_SIGN_SIZE, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
}

/* Forgets a text that holds a secret. */
static void wipe(char *text)
{
    sodium_memzero(text, strlen(text));
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
