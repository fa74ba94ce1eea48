/* Any bytes as a recording: whatever they are read as, times of what is told are dates that a site can have,
 * every point is one of the site's, a value is a number, and a refusal is one line that names the file. */
#include "daemon/replay/recording.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/yaml.h"
#include "daemon/config/config.h"
#include "daemon/replay/format.h"
#include "drivers/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct point points[] = {{.name = "pm10", .role = "pm10", .unit = "ug/m3"},
                                      {.name = "wind", .role = "wind_speed", .unit = "m/s"},
                                      {.name = "factor", .role = "", .unit = "", .watch = true}};
static struct device device = {.name = "d", .period_ms = 1000};
static struct config_point list[] = {
    {&device, &points[0], "d/pm10"}, {&device, &points[1], "d/wind"}, {&device, &points[2], "d/factor"}};
static struct config config = {.points = list, .npoints = 3, .site.zone_min = 480};

static void check(const struct recording *s, const struct recorded *r)
{
    if (r->kind == RECORDED_INPUT)
        return;
    if (r->n < 1 && s->format->shape != FORMAT_ROWS)
        abort();
    if (r->kind == RECORDED_MEANS &&
        (r->at_ms % CLOCK_MINUTE_MS || r->until_ms % CLOCK_MINUTE_MS || r->until_ms < r->at_ms))
        abort();
    for (int i = 0; i < r->n; i++) {
        const struct reading *v = &r->readings[i];
        bool sample = r->kind == RECORDED_SAMPLES;
        if (v->point < 0 || v->point > 1 || isinf(sample ? v->value : v->mean.mean) ||
            (!sample && v->mean.n && isnan(v->mean.mean)))
            abort();
    }
}

static void read_source(struct recording *s, struct complaint *why)
{
    struct recorded r;
    int rc;
    while ((rc = recording_next(s, &r, why)) == ERR_OK)
        check(s, &r);
    if ((rc == ERR_FORMAT) != (why->text[0] != 0) || (rc != ERR_FORMAT && rc != ERR_NOT_FOUND))
        abort();
    recording_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recording *sources[RECORDINGS_PER_FILE];
    struct complaint why = {""};
    struct recording_site site = {&config, NULL, 0};
    int n,
        rc = recording_of_memory(&(struct bytes){"file", (const char *)data, size}, &site, sources, &n, &why);
    if ((rc != ERR_OK) != (why.text[0] != 0) || (rc != ERR_OK && (n || strncmp(why.text, "file:", 5) != 0)))
        abort();
    for (int i = 0; i < n; i++) {
        why.text[0] = 0;
        read_source(sources[i], &why);
    }
    return 0;
}
