/* How many windows of a limit were kept at a point, one after the other until now: what closing an issue may
 * demand. A window that is no pass, for want of data too, begins the count anew. Main thread. */
#ifndef DUST_CLEAN_H
#define DUST_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

struct clean { /* zeroed: empty */
    struct clean_count {
        uint64_t of; /* again_of(limit, point) */
        int kept;
    } * counts;
    int n;
};

/* A window of the limit at the point ("" or "mean": of several) has been judged. */
void clean_note(struct clean *c, const char *limit, const char *point, bool kept);

/* A window that had been judged has been judged again: only what is bad about it counts. */
void clean_correct(struct clean *c, const char *limit, const char *point, bool kept);

/* So many until now; 0 of one that was never judged. clean_finish frees what is kept. */
int clean_count(const struct clean *c, const char *limit, const char *point);
void clean_finish(struct clean *c);

#endif
