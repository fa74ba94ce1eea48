#include "daemon/ctl/ctl.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BUSY_TRIES = 100, BUSY_WAIT_MS = 50 };

const char *say(const struct ctl *c, const char *zh, const char *en)
{
    return c->zh ? zh : en;
}

const char *say_title(const struct ctl *c, const json_t *title)
{
    const char *first = text_of(title, say(c, "zh", "en"));
    return *first ? first : text_of(title, say(c, "en", "zh"));
}

void complain(const char *format, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    char *clean = text_clean(text);
    fprintf(stderr, "dustctl: %s\n", clean);
    mem_free(clean);
}

int64_t int_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

void print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    putchar('\n');
}

int ctl_connect(struct ctl *c)
{
    if (c->client)
        return ERR_OK;
    int rc = client_open(c->socket, &c->client);
    if (rc == ERR_NOT_FOUND)
        complain(say(c, "dustd 没有运行：%s 无人应答", "dustd is not running: nobody answers on %s"),
                 c->socket);
    else if (rc == ERR_DENIED)
        complain(
            say(c, "没有权限使用 %s：请加入 dustd 用户组", "no permission to use %s: join the group dustd"),
            c->socket);
    else if (rc != ERR_OK)
        complain("%s: %s", c->socket, rc == ERR_IO ? strerror(errno) : err_str(rc));
    return rc;
}

void ctl_learn(struct ctl *c, const json_t *object)
{
    const char *language = text_of(object, "language");
    if (!c->lang && *language)
        c->zh = strcmp(language, "zh") == 0;
    const json_t *zone = json_object_get(object, "zone_min");
    if (json_is_integer(zone))
        c->zone_min = (int)json_integer_value(zone);
}

/* The daemon answers a few questions about the past at a time; the others it asks to come again. */
static bool is_busy(const json_t *final)
{
    return strncmp(text_of(final, "error"), "busy", 4) == 0;
}

typedef int (*asker)(struct client *k, json_t *request, client_line each, void *arg, json_t **final);

static json_t *ask(struct ctl *c, asker by, json_t *request, client_line each, void *arg)
{
    json_t *final = NULL;
    int rc = ctl_connect(c);
    for (int i = 0; rc == ERR_OK && i < BUSY_TRIES; i++) {
        json_decref(final);
        final = NULL;
        rc = by(c->client, json_incref(request), each, arg, &final);
        if (rc != ERR_OK)
            complain(say(c, "与 dustd 的对话中断：%s", "the answer of dustd broke off: %s"), err_str(rc));
        else if (is_true(final, "ok") || !is_busy(final))
            break;
        nanosleep(&(struct timespec){.tv_nsec = BUSY_WAIT_MS * 1000000L}, NULL);
    }
    json_decref(request);
    if (!final)
        return NULL;
    ctl_learn(c, final);
    if (is_true(final, "ok"))
        return final;
    const char *error = text_of(final, "error"), *zh = c->zh ? word_refusal(error) : NULL;
    c->damaged = strcmp(error, err_str(ERR_DAMAGED)) == 0;
    if (c->damaged)
        complain("%s", say(c, "存储的数据已损坏，读到此为止",
                           "stored data are damaged: nothing further can be read"));
    else if (zh)
        complain("%s（%s）", zh, error);
    else
        complain("%s", error);
    json_decref(final);
    return NULL;
}

json_t *ctl_ask(struct ctl *c, json_t *request, client_line each, void *arg)
{
    return ask(c, client_ask, request, each, arg);
}

json_t *ctl_ask_text(struct ctl *c, json_t *request, client_line each, void *arg)
{
    return ask(c, client_ask_text, request, each, arg);
}

json_t *ctl_result(struct ctl *c, json_t *request)
{
    json_t *final = ctl_ask(c, request, NULL, NULL);
    json_t *result = final ? json_incref(json_object_get(final, "result")) : NULL;
    if (final && !result)
        complain(say(c, "dustd 的应答没有结果", "the answer of dustd has no result"));
    json_decref(final);
    return result;
}

json_t *ctl_result_as(struct ctl *c, json_t *request)
{
    if (c->as)
        json_object_set_new(request, "as", json_string(c->as));
    return ctl_result(c, request);
}

bool ctl_now(struct ctl *c, int64_t *now_ms)
{
    json_t *status = ctl_result(c, json_pack("{s:s}", "do", "status"));
    if (!status)
        return false;
    *now_ms = int_of(status, "now");
    json_decref(status);
    return true;
}
