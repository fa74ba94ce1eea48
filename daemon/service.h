/* That a device is being served (maintenance, calibration): what its topic and the control socket say of it
 * beside its state, which tells whether it answers. Main thread. */
#ifndef DUST_SERVICE_H
#define DUST_SERVICE_H

#include <jansson.h>
#include <stdint.h>

struct device;
struct dustd;

/* Adds `service` {"what":"maintenance|calibration","until":ms} to what is said of a device that is being
 * served at site time now_ms; else nothing. */
void service_add(const struct dustd *d, json_t *to, const struct device *device, int64_t now_ms);

/* Says on its topic that a device is served from now on, or no longer. */
void service_turn(struct dustd *d, int64_t now_ms);

#endif
