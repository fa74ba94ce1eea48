#include "daemon/alert/robot.h"

#include "daemon/alert/sign.h"
#include "daemon/base/mem.h"
#include "daemon/ledger/issue.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Text of WeCom: 2048 bytes; of Feishu 20 KB with everything around it; of DingTalk nothing public. The rest
 * are our own bounds [proposal]: nobody reads more, and an MQTT message has 12 KiB. Feishu takes 5 messages a
 * second. */
static const struct robot robots[CHANNEL__KINDS] = {
    [CHANNEL_WECOM] = {2048, 250, "errcode", "errmsg"}, [CHANNEL_DINGTALK] = {4096, 250, "errcode", "errmsg"},
    [CHANNEL_FEISHU] = {4096, 250, "code", "msg"},      [CHANNEL_WEBHOOK] = {8192, 0, NULL, NULL},
    [CHANNEL_SMTP] = {16384, 250, NULL, NULL},          [CHANNEL_MQTT] = {8192, 0, NULL, NULL},
};

/* "Too often", and how long the robot is deaf then. [memory] for WeCom and DingTalk: should the code be
 * another, the message is refused, and tried again all the same. */
static const struct {
    enum channel_kind kind;
    json_int_t code;
    int wait_s;
} too_often[] = {{CHANNEL_WECOM, 45009, 60}, {CHANNEL_DINGTALK, 130101, 600}, {CHANNEL_FEISHU, 11232, 60}};

enum { RETRY_MOST_S = 3600 }; /* a robot that wants more is asked again all the same */

const struct robot *robot_of(enum channel_kind kind)
{
    return &robots[kind];
}

const char *alert_answer_str(enum alert_answer a)
{
    static const char *const names[] = {"taken", "later", "never"};
    return names[a];
}

/* ---- out ---- */

static json_t *body_wecom(const struct alert_message *m, const char *secret)
{
    (void)secret;
    json_t *text = json_pack("{s:s}", "content", m->text);
    if (m->mobile[0])
        json_object_set_new(text, "mentioned_mobile_list", json_pack("[s]", m->mobile));
    return json_pack("{s:s,s:o}", "msgtype", "text", "text", text);
}

static json_t *body_dingtalk(const struct alert_message *m, const char *secret)
{
    (void)secret;
    json_t *body = json_pack("{s:s,s:{s:s}}", "msgtype", "text", "text", "content", m->text);
    if (m->mobile[0])
        json_object_set_new(body, "at", json_pack("{s:[s],s:b}", "atMobiles", m->mobile, "isAtAll", 0));
    return body;
}

static json_t *body_feishu(const struct alert_message *m, const char *secret)
{
    json_t *body = json_pack("{s:s,s:{s:s}}", "msg_type", "text", "content", "text", m->text);
    if (!secret[0])
        return body;
    char stamp[24], sign[ALERT_SIGN_SIZE];
    int64_t at_s = m->at_ms / 1000;
    snprintf(stamp, sizeof stamp, "%" PRId64, at_s);
    alert_sign_feishu(secret, at_s, sign);
    json_object_set_new(body, "timestamp", json_string(stamp));
    json_object_set_new(body, "sign", json_string(sign));
    return body;
}

/* Webhook and MQTT: ours to say. */
static json_t *body_plain(const struct alert_message *m, const char *secret)
{
    (void)secret;
    json_t *rows = json_array();
    for (int i = 0; i < m->nrows; i++)
        json_array_append_new(rows, json_integer(m->rows[i]));
    json_t *body = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "ts", (json_int_t)m->at_ms, "kind",
                             "alert_message", "site", m->site, "person", m->person, "level",
                             level_str(m->level), "subject", m->subject, "text", m->text, "rows", rows);
    if (m->simulated)
        json_object_set_new(body, "simulated", json_true());
    return body;
}

char *robot_body(enum channel_kind kind, const struct alert_message *m, const char *secret)
{
    static json_t *(*const bodies[CHANNEL__KINDS])(const struct alert_message *, const char *) = {
        [CHANNEL_WECOM] = body_wecom,   [CHANNEL_DINGTALK] = body_dingtalk, [CHANNEL_FEISHU] = body_feishu,
        [CHANNEL_WEBHOOK] = body_plain, [CHANNEL_SMTP] = body_plain,        [CHANNEL_MQTT] = body_plain,
    };
    json_t *body = bodies[kind](m, secret);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text ? text : mem_string("{}"); /* NULL: no UTF-8, which a row never is */
}

char *robot_url(enum channel_kind kind, const char *url, const char *secret, int64_t now_ms)
{
    return kind == CHANNEL_DINGTALK && secret[0] ? alert_sign_url(url, secret, now_ms) : mem_string(url);
}

/* ---- in ---- */

/* Words of a stranger: one line, no control characters. */
static void in_words(char why[static ALERT_WHY_SIZE], json_int_t code, const char *words)
{
    snprintf(why, ALERT_WHY_SIZE, "%" JSON_INTEGER_FORMAT "%s%.120s", code, words[0] ? ": " : "", words);
    for (char *c = why; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

static int wait_of(enum channel_kind kind, json_int_t code)
{
    for (size_t i = 0; i < sizeof too_often / sizeof *too_often; i++)
        if (too_often[i].kind == kind && too_often[i].code == code)
            return too_often[i].wait_s;
    return 0;
}

static struct robot_reply reply_of_body(enum channel_kind kind, const char *body, size_t length)
{
    const struct robot *r = &robots[kind];
    struct robot_reply reply = {.answer = ALERT_LATER};
    if (!r->code)
        return (struct robot_reply){.answer = ALERT_TAKEN};
    json_t *json = json_loadb(body, length, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *code = json_object_get(json, r->code);
    if (!json_is_integer(code)) {
        snprintf(reply.why, sizeof reply.why, "its answer has no %s: that was no robot of this kind",
                 r->code);
    } else if (json_integer_value(code) == 0) {
        reply.answer = ALERT_TAKEN;
    } else {
        const char *words = json_string_value(json_object_get(json, r->why));
        in_words(reply.why, json_integer_value(code), words ? words : "");
        reply.wait_s = wait_of(kind, json_integer_value(code));
        reply.answer = reply.wait_s ? ALERT_LATER : ALERT_NEVER;
    }
    json_decref(json);
    return reply;
}

struct robot_reply robot_answer(enum channel_kind kind, long status, const char *body, size_t length,
                                int64_t retry_after_s)
{
    struct robot_reply reply = {.answer = ALERT_NEVER};
    if (status >= 200 && status < 300)
        return reply_of_body(kind, body, length);
    bool redirects = status >= 300 && status < 400;
    snprintf(reply.why, sizeof reply.why, "HTTP %ld%s", status,
             redirects ? ": sends us elsewhere, which is not followed" : "");
    if (status != 429 && status < 500)
        return reply;
    reply.answer = ALERT_LATER;
    reply.wait_s = retry_after_s < 0 ? 0 : retry_after_s > RETRY_MOST_S ? RETRY_MOST_S : retry_after_s;
    return reply;
}
