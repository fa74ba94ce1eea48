/* Strict readers of one scalar: all of the text must be the thing, nothing is guessed. ERR_FORMAT for what is
 * not one, ERR_RANGE for what does not fit; the result is then untouched. Pure. */
#ifndef DUST_SCALAR_H
#define DUST_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

/* "true" or "false". */
int scalar_bool(const char *text, bool *out);

/* Decimal without leading zeros, plus sign or fraction; "-0" is none either. */
int scalar_int(const char *text, int64_t *out);

/* A register address or raw value: decimal as above and not negative, or hexadecimal "0x01F4". */
int scalar_raw(const char *text, uint64_t *out);

/* A finite decimal number: "0.1", "-12", "1e-3"; not ".5", "5.", "+5", "010", "nan", "1e309". */
int scalar_number(const char *text, double *out);

/* A whole number with its unit: "500ms", "30s", "15min", "1h", "7d". */
int scalar_duration(const char *text, int64_t *ms);

/* A whole number, one space, kB, MB or GB, which are powers of 1000 as data plans count: "500 MB". */
int scalar_size(const char *text, int64_t *bytes);

/* A number, one space, a unit: "250 ug/m3". The result is in `unit` when the one given fits it, ERR_RANGE
 * otherwise. A bare number when `unit` is "". */
int scalar_quantity(const char *text, const char *unit, double *out);

/* The one spelling of a unit ("ug/m3" for "µg/m³"), static; NULL for one we do not know. "" is a unit. */
const char *unit_name(const char *text);

/* As people write it: "μg/m³" for "ug/m3"; a unit without such a spelling is returned as it is. */
const char *unit_shown(const char *unit);

/* Converts between units that measure the same (ug/m3 to mg/m3); ERR_RANGE when they do not. */
int unit_convert(double value, const char *from, const char *to, double *out);

/* The units we know, "ug/m3", "mg/m3" …, NULL-ended. */
extern const char *const unit_names[];

/* The shortest texts that read to the same value; return `text`. A size is a multiple of 1 kB. */
char *duration_text(int64_t ms, char text[static 32]);
char *size_text(int64_t bytes, char text[static 32]);
char *number_text(double value, char text[static 32]);

#endif
