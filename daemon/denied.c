#include "daemon/dustd.h"

#include "daemon/base/log.h"
#include "daemon/rows.h"

#include <stdio.h>
#include <string.h>

enum { USERS = sizeof((struct denied *)0)->users / sizeof(struct denied_user) };

static const int64_t quiet_us = 600000000;

/* What a user sent is cut, perhaps within a character: then it is left out. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    return json ? json : json_string("");
}

static void tell(struct dustd *d, struct denied_user *u, int64_t now_ms, int64_t now_us)
{
    char subject[sizeof u->person + 16];
    if (u->person[0])
        snprintf(subject, sizeof subject, "%s", u->person);
    else
        snprintf(subject, sizeof subject, "uid %u", (unsigned)u->uid);
    log_warning("%s: denied to %s: %s (%s), %d times", u->user[0] ? "a command" : "control socket", subject,
                u->did, u->why, u->n);
    json_t *body = row_begin(d, now_ms, "denied", subject);
    if (u->user[0])
        json_object_set_new(body, "user", text_json(u->user));
    else
        json_object_set_new(body, "uid", json_integer(u->uid));
    json_object_set_new(body, "did", text_json(u->did));
    if (u->about[0])
        json_object_set_new(body, "about", text_json(u->about));
    json_object_set_new(body, "why", text_json(u->why));
    json_object_set_new(body, "n", json_integer(u->n));
    json_object_set_new(body, "from", json_integer(u->first_ms));
    row_append(d, now_ms, "denied", subject, body);
    u->n = 0;
    u->next_us = now_us + quiet_us;
}

/* The user's entry; or that of whoever has been told of for longest, whose attempts since are told first. */
static struct denied_user *entry(struct dustd *d, const struct attempt *a, int64_t now_ms, int64_t now_us)
{
    struct denied_user *oldest = d->denied.users;
    const char *user = a->user ? a->user : "";
    for (int i = 0; i < USERS; i++) {
        struct denied_user *u = &d->denied.users[i];
        if (u->next_us && u->uid == a->uid && strcmp(u->user, user) == 0)
            return u;
        if (u->next_us < oldest->next_us)
            oldest = u;
    }
    if (oldest->n)
        tell(d, oldest, now_ms, now_us);
    *oldest = (struct denied_user){.uid = a->uid};
    snprintf(oldest->user, sizeof oldest->user, "%s", user);
    return oldest;
}

void denied_note(struct dustd *d, int64_t now_ms, int64_t now_us, const struct attempt *a)
{
    struct denied_user *u = entry(d, a, now_ms, now_us);
    if (u->n++ == 0)
        u->first_ms = now_ms;
    snprintf(u->person, sizeof u->person, "%s", a->person);
    snprintf(u->did, sizeof u->did, "%s", a->did);
    snprintf(u->about, sizeof u->about, "%s", a->about);
    snprintf(u->why, sizeof u->why, "%s", a->why);
    if (now_us >= u->next_us)
        tell(d, u, now_ms, now_us);
}

void denied_turn(struct dustd *d, int64_t now_ms, int64_t now_us)
{
    for (int i = 0; i < USERS; i++) {
        struct denied_user *u = &d->denied.users[i];
        if (u->n && now_us >= u->next_us)
            tell(d, u, now_ms, now_us);
    }
}

void denied_end(struct dustd *d, int64_t now_ms)
{
    for (int i = 0; i < USERS; i++)
        if (d->denied.users[i].n)
            tell(d, &d->denied.users[i], now_ms, 0);
}
