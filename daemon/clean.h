/* How many windows of a limit were kept at a place, one after the other until now: what closing an issue may
 * demand. A window that is no pass, for want of data too, begins the count anew. Main thread. */
#ifndef DUST_CLEAN_H
#define DUST_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

struct clean { /* zeroed: empty */
    struct clean_count {
        uint64_t of; /* again_of(limit, cause) */
        int kept;
    } * counts;
    int n;
};

/* A window of the limit has been judged; `cause` as an issue says it: a point, "mean" or "max" of several. */
void clean_note(struct clean *c, const char *limit, const char *cause, bool kept);

/* A window that had been judged has been judged again: only what is bad about it counts. */
void clean_correct(struct clean *c, const char *limit, const char *cause, bool kept);

/* So many until now; 0 of one that was never judged. clean_finish frees what is kept. */
int clean_count(const struct clean *c, const char *limit, const char *cause);
void clean_finish(struct clean *c);

#endif
