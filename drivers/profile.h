/* Reads a device profile, config/devices/<name>.yaml. The format is described in docs/adding-a-device.md. */
#ifndef DUST_PROFILE_H
#define DUST_PROFILE_H

#include "daemon/base/yaml.h"
#include "drivers/device.h"

/* The profile lives as long as the program. On an error returns ERR_FORMAT (or ERR_NOT_FOUND, ERR_IO) and
 * `why` says file:line:column, what was found and what is allowed. Main thread. */
int profile_load(const char *file, struct profile **out, struct complaint *why);

/* A name of the table, of the type, of the order, as in the files ("holding", "u32", "abcd"). */
const char *table_str(enum modbus_table table);
const char *type_str(enum point_type type);
const char *order_str(enum word_order order);

#endif
