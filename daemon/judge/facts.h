/* What the judge must know and no meter says: the stage of the work, the background concentration of the
 * county's stations, and which device is being served. Whoever takes the inputs (commands, MQTT) writes them
 * here; the judge and the requirements read them by the time of measurement, never by now. Pure data, no I/O,
 * main thread. What was never told is unknown, never a default. */
#ifndef DUST_FACTS_H
#define DUST_FACTS_H

#include "daemon/config/stage.h"

#include <stdbool.h>
#include <stdint.h>

struct facts;

/* Nothing is known. The caller's (facts_destroy). */
struct facts *facts_create(void);
void facts_destroy(struct facts *f); /* accepts NULL */

/* From from_ms on the site is in that stage, until the next that is told; told again for the same time it
 * replaces the earlier word. */
void facts_set_stage(struct facts *f, int64_t from_ms, enum stage stage);
enum stage facts_stage(const struct facts *f, int64_t at_ms); /* accepts NULL: unknown */

/* The background of points with that role (kept as given: a word of role_words) in [start_ms, + length_ms),
 * in ug/m3. */
void facts_set_background(struct facts *f, const char *role, int64_t start_ms, int64_t length_ms,
                          double ugm3);
/* Of exactly that window; NaN when it was not told (accepts NULL). A longer window is not put together. */
double facts_background(const struct facts *f, const char *role, int64_t start_ms, int64_t length_ms);

/* The device's samples in [from_ms, to_ms) carry that letter: 'M' maintenance or 'C' calibration; but not
 * before it was told: nobody declares afterwards that what was measured was none. The caller has cut it to
 * the longest allowed (4 h [proposal]); ended early, it is told again with the same from_ms and an earlier
 * to_ms. */
void facts_set_service(struct facts *f, const char *device, char letter, int64_t from_ms, int64_t to_ms,
                       int64_t told_ms);
/* 'M', 'C', or 'N' when it is not being served (accepts NULL). */
char facts_service(const struct facts *f, const char *device, int64_t at_ms);

/* Until when that lasts; 0 when it is not being served (accepts NULL). */
int64_t facts_service_end(const struct facts *f, const char *device, int64_t at_ms);

/* Whether the device (NULL: any) was served in any part of [from_ms, to_ms) (accepts NULL: no). */
bool facts_served(const struct facts *f, const char *device, int64_t from_ms, int64_t to_ms);

/* How many services of the device began in [from_ms, to_ms) (accepts NULL: 0). */
int facts_services(const struct facts *f, const char *device, int64_t from_ms, int64_t to_ms);

/* Forgets what ended before that time, but for the stage that holds then: memory does not grow with the
 * length of the run. */
void facts_forget(struct facts *f, int64_t before_ms);

#endif
