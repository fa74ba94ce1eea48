#include "daemon/calibration.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/dustd.h"
#include "daemon/now.h"

enum calibration calibration_of(const struct device *d, int64_t now_ms)
{
    if (!d->calibrated_ms || !clock_is_dated(now_ms))
        return CALIBRATION_UNSAID;
    if (now_ms >= d->calibrated_ms)
        return CALIBRATION_OVER;
    return d->calibrated_ms - now_ms <= CALIBRATION_SOON_DAYS * (int64_t)CLOCK_DAY_MS ? CALIBRATION_DUE
                                                                                      : CALIBRATION_VALID;
}

/* Whole days that are left: 0 on the last one, -1 on the first after it. */
static int64_t days_left(const struct device *d, int64_t now_ms)
{
    int64_t left_ms = d->calibrated_ms - now_ms;
    return left_ms > 0 ? (left_ms - 1) / CLOCK_DAY_MS : -1 + left_ms / CLOCK_DAY_MS;
}

static void add_text(json_t *to, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(to, key, json_string(text));
}

void calibration_add(json_t *to, const struct device *d, int64_t now_ms)
{
    static const char *const states[] = {
        [CALIBRATION_VALID] = "valid", [CALIBRATION_DUE] = "due", [CALIBRATION_OVER] = "over"};
    enum calibration is = calibration_of(d, now_ms);
    add_text(to, "serial", d->serial);
    add_text(to, "certificate", d->certificate);
    add_text(to, "calibration_due", d->calibration_due);
    if (is == CALIBRATION_UNSAID)
        return;
    json_object_set_new(to, "calibration", json_string(states[is]));
    json_object_set_new(to, "calibration_days", json_integer(days_left(d, now_ms)));
}

void calibration_turn(struct dustd *d, int64_t now_ms)
{
    for (int i = 0; i < d->config->ndevices; i++) {
        const struct device *device = &d->config->devices[i];
        enum calibration is = calibration_of(device, now_ms), was = d->devices[i].calibration;
        if (is == was)
            continue;
        d->devices[i].calibration = is;
        if (is == CALIBRATION_DUE)
            log_warning("device %s: its calibration is due on %s", device->name, device->calibration_due);
        if (is == CALIBRATION_OVER)
            log_warning("device %s: its calibration ended on %s", device->name, device->calibration_due);
        now_device(d, -1, i);
    }
}
