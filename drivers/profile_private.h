/* What the files of profiles share: profile.c (the tables), profile_check.c (what no table says). */
#ifndef DUST_PROFILE_PRIVATE_H
#define DUST_PROFILE_PRIVATE_H

#include "daemon/base/schema.h"
#include "drivers/device.h"

struct complaint;
struct yaml_doc;
struct yaml_node;

/* "0" "1" "40001", as in the files. */
extern const struct word base_words[];

/* Where the file's number of a point is on the wire, and with base 40001 in which table. The number must have
 * passed profile_check_point. */
void profile_settle(enum address_base base, struct point *p);

/* Checks of the schemas of a point and of a profile, whose addresses are still as in the file. */
int profile_check_point(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                        struct complaint *why);
int profile_check(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                  struct complaint *why);

#endif
