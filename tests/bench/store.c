/* What a day costs the flash: a realistic day of ten points at 1 Hz goes through the store without waiting,
 * at commit_every 60, 10 and 1 s. Bytes are those the kernel sent to the device for this process (write_bytes
 * of /proc/self/io, so without the file system's own journal); the directory must lie on a disk, not in
 * memory: bench_store [DIR] (default: the working directory). */
#include "daemon/store/store.h"
#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/store/rawblock.h"
#include "drivers/decode.h"
#include "drivers/device.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { POINTS = 10, DAY_S = 86400, TMPFS = 0x01021994, QUEUE = 64 };

struct day {
    struct point points[POINTS];
    struct config_point named[POINTS];
    char names[POINTS][32];
    struct config config;
    struct sample minute[POINTS * 60];
    size_t n, first; /* samples of the minute; the first not yet in a chunk */
    double value[POINTS];
    uint32_t random;
    struct journal head;
    unsigned long long batches, rows;
};

static long long written(void)
{
    char line[128];
    long long bytes = 0;
    FILE *f = fopen("/proc/self/io", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "write_bytes: ", 13) == 0)
            bytes = strtoll(line + 13, NULL, 10);
    if (f)
        fclose(f);
    return bytes;
}

static void make_points(struct day *d)
{
    d->config = (struct config){.points = d->named, .npoints = POINTS};
    for (int i = 0; i < POINTS; i++) {
        d->points[i] = (struct point){.name = "p",
                                      .unit = "ug/m3",
                                      .role = "",
                                      .type = i < 7 ? TYPE_U16 : TYPE_U32,
                                      .bit = -1,
                                      .scale = i % 2 ? 1 : 0.1,
                                      .low = 0,
                                      .high = NAN};
        snprintf(d->names[i], sizeof d->names[i], "meter-%d/point-%d", i / 4, i);
        d->named[i] = (struct config_point){.point = &d->points[i], .name = d->names[i]};
        d->value[i] = 80 * d->points[i].scale;
    }
    d->random = 1;
}

static int jitter(struct day *d)
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 17;
    d->random ^= d->random << 5;
    return (int)(d->random % 7) - 3;
}

static void read_points(struct day *d, int64_t second_ms)
{
    int64_t at_ms = 0;
    for (int i = 0; i < POINTS; i++) {
        struct sample *s = &d->minute[d->n++];
        if (i % 4 == 0) /* another device, another answer */
            at_ms = second_ms + 50 * i + jitter(d);
        *s = (struct sample){
            .at_ms = at_ms, .point = (uint16_t)i, .nreg = (uint8_t)point_registers(&d->points[i])};
        d->value[i] = fmax(1, d->value[i] + jitter(d) * d->points[i].scale);
        encode_point(&d->points[i], d->value[i], s->reg);
        decode_point(&d->points[i], s);
    }
}

static void *make_block(struct day *d, size_t first, size_t *length)
{
    struct buf b = {0};
    rawblock_encode(&d->config, d->minute + first, d->n - first, &b);
    *length = b.length;
    return buf_take(&b);
}

static void end_minute(struct day *d, int64_t start_ms, struct batch *b)
{
    struct buf body = {0};
    char hex[65];
    uint8_t hash[HASH_SIZE];
    b->raw = make_block(d, 0, &b->raw_length);
    hash_bytes(b->raw, b->raw_length, hash);
    hash_hex(hash, hex);
    buf_printf(&body, "{\"ts\":%lld,\"kind\":\"minute\",\"subject\":\"\",\"points\":{", (long long)start_ms);
    for (int i = 0; i < POINTS; i++)
        buf_printf(&body, "%s\"%s\":{\"mean\":%.4f,\"min\":%.1f,\"max\":%.1f,\"n\":60,\"of\":60,\"q\":\"N\"}",
                   i ? "," : "", d->names[i], d->value[i], d->value[i] - 3, d->value[i] + 3);
    buf_printf(&body, "},\"raw\":\"%s\"}", hex);
    b->nrows = 1;
    b->rows = mem_array(1, sizeof *b->rows);
    journal_append(&d->head, b->rows, start_ms, "minute", "", buf_take(&body));
    b->raw_seq = d->head.seq;
    d->n = d->first = 0;
    d->rows++;
}

/* Waits only when the queue is long: the disk sets the pace. */
static void hand_over(struct store *s, struct day *d, struct batch *b)
{
    struct store_message m;
    struct pollfd p = {.fd = ring_fd(store_ring(s)), .events = POLLIN};
    do {
        ring_woken(store_ring(s));
        while (ring_pop(store_ring(s), &m) == ERR_OK)
            page_free(m.page);
        if (store_state(s).waiting >= QUEUE)
            poll(&p, 1, 10);
    } while (store_state(s).waiting >= QUEUE);
    if (store_commit(s, b) != ERR_OK)
        exit(EXIT_FAILED);
    d->batches++;
}

static void run_day(struct store *s, struct day *d, int commit_every_s)
{
    int64_t start_ms = 1700006400000;
    for (int second = 0; second < DAY_S; second++) {
        struct batch b = {0};
        read_points(d, start_ms + second * 1000);
        if (second % 60 == 59) {
            end_minute(d, start_ms + (second - 59) * 1000, &b);
            hand_over(s, d, &b);
        } else if ((second + 1) % commit_every_s == 0) {
            b.chunk = make_block(d, d->first, &b.chunk_length);
            d->first = d->n;
            hand_over(s, d, &b);
        }
    }
}

static void remove_dir(char *dir)
{
    static const char *const names[] = {"dust.db", "dust.db-wal", "dust.lock", "journal.last"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = mem_printf("%s/%s", dir, names[i]);
        unlink(name);
        mem_free(name);
    }
    rmdir(dir);
    mem_free(dir);
}

static void measure(const char *base, int commit_every_s)
{
    struct store *s;
    struct store_opened info;
    struct day *d = mem_new(struct day);
    char *dir = mem_printf("%s/bench-store-XXXXXX", base);
    if (!mkdtemp(dir) || store_open(dir, false, &s, &info) || store_start(s))
        exit(EXIT_FAILED);
    d->head = info.head;
    make_points(d);
    long long before = written();
    int64_t start_us = clock_wire_us();
    run_day(s, d, commit_every_s);
    store_stop(s, 60000);
    struct stat st = {0};
    char *file = mem_printf("%s/dust.db", dir);
    stat(file, &st);
    mem_free(file);
    double seconds = (double)(clock_wire_us() - start_us) / 1e6;
    printf("commit_every %2d s: %5llu commits (%llu minute rows) in %5.1f s, %5.0f commits/s; %6.1f MB a day "
           "to the "
           "device; the file grows %.2f MB a day\n",
           commit_every_s, d->batches, d->rows, seconds, (double)d->batches / seconds,
           (double)(written() - before) / 1e6, (double)st.st_size / 1e6);
    remove_dir(dir);
    mem_free(d);
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : ".";
    struct statfs fs;
    if (statfs(base, &fs) != 0)
        return EXIT_FAILED;
    if (fs.f_type == TMPFS)
        printf("%s lies in memory: no byte goes to a device\n", base);
    printf("a day of %d points at 1 Hz, as fast as the disk takes it; bytes: write_bytes of /proc/self/io\n",
           POINTS);
    for (size_t i = 0; i < 3; i++)
        measure(base, (const int[]){60, 10, 1}[i]);
    return EXIT_OK;
}
