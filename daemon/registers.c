#include "daemon/registers.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/dustd.h"
#include "daemon/judge/window.h"
#include "daemon/pipeline.h"
#include "daemon/rows.h"
#include "drivers/decode.h"
#include "drivers/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEX_ROOM = 4 * SAMPLE_REGISTERS_MAX + 1 };

/* Registers in wire order as hexadecimal digits, four each: "000103E8". */
static const char *hex_text(const uint16_t *reg, int n, char text[static HEX_ROOM])
{
    text[0] = 0;
    for (size_t i = 0; i < (size_t)n; i++)
        snprintf(text + 4 * i, 5, "%04X", reg[i]);
    return text;
}

/* How many registers a text of hexadecimal digits holds; 0 when it is none. */
static int hex_registers(const char *text, uint16_t reg[static SAMPLE_REGISTERS_MAX])
{
    size_t length = text ? strlen(text) : 0;
    if (!length || length % 4 || length / 4 > SAMPLE_REGISTERS_MAX ||
        strspn(text, "0123456789ABCDEF") != length)
        return 0;
    for (size_t i = 0; i < length / 4; i++) {
        char digits[5] = {0};
        memcpy(digits, text + 4 * i, 4);
        reg[i] = (uint16_t)strtoul(digits, NULL, 16);
    }
    return (int)(length / 4);
}

/* `raw` always, `v` where the registers are a value. */
static void add_reading(json_t *to, const struct point *p, const uint16_t *reg, const char *v,
                        const char *raw)
{
    char text[HEX_ROOM];
    struct sample s = {.nreg = (uint8_t)point_registers(p)};
    memcpy(s.reg, reg, sizeof s.reg);
    decode_point(p, &s);
    if (!isnan(s.value))
        json_object_set_new(to, v, json_real(s.value));
    json_object_set_new(to, raw, json_string(hex_text(reg, s.nreg, text)));
}

/* Without `old` it is the first reading: what the device was when it was taken into service. False when there
 * is no room for the row. */
static bool tell(struct dustd *d, const struct sample *s, const struct register_now *was)
{
    const struct config_point *of = &d->config->points[s->point];
    char old[HEX_ROOM], now[HEX_ROOM];
    json_t *body = row_begin(d, s->at_ms, "device", of->device->name);
    json_object_set_new(body, "register", json_string(of->point->name));
    json_object_set_new(body, "unit", json_string(of->point->unit));
    if (was->nreg)
        add_reading(body, of->point, was->reg, "old", "old_raw");
    add_reading(body, of->point, s->reg, "new", "new_raw");
    if (!row_append(d, s->at_ms, "device", of->device->name, body) && !d->hold.undated)
        return false;
    hex_text(s->reg, s->nreg, now);
    if (was->nreg)
        log_warning("%s: this setting of the device was changed: from 0x%s to 0x%s", of->name,
                    hex_text(was->reg, was->nreg, old), now);
    else
        log_info("%s: this setting of the device is 0x%s", of->name, now);
    return true;
}

static void say_unreadable(struct dustd *d, const struct sample *s)
{
    const struct config_point *of = &d->config->points[s->point];
    bool refused = s->why == WHY_EXCEPTION;
    if (refused && !d->said_bad[s->point])
        log_warning("%s: this setting of the device cannot be watched: exception %u", of->name, s->exception);
    d->said_bad[s->point] = d->said_bad[s->point] || refused;
}

void registers_sample(struct dustd *d, const struct sample *s)
{
    struct register_now *r = &d->registers[s->point];
    size_t bytes = s->nreg * sizeof *s->reg;
    if (!s->nreg) {
        say_unreadable(d, s);
        return;
    }
    if (r->nreg == s->nreg && memcmp(r->reg, s->reg, bytes) == 0) {
        r->doubted = false;
        return;
    }
    bool sure = !r->nreg || (r->doubted && memcmp(r->other, s->reg, bytes) == 0);
    memcpy(r->other, s->reg, sizeof r->other);
    r->doubted = true;
    if (!sure || !tell(d, s, r))
        return;
    *r = (struct register_now){.nreg = s->nreg, .since_ms = s->at_ms, .changed = r->nreg > 0};
    memcpy(r->reg, s->reg, sizeof r->reg);
}

void registers_restore(struct dustd *d, const char *device, int64_t at_ms, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "register"));
    char *full = name ? mem_printf("%s/%s", device, name) : NULL;
    int i = full ? pipeline_point(d->config, full) : -1;
    mem_free(full);
    if (i < 0 || !d->config->points[i].point->watch)
        return;
    struct register_now r = {.since_ms = at_ms, .changed = json_object_get(body, "old_raw") != NULL};
    r.nreg = (uint8_t)hex_registers(json_string_value(json_object_get(body, "new_raw")), r.reg);
    if (r.nreg == point_registers(d->config->points[i].point))
        d->registers[i] = r;
}

/* It may have been read last a period before the run's last sign of life. */
void registers_known(struct dustd *d)
{
    for (int i = 0; i < d->config->npoints; i++) {
        const struct point *p = d->config->points[i].point;
        struct sample s = {.nreg = d->registers[i].nreg};
        memcpy(s.reg, d->registers[i].reg, sizeof s.reg);
        if (!s.nreg)
            continue;
        decode_point(p, &s);
        if (!isnan(s.value))
            judge_setting(d->judge, i, round4(s.value), d->alive_ms - p->period_ms);
    }
}

json_t *registers_json(const struct dustd *d, int point)
{
    const struct register_now *r = &d->registers[point];
    if (!r->nreg)
        return NULL;
    json_t *j = json_object();
    add_reading(j, d->config->points[point].point, r->reg, "v", "raw");
    if (clock_is_dated(r->since_ms))
        json_object_set_new(j, "since", json_integer(r->since_ms));
    json_object_set_new(j, "changed", json_boolean(r->changed));
    return j;
}
