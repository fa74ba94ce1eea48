/* What a device is certified by, and until when: numbers that the site writes, and a day that comes. Main
 * thread. */
#ifndef DUST_CALIBRATION_H
#define DUST_CALIBRATION_H

#include <jansson.h>
#include <stdint.h>

struct device;

enum { CALIBRATION_SOON_DAYS = 30 };

enum calibration { CALIBRATION_UNSAID, CALIBRATION_VALID, CALIBRATION_DUE, CALIBRATION_OVER };

/* How it stands with a device at site time now_ms: due is within 30 days. Unsaid while there is no date. */
enum calibration calibration_of(const struct device *d, int64_t now_ms);

/* Adds `serial`, `certificate`, `calibration_due` and, where there is a date, `calibration` (valid, due,
 * over) and `calibration_days` (left; negative when it is over) to what is said of a device. What the site
 * did not write is left out. */
void calibration_add(json_t *to, const struct device *d, int64_t now_ms);

struct dustd;

/* Says once that a device's calibration has become due or is over, in the log and on its topic. */
void calibration_turn(struct dustd *d, int64_t now_ms);

#endif
