/* A whole time-out is a lot: of 300 ms one in 17 s is 2 %. Most units answer within 60 ms or never, so most
 * probes are short and there are more of them. */
#include "drivers/quarantine.h"

#include "drivers/unit.h"

enum {
    SHARE = 50,             /* a fiftieth of the bus, all together */
    SHORT_US = 60000,       /* units think for 20 to 50 ms, the slow ones longer */
    SOON_MS = 8000,         /* as long as the gap between two probes may be */
    ACCRUES_FOR = 60000000, /* time before the first of them was quarantined is not saved */
};

static void accrue(struct quarantine *q, const struct unit *u, int64_t now_us)
{
    int64_t passed = q->at_us ? now_us - q->at_us : 0;
    q->saved_us += (passed < ACCRUES_FOR ? passed : ACCRUES_FOR) / SHARE;
    q->at_us = now_us;
    if (q->saved_us > u->longest_us)
        q->saved_us = u->longest_us;
}

static int short_us(const struct unit *u)
{
    int us = unit_quick_us(u);
    us = us > SHORT_US ? us : SHORT_US;
    return us < u->longest_us ? us : u->longest_us;
}

/* One that has waited longer goes first; but one that is read each minute holds up nobody until its slot is
 * near. */
static bool goes_before(const struct unit *other, const struct unit *u, int64_t now_ms)
{
    return other->quarantined && other->probe_us < u->probe_us && unit_next_ms(other) < now_ms + SOON_MS;
}

bool quarantine_lets(struct quarantine *q, const struct unit *units, int n, struct unit *u, int64_t now_us,
                     int64_t now_ms)
{
    if (!u->quarantined)
        return true;
    accrue(q, u, now_us);
    for (int i = 0; i < n; i++)
        if (goes_before(&units[i], u, now_ms))
            return false;
    if (!unit_may_ask(u, now_us) || q->saved_us < 0)
        return false;
    u->probe_for_us = q->saved_us >= u->longest_us - short_us(u) ? u->longest_us : short_us(u);
    return true;
}

void quarantine_spent(struct quarantine *q, struct unit *u, int64_t took_us)
{
    q->saved_us -= took_us;
    u->probe_for_us = 0;
}
