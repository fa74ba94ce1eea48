/* How large a minute's raw block is, over points and samples a minute: what dustd --check reckons with
 * (cost.c). Method: registers that drift by up to three counts from sample to sample, times that jitter by 2
 * ms; four points a device; the mean of 20 minutes. */
#include "daemon/base/buf.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/store/rawblock.h"
#include "drivers/device.h"

#include <math.h>
#include <stdio.h>

enum { MINUTES = 20, A_DEVICE = 4 };

struct rig {
    struct config config;
    struct point *points;
    struct config_point *named;
    char (*names)[32];
    int *levels;
    uint32_t random;
};

static int jitter(struct rig *r, int most)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 17;
    r->random ^= r->random << 5;
    return (int)(r->random % (uint32_t)(2 * most + 1)) - most;
}

static void make(struct rig *r, int npoints)
{
    size_t n = (size_t)npoints;
    *r = (struct rig){.points = mem_array(n, sizeof *r->points),
                      .named = mem_array(n, sizeof *r->named),
                      .names = mem_array(n, sizeof *r->names),
                      .levels = mem_array(n, sizeof *r->levels),
                      .random = 1};
    r->config = (struct config){.points = r->named, .npoints = npoints};
    for (int i = 0; i < npoints; i++) {
        r->points[i] = (struct point){.name = "p",
                                      .unit = "ug/m3",
                                      .role = "",
                                      .type = TYPE_U16,
                                      .bit = -1,
                                      .scale = 0.1,
                                      .low = NAN,
                                      .high = NAN};
        snprintf(r->names[i], sizeof r->names[i], "meter-%d/point-%d", i / A_DEVICE, i % A_DEVICE);
        r->named[i] = (struct config_point){.point = &r->points[i], .name = r->names[i]};
        r->levels[i] = 500 + 100 * (i % 9);
    }
}

static size_t minute(struct rig *r, int64_t start_ms, int per_minute)
{
    int npoints = r->config.npoints;
    struct sample *samples = mem_array((size_t)(npoints * per_minute), sizeof *samples), *s = samples;
    struct buf block = {0};
    for (int k = 0; k < per_minute; k++)
        for (int i = 0; i < npoints; i++, s++) {
            int level = r->levels[i] + jitter(r, 3);
            r->levels[i] = level < 100 ? 100 : level;
            *s = (struct sample){.at_ms = start_ms + k * (60000 / per_minute) + 37 + jitter(r, 2) +
                                          i / A_DEVICE * 5,
                                 .point = (uint16_t)i,
                                 .quality = QUALITY_NORMAL,
                                 .nreg = 1,
                                 .reg = {(uint16_t)r->levels[i]},
                                 .value = r->levels[i] * 0.1};
        }
    rawblock_encode(&r->config, samples, (size_t)(npoints * per_minute), &block);
    size_t length = block.length;
    buf_finish(&block);
    mem_free(samples);
    return length;
}

int main(void)
{
    static const int points[] = {1, 4, 10, 40, 100}, rates[] = {600, 60, 12, 1};
    printf("%8s %16s %8s %24s\n", "points", "samples a minute", "bytes", "60 + 12 p + 1.2 samples");
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
            struct rig r;
            double bytes = 0;
            make(&r, points[i]);
            for (int m = 0; m < MINUTES; m++)
                bytes += (double)minute(&r, INT64_C(1795420800000) + m * INT64_C(60000), rates[k]) / MINUTES;
            printf("%8d %16d %8.0f %24.0f\n", points[i], rates[k], bytes,
                   60 + 12 * points[i] + 1.2 * points[i] * rates[k]);
            mem_free(r.points);
            mem_free(r.named);
            mem_free(r.names);
            mem_free(r.levels);
        }
    return 0;
}
