/* Who is told of an issue and when, the section `escalation:`. The steps of the example are a [proposal]: the
 * mission document names 通报 and 追责, not their days. */
#ifndef DUST_CONFIG_ESCALATION_H
#define DUST_CONFIG_ESCALATION_H

#include <stdint.h>

enum escalation_when {
    WHEN_FOUND,
    WHEN_ASSIGNED,   /* to somebody, or to somebody else */
    WHEN_UNANSWERED, /* the deadline to answer is over */
    WHEN_DUE_SOON,   /* the deadline to rectify is near */
    WHEN_OVERDUE,    /* and over */
};

/* In the set `tell`, beside enum role. */
enum { TELL_RESPONSIBLE = 1 << 16 };

struct escalation_step {
    const char *name; /* "notice": the alert row's step */
    const char *title_zh, *title_en;
    enum escalation_when when;
    int64_t after_ms;       /* that moment */
    int64_t before_ms;      /* due soon: so long before the deadline */
    unsigned tell;          /* set of enum role and TELL_RESPONSIBLE */
    unsigned organisations; /* set of 1 << enum organisation_kind: whoever is of one */
    unsigned levels;        /* set of 1 << enum level; 0: of every level */
};

struct schema;
extern const struct schema escalation_schema; /* of struct escalation_step */

#endif
