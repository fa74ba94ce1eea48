/* Reads a device profile, config/devices/<name>.yaml. The format is described in docs/adding-a-device.md. */
#ifndef DUST_PROFILE_H
#define DUST_PROFILE_H

#include "daemon/base/schema.h"
#include "drivers/device.h"

struct buf;
struct complaint;

/* The profile is the caller's (profile_free). On an error returns ERR_FORMAT (or ERR_NOT_FOUND, ERR_IO) and
 * `why` says file:line:column, what was found and what is allowed. Main thread. */
int profile_load(const char *file, struct profile **out, struct complaint *why);

/* Its table. */
extern const struct schema profile_schema;

/* Accepts NULL. Nobody may still hold its points. */
void profile_free(struct profile *p);

/* Appends the profile as YAML that reads to the same, `indent` spaces in. */
void profile_print(const struct profile *p, int indent, struct buf *out);

/* Speeds a serial line can have: "9600" 9600 … */
extern const struct word baud_words[];

/* What a point can be for the judge and for the water: "pm10" … */
extern const struct word role_words[];

/* A unit that the unit of a point with that role must fit; "" a bare number or a switch. */
const char *role_unit(const char *role);

/* Whether a point with that role may be in that unit: it fits role_unit, or both are levels (dB, dB(A)). */
bool role_takes(const char *role, const char *unit);

/* A name of the table, of the type, of the order, as in the files ("holding", "u32", "abcd"). */
const char *table_str(enum modbus_table table);
const char *type_str(enum point_type type);
const char *order_str(enum word_order order);

#endif
