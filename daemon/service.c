#include "daemon/service.h"

#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/dustd.h"
#include "daemon/judge/facts.h"
#include "daemon/now.h"
#include "daemon/required.h"

void service_add(const struct dustd *d, json_t *to, const struct device *device, int64_t now_ms)
{
    const struct facts *facts = required_facts(d->required);
    char letter = facts_service(facts, device->name, now_ms);
    if (letter == QUALITY_NORMAL)
        return;
    json_object_set_new(to, "service",
                        json_pack("{s:s,s:I}", "what",
                                  letter == QUALITY_CALIBRATION ? "calibration" : "maintenance", "until",
                                  (json_int_t)facts_service_end(facts, device->name, now_ms)));
}

void service_turn(struct dustd *d, int64_t now_ms)
{
    for (int i = 0; i < d->config->ndevices; i++) {
        const char *name = d->config->devices[i].name;
        int64_t until_ms = facts_service_end(required_facts(d->required), name, now_ms);
        if (until_ms == d->devices[i].served_until_ms)
            continue;
        d->devices[i].served_until_ms = until_ms;
        now_device(d, -1, i);
    }
}
