/* The whole pipeline on one core: samples from a bus ring, raw blocks, minutes, windows, verdicts, rows, the
 * store. bench_whole [HOURS [COMMIT_EVERY_S [DIR]]]     ten points at 1 Hz Method: HOURS of site time are
 * pushed through as fast as it goes (time is an argument), each second's ten samples through a real ring; the
 * store commits to a real file in DIR (a disk, not a RAM file system). Readings a second count the CPU time
 * of all threads. Bytes to the device are /proc/self/io's write_bytes (pages dirtied on their way to the
 * disk; each commit is synced), scaled to a day. Instructions: run it under valgrind --tool=callgrind. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/bus_now.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/device_now.h"
#include "daemon/judging.h"
#include "daemon/pipeline.h"
#include "daemon/registers.h"
#include "daemon/uplink_now.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { POINTS = 10 };

static struct point points[POINTS];
static struct profile profile = {.name = "bench", .points = points, .npoints = POINTS, .max_registers = 125};
static struct device device = {
    .name = "meter", .title_zh = "", .title_en = "", .profile = &profile, .unit_id = 1, .period_ms = 1000};
static const struct device *const devices[] = {&device};
static struct bus_config bus = {.name = "bus", .devices = devices, .ndevices = 1};
static struct limit limit = {.id = "bench/pm10-hour",
                             .title_zh = "",
                             .title_en = "",
                             .standard = "",
                             .source = "",
                             .doubt = "",
                             .role = "pm10",
                             .window_ms = CLOCK_HOUR_MS,
                             .compare = COMPARE_REACHES,
                             .value = 250,
                             .unit = "ug/m3",
                             .over = OVER_EACH,
                             .valid_from_ms = INT64_MIN,
                             .valid_to_ms = INT64_MAX,
                             .action_zh = "",
                             .action_en = "",
                             .person = "nobody"};

static void make_config(struct config *c, const char *dir, int64_t commit_every_ms)
{
    static struct config_point list[POINTS];
    static char names[POINTS][16];
    for (int i = 0; i < POINTS; i++) {
        points[i] = (struct point){.name = names[i] + 6,
                                   .title_zh = "",
                                   .title_en = "",
                                   .unit = "ug/m3",
                                   .role = i ? "" : "pm10",
                                   .table = TABLE_HOLDING,
                                   .address = (uint16_t)i,
                                   .type = TYPE_U16,
                                   .bit = -1,
                                   .scale = 0.1,
                                   .decimals = 1,
                                   .low = NAN,
                                   .high = NAN};
        snprintf(names[i], sizeof names[i], "meter/p%d", i);
        list[i] = (struct config_point){&device, &points[i], names[i]};
    }
    *c = (struct config){.file = "bench",
                         .language = "en",
                         .buses = &bus,
                         .nbuses = 1,
                         .devices = &device,
                         .ndevices = 1,
                         .points = list,
                         .npoints = POINTS,
                         .limits = &limit,
                         .nlimits = 1,
                         .live_every_ms = 10000,
                         .health_every_ms = 600000};
    c->site.name = c->site.title_zh = c->site.title_en = c->site.community = c->site.contractor = "bench";
    c->site.authority = c->site.address = "";
    c->site.issue_prefix = "BN";
    c->site.longitude = c->site.latitude = NAN;
    c->site.zone_min = 480;
    c->store.dir = dir;
    c->store.commit_every_ms = commit_every_ms;
    c->store.keep_raw_ms = c->store.keep_minutes_ms = 365 * (int64_t)CLOCK_DAY_MS;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Dust that drifts: what a meter's registers look like, a few counts from one second to the next. */
static void push_second(struct ring *ring, int64_t at_ms, uint64_t *state, int *levels)
{
    for (int i = 0; i < POINTS; i++) {
        levels[i] += (int)(next_random(state) % 7) - 3;
        levels[i] = levels[i] < 100 ? 100 : levels[i] > 3000 ? 3000 : levels[i];
        struct bus_message m = {.kind = BUS_SAMPLE,
                                .u.sample = {.at_ms = at_ms + 37,
                                             .point = (uint16_t)i,
                                             .quality = QUALITY_NORMAL,
                                             .nreg = 1,
                                             .reg = {(uint16_t)levels[i]},
                                             .value = levels[i] * 0.1}};
        ring_push(ring, &m);
    }
    struct bus_message mark = {.kind = BUS_MARK, .u.mark_ms = at_ms + 1000};
    ring_push(ring, &mark);
}

static long long written_bytes(void)
{
    long long bytes = -1;
    char line[128];
    FILE *f = fopen("/proc/self/io", "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "write_bytes: %lld", &bytes);
    if (f)
        fclose(f);
    return bytes;
}

static void run(struct dustd *d, int64_t start_ms, int64_t seconds)
{
    uint64_t state = 42;
    int levels[POINTS];
    for (int i = 0; i < POINTS; i++)
        levels[i] = 500 + 100 * i;
    for (int64_t s = 0; s < seconds; s++) {
        int64_t at_ms = start_ms + s * 1000;
        push_second(d->buses[0].ring, at_ms, &state, levels);
        pipeline_bus(d, 0);
        pipeline_turn(d, at_ms + 1000, (at_ms + 1000) * 1000);
        batch_flush(d);
        batch_store(d);
        while (store_state(d->store).waiting > 8) { /* a real disk keeps this pace by itself */
            struct pollfd p = {.fd = ring_fd(store_ring(d->store)), .events = POLLIN};
            poll(&p, 1, 100);
            batch_store(d);
        }
    }
}

int main(int argc, char **argv)
{
    double hours = (argc > 1 ? atof(argv[1]) : 6) / 2; /* two halves */
    int every_s = argc > 2 ? atoi(argv[2]) : 10;
    char dir[256];
    snprintf(dir, sizeof dir, "%s/bench-XXXXXX", argc > 3 ? argv[3] : ".");
    struct config c;
    struct dustd d = {0};
    struct uplink_now none = {0};
    struct bus_now bus_now = {.ring = ring_create(64, sizeof(struct bus_message))};
    log_open("bench", LOG_LEVEL_WARNING);
    json_set_alloc_funcs(mem_bytes, mem_free);
    if (!mkdtemp(dir) || !bus_now.ring)
        return 1;
    make_config(&c, dir, every_s * 1000);
    d.config = &c;
    judging_open(&d);
    d.now = mem_array(POINTS, sizeof *d.now);
    d.said_bad = mem_array(POINTS, sizeof *d.said_bad);
    d.registers = mem_array(POINTS, sizeof *d.registers);
    d.devices = mem_new(struct device_now);
    d.buses = &bus_now;
    d.uplinks = &none;
    int64_t start_ms = 1767225600000; /* 2026-01-01T08:00+08:00 */
    if (store_open(dir, false, &d.store, &d.opened) != ERR_OK || store_start(d.store) != ERR_OK)
        return 1;
    d.head = d.opened.head;
    d.minute_ms = start_ms;
    d.next_live_ms = d.next_state_ms = INT64_MAX;
    long long before = written_bytes();
    run(&d, start_ms, (int64_t)(hours * 3600));
    int64_t kept = store_state(d.store).bytes;
    run(&d, start_ms + (int64_t)(hours * 3600000), (int64_t)(hours * 3600));
    kept = store_state(d.store).bytes - kept; /* of the second half: the WAL stands in both */
    store_stop(d.store, 10000);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    hours *= 2;
    double readings = hours * 3600 * POINTS;
    printf("%g h, %d points at 1 Hz, commit_every %d s: %.0f readings, %.0f readings/CPU-second, %.1f MB/day "
           "to the device, %.0f MB/year kept, peak resident %ld KiB\n",
           hours, POINTS, every_s, readings, readings / cpu_s,
           (double)(written_bytes() - before) / hours * 24 / 1e6, (double)kept / hours * 2 * 24 * 365 / 1e6,
           u.ru_maxrss);
    char *command = mem_printf("rm -rf '%s'", dir);
    return system(command) == 0 ? 0 : 1;
}
