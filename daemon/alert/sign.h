/* What a group robot wants to see beside its key: HMAC-SHA256 of the time of sending, in base64. Pure; any
 * thread.
 *
 * DingTalk: key = secret, message = "<ms>\n<secret>", in the query of the address.
 * Feishu: key = "<s>\n<secret>", message empty, in the body.
 * Sources: open.dingtalk.com "custom robot security settings"; open.feishu.cn "custom bot usage guide". */
#ifndef DUST_ALERT_SIGN_H
#define DUST_ALERT_SIGN_H

#include <stdint.h>

enum { ALERT_SIGN_SIZE = 45 }; /* 44 characters of base64 and zero */

/* The signature of a time of sending: of DingTalk in ms, of Feishu in s since 1970 UTC. */
void alert_sign_dingtalk(const char *secret, int64_t at_ms, char out[static ALERT_SIGN_SIZE]);
void alert_sign_feishu(const char *secret, int64_t at_s, char out[static ALERT_SIGN_SIZE]);

/* `url` with "timestamp=" and the escaped "sign=" in its query; the caller frees (mem_free). */
char *alert_sign_url(const char *url, const char *secret, int64_t at_ms);

#endif
