#include "daemon/ctl/feed.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    ROUND_US = 1000000,    /* from one round's start to the next's */
    BUSY_US = 200000,      /* before a question is asked again that was too early */
    RETRY_US = 500000,     /* before the next try to connect */
    SILENT_US = 3000000,   /* without a whole answer: shown */
    GIVE_UP_US = 30000000, /* and then connected anew */
    PAGE_ROWS = 1000,
};

/* A round, in this order: the journal's end must be known before its rows are asked for. */
static const char *const verbs[] = {"status", "devices", "windows", "issues", "rows"};
enum { VERBS = sizeof verbs / sizeof *verbs };

struct feed {
    struct ctl *ctl;
    int past;
    struct client *client; /* NULL: not connected */
    int verb;              /* the question that is open, or next */
    bool open;             /* it has been sent */
    int64_t due_us;        /* when to send it, or to connect */
    int64_t round_us;      /* when this round began */
    int64_t heard_us;      /* when the last answer came, or the open question was sent */
    struct scene next;     /* what this round has brought so far; events go to `scene` at once */
    struct scene scene;
};

struct feed *feed_create(struct ctl *c, int past)
{
    struct feed *f = mem_new(struct feed);
    f->ctl = c;
    f->past = past;
    return f;
}

int feed_fd(const struct feed *f)
{
    return f->client ? client_fd(f->client) : -1;
}

int feed_wait_ms(const struct feed *f, int64_t now_us)
{
    int64_t until_us = f->due_us;
    if (f->client && f->open)
        until_us = f->heard_us + (f->scene.contact == CONTACT_SILENT ? GIVE_UP_US : SILENT_US);
    return until_us <= now_us ? 0 : (int)((until_us - now_us) / 1000) + 1;
}

const struct scene *feed_scene(const struct feed *f)
{
    return &f->scene;
}

void feed_destroy(struct feed *f)
{
    if (!f)
        return;
    client_close(f->client);
    scene_finish(&f->next);
    scene_finish(&f->scene);
    mem_free(f);
}

static bool set_contact(struct feed *f, enum contact contact, const char *why)
{
    bool changed = f->scene.contact != contact || strcmp(f->scene.why, why) != 0;
    f->scene.contact = contact;
    snprintf(f->scene.why, sizeof f->scene.why, "%s", why);
    return changed;
}

static bool hang_up(struct feed *f, int64_t now_us, enum contact contact, const char *why)
{
    client_close(f->client);
    f->client = NULL;
    f->open = false;
    f->due_us = now_us + RETRY_US;
    scene_finish(&f->next);
    return set_contact(f, contact, why);
}

static bool connect_daemon(struct feed *f, int64_t now_us)
{
    int rc = client_open(f->ctl->socket, &f->client);
    f->verb = 0;
    f->heard_us = f->due_us = now_us;
    if (rc == ERR_OK)
        return false;
    if (rc == ERR_NOT_FOUND)
        return hang_up(f, now_us, CONTACT_GONE, "");
    return hang_up(f, now_us, CONTACT_DENIED, rc == ERR_IO ? strerror(errno) : err_str(rc));
}

static json_t *request_of(struct feed *f)
{
    const char *verb = verbs[f->verb];
    json_t *request = json_pack("{s:s}", "do", verb);
    if (strcmp(verb, "issues") == 0) {
        json_object_set_new(request, "open", json_true());
        json_object_set_new(request, "brief", json_true());
    } else if (strcmp(verb, "rows") == 0) {
        json_object_set_new(request, "after", json_integer(f->scene.last_seq));
        json_object_set_new(request, "limit", json_integer(PAGE_ROWS));
    }
    return request;
}

static int take_row(const char *text, const json_t *row, void *arg)
{
    struct feed *f = arg;
    (void)text;
    scene_row(&f->scene, row);
    return ERR_OK;
}

/* The round is whole: what is shown is all of one moment. */
static void end_round(struct feed *f)
{
    json_t **const from[] = {&f->next.status, &f->next.devices, &f->next.windows, &f->next.issues};
    json_t **const to[] = {&f->scene.status, &f->scene.devices, &f->scene.windows, &f->scene.issues};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        json_decref(*to[i]);
        *to[i] = *from[i];
        *from[i] = NULL;
    }
    f->verb = 0;
    f->due_us = f->round_us + ROUND_US;
}

/* The rows come last: what journal they are of must be known before. */
static void next_question(struct feed *f)
{
    f->verb++;
    if (f->verb == VERBS - 1)
        scene_journal(&f->scene, f->next.status, f->past);
}

/* An answer that is no refusal. True when the scene is another one. */
static bool take_result(struct feed *f, const json_t *final, int64_t now_us)
{
    const char *verb = verbs[f->verb];
    if (strcmp(verb, "rows") == 0) {
        int64_t next = int_of(final, "next");
        if (next > f->scene.last_seq)
            f->scene.last_seq = next;
        if (next)
            return false; /* there are more: the same question, from there on */
        end_round(f);
        set_contact(f, CONTACT_GOOD, "");
        return true;
    }
    ctl_learn(f->ctl, final);
    if (!scene_result(&f->next, verb, json_object_get(final, "result")))
        return hang_up(f, now_us, CONTACT_DENIED, err_str(ERR_FORMAT));
    next_question(f);
    return false;
}

static bool take_answer(struct feed *f, const json_t *final, int64_t now_us)
{
    const char *error = text_of(final, "error");
    f->open = false;
    f->heard_us = f->due_us = now_us;
    if (is_true(final, "ok"))
        return take_result(f, final, now_us);
    if (strncmp(error, "busy", 4) == 0) {
        f->due_us = now_us + BUSY_US;
        return false;
    }
    if (f->verb == 0) /* too many clients */
        return hang_up(f, now_us, CONTACT_DENIED, error);
    if (f->verb == VERBS - 1) { /* a damaged row: shown without the newest events */
        end_round(f);
        set_contact(f, CONTACT_GOOD, "");
        return true;
    }
    next_question(f); /* an older daemon does not know this one */
    return false;
}

static bool listen_to(struct feed *f, int64_t now_us)
{
    json_t *final = NULL;
    int rc = client_take(f->client, take_row, f, &final);
    if (rc == ERR_OK) {
        bool changed = take_answer(f, final, now_us);
        json_decref(final);
        return changed;
    }
    if (rc != ERR_TIMEOUT)
        return hang_up(f, now_us, CONTACT_GONE, "");
    if (now_us - f->heard_us >= GIVE_UP_US)
        return hang_up(f, now_us, CONTACT_SILENT, "");
    return now_us - f->heard_us >= SILENT_US && set_contact(f, CONTACT_SILENT, "");
}

bool feed_step(struct feed *f, int64_t now_us)
{
    bool changed = false;
    for (int i = 0; i < VERBS + 2; i++) {
        if (f->client && f->open) {
            changed = listen_to(f, now_us) || changed;
            if (f->open)
                break;
        }
        if (now_us < f->due_us)
            break;
        if (!f->client)
            changed = connect_daemon(f, now_us) || changed;
        if (!f->client)
            break;
        if (f->verb == 0)
            f->round_us = now_us;
        f->heard_us = now_us;
        f->open =
            true; /* where sending fails, it may have said why before it hung up: the next turn reads it */
        if (client_send(f->client, request_of(f)) == ERR_FORMAT)
            changed = hang_up(f, now_us, CONTACT_DENIED, err_str(ERR_FORMAT));
    }
    return changed;
}
