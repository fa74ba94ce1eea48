/* What the verbs issue and issues share. */
#ifndef DUST_ISSUES_H
#define DUST_ISSUES_H

#include <jansson.h>
#include <stdbool.h>

struct ctl;

/* The issues of a database (--db) that the filter (filter_read; {}: all) takes, made anew from its journal: a
 * list as of {"do":"issues"}, a new reference; NULL after a complaint. */
json_t *issues_from_copy(struct ctl *c, const json_t *filter);

/* Closed or dismissed. */
bool issue_ended(const json_t *issue);

#endif
