/* Who tried at the control socket, or by a command over MQTT, what he may not do: a row `denied`. The first
 * attempt of a user is told at once, what he tries in the ten minutes after it in one row at their end, so
 * that nobody fills the journal by knocking. Main thread; now_ms is site time, now_us wire time. */
#ifndef DUST_DENIED_H
#define DUST_DENIED_H

#include <stdint.h>
#include <sys/types.h>

struct dustd;

struct attempt {
    uid_t uid;
    const char *user;   /* at the broker, of a command; NULL or "": it came by the control socket */
    const char *person; /* whom the configuration makes of the user; "" nobody */
    const char *did;    /* "act close", "reload", … */
    const char *about;  /* the issue, the person root named, … as it was asked; "" nothing */
    const char *why;    /* as the user was told */
};

/* What one user tried since his last row. */
struct denied_user {
    uid_t uid;
    char user[65];
    int64_t next_us; /* no row before; 0: the entry is free */
    int n;
    int64_t first_ms;
    char person[64], did[32], about[64], why[160]; /* of the last one */
};

struct denied {
    struct denied_user users[16];
};

/* A try that was refused: a row at once, or counted for the next; and what is due by now. now_us is wire
 * time. */
void denied_note(struct dustd *d, int64_t now_ms, int64_t now_us, const struct attempt *a);
void denied_turn(struct dustd *d, int64_t now_ms, int64_t now_us);
void denied_end(struct dustd *d, int64_t now_ms); /* a run ends: what has no row yet */

#endif
