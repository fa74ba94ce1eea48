/* Which inspections fall due by themselves (一周一检查), the section `inspections:`. */
#ifndef DUST_CONFIG_INSPECTION_H
#define DUST_CONFIG_INSPECTION_H

#include <stdint.h>

struct inspection {
    const char *name; /* "weekly" */
    const char *title_zh, *title_en;
    int weekday;         /* 0 Monday to 6: at the end of it, it should be done */
    const char **checks; /* "<requirement>/<check>" of the kind attest; none: all there are */
    int nchecks;
    const char *person;            /* who answers for one that was missed */
    int64_t remind_ms;             /* before its end; 0: never */
    int64_t answer_ms, rectify_ms; /* of the finding when it was missed */
};

struct schema;
extern const struct schema inspection_schema; /* of struct inspection */

#endif
