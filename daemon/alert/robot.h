/* The far ends of alerts, one row of a table each: how a message looks to it, how much it takes, and what its
 * answer means. Pure; any thread. Sources: the makers' pages (WeCom
 * developer document 91770, DingTalk "custom robot", Feishu "custom bot usage guide"); what is
 * marked [memory] or [proposal] was found on no page. */
#ifndef DUST_ALERT_ROBOT_H
#define DUST_ALERT_ROBOT_H

#include "daemon/config/channel.h"
#include "daemon/config/duty.h"

#include <stddef.h>
#include <stdint.h>

/* What became of a message. Later: no answer, too often, its trouble; never: it does not want this one. */
enum alert_answer { ALERT_TAKEN, ALERT_LATER, ALERT_NEVER };

const char *alert_answer_str(enum alert_answer a); /* "taken", "later", "never" */

enum { ALERT_WHY_SIZE = 160 };

struct robot_reply {
    enum alert_answer answer;
    int64_t wait_s;           /* not before; 0: as the back-off has it */
    char why[ALERT_WHY_SIZE]; /* in words; "" when it is taken */
};

struct robot {
    size_t text_most; /* bytes of text in a message */
    int gap_ms;       /* between two messages, wire time */
    const char *code; /* member of its answer that is 0 when it has taken the message; NULL: HTTP says so */
    const char *why;  /* and the one with words */
};

/* The row of a kind; static. */
const struct robot *robot_of(enum channel_kind kind);

/* A message as it leaves for one person. All strings are borrowed. */
struct alert_message {
    const char *subject; /* one line */
    const char *text;    /* at most text_most bytes */
    const char *person;  /* person.name */
    const char *mobile;  /* of the person, for a robot that calls him; "" none */
    const char *site;    /* site.name */
    enum level level;    /* the highest in it */
    const int64_t *rows; /* numbers of the alert rows in it */
    int nrows;
    int64_t at_ms; /* site time of sending */
    bool simulated;
};

/* The body to post, JSON; `secret` "" for none. The caller frees (mem_free). */
char *robot_body(enum channel_kind kind, const struct alert_message *m, const char *secret);

/* Where to post: `url` as its file has it, signed where the robot wants it there. mem_free. */
char *robot_url(enum channel_kind kind, const char *url, const char *secret, int64_t now_ms);

/* What an HTTP answer means. `retry_after_s` as its head says, 0 nothing. */
struct robot_reply robot_answer(enum channel_kind kind, long status, const char *body, size_t length,
                                int64_t retry_after_s);

#endif
