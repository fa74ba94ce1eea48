/* A block: "DR1", the inflated length as a varint, a zlib stream. Inflated, in varints (z: zigzag):
 *   base time z, number of points, then for each point
 *     its description   name, unit, type, order, bit+1, decimals z, scale offset low high (8 bytes each,
 *                       least significant first), number of invalid values, the values
 *     its times         number of samples, 1 if all times are those of the point before (one request reads
 *                       them all), else each as the change of the step: 0 for a meter that keeps its period
 *     its states        runs of (length, quality, why, exception, number of registers)
 *     its registers     first register of all samples, then the second ...: steps of 16 bits, z
 * Values are not stored: they are decoded again from the registers. */
#include "daemon/store/rawblock.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "drivers/decode.h"
#include "drivers/device.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char magic[3] = {'D', 'R', '1'};

/* 300 points at 10 Hz are 180,000 samples in a minute. */
enum { SAMPLES_MAX = 1 << 20, POINTS_MAX = 4096, INFLATED_MAX = 1 << 24 };

/* ---- writing ---- */

static int by_point_and_time(const void *a, const void *b)
{
    const struct sample *x = *(const struct sample *const *)a, *y = *(const struct sample *const *)b;
    if (x->point != y->point)
        return x->point < y->point ? -1 : 1;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void write_string(struct buf *b, const char *text)
{
    size_t length = strlen(text);
    buf_varint(b, length);
    buf_add(b, text, length);
}

static void write_double(struct buf *b, double value)
{
    uint64_t bits;
    uint8_t bytes[8];
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(bits >> (8 * i));
    buf_add(b, bytes, sizeof bytes);
}

static void write_point(struct buf *b, const struct config_point *c)
{
    const struct point *p = c->point;
    write_string(b, c->name);
    write_string(b, p->unit);
    buf_varint(b, p->type);
    buf_varint(b, p->order);
    buf_varint(b, (unsigned)(p->bit + 1));
    buf_zigzag(b, p->decimals);
    write_double(b, p->scale);
    write_double(b, p->offset);
    write_double(b, p->low);
    write_double(b, p->high);
    buf_varint(b, (uint64_t)p->ninvalid);
    for (int i = 0; i < p->ninvalid; i++)
        buf_varint(b, p->invalid[i]);
}

static bool same_times(const struct sample *const *a, size_t na, const struct sample *const *b, size_t nb)
{
    if (na != nb)
        return false;
    for (size_t i = 0; i < na; i++)
        if (a[i]->at_ms != b[i]->at_ms)
            return false;
    return true;
}

static void write_times(struct buf *b, const struct sample *const *s, size_t n, int64_t base_ms)
{
    int64_t last = base_ms, step = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t now = s[i]->at_ms - last;
        buf_zigzag(b, now - step);
        step = i ? now : 0;
        last = s[i]->at_ms;
    }
}

static bool same_state(const struct sample *a, const struct sample *b)
{
    return a->quality == b->quality && a->why == b->why && a->exception == b->exception && a->nreg == b->nreg;
}

static void write_states(struct buf *b, const struct sample *const *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && same_state(s[i], s[end]))
            end++;
        uint8_t state[] = {s[i]->quality, s[i]->why, s[i]->exception, s[i]->nreg};
        buf_varint(b, end - i);
        buf_add(b, state, sizeof state);
        i = end;
    }
}

static void write_registers(struct buf *b, const struct sample *const *s, size_t n)
{
    for (int r = 0; r < SAMPLE_REGISTERS_MAX; r++) {
        uint16_t last = 0;
        for (size_t i = 0; i < n; i++) {
            if (s[i]->nreg <= r)
                continue;
            buf_zigzag(b, (int16_t)(uint16_t)(s[i]->reg[r] - last));
            last = s[i]->reg[r];
        }
    }
}

static size_t end_of_point(const struct sample *const *s, size_t n, size_t first)
{
    size_t end = first + 1;
    while (end < n && s[end]->point == s[first]->point)
        end++;
    return end;
}

static void write_columns(struct buf *b, const struct config *c, const struct sample *const *s, size_t n)
{
    int64_t base_ms = n ? s[0]->at_ms : 0;
    size_t npoints = 0, before = 0, nbefore = 0;
    for (size_t i = 0; i < n; i = end_of_point(s, n, i))
        npoints++;
    buf_zigzag(b, base_ms);
    buf_varint(b, npoints);
    for (size_t i = 0; i < n;) {
        size_t count = end_of_point(s, n, i) - i;
        bool same = nbefore && same_times(s + before, nbefore, s + i, count);
        write_point(b, &c->points[s[i]->point]);
        buf_varint(b, count);
        buf_varint(b, same);
        if (!same)
            write_times(b, s + i, count, base_ms);
        write_states(b, s + i, count);
        write_registers(b, s + i, count);
        before = i;
        nbefore = count;
        i += count;
    }
}

void rawblock_encode(const struct config *c, const struct sample *samples, size_t n, struct buf *out)
{
    assert(n <= SAMPLES_MAX);
    const struct sample **sorted = mem_array(n + 1, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &samples[i];
    qsort(sorted, n, sizeof *sorted, by_point_and_time);
    struct buf plain = {0};
    write_columns(&plain, c, sorted, n);
    mem_free(sorted);

    uLongf length = compressBound(plain.length);
    Bytef *packed = mem_array(length, 1);
    int done = compress2(packed, &length, (const Bytef *)plain.data, plain.length, Z_BEST_COMPRESSION);
    if (done != Z_OK) /* zlib's only other answer here */
        mem_exhausted();
    buf_add(out, magic, sizeof magic);
    buf_varint(out, plain.length);
    buf_add(out, packed, length);
    mem_free(packed);
    buf_finish(&plain);
}

/* ---- reading: no byte is trusted; `bad` stays set, and every number read after that is 0 ---- */

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static uint64_t read_varint(struct reader *r)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && r->at < r->end && !r->bad; shift += 7) {
        uint8_t byte = *r->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    r->bad = true;
    return 0;
}

static int64_t read_zigzag(struct reader *r)
{
    uint64_t value = read_varint(r);
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

/* A number from 0 to `most`. */
static size_t read_count(struct reader *r, size_t most)
{
    uint64_t value = read_varint(r);
    if (value > most)
        r->bad = true;
    return r->bad ? 0 : (size_t)value;
}

static const uint8_t *read_bytes(struct reader *r, size_t n)
{
    if (r->bad || !r->at || (size_t)(r->end - r->at) < n) {
        r->bad = true;
        return NULL;
    }
    r->at += n;
    return r->at - n;
}

static double read_double(struct reader *r)
{
    const uint8_t *bytes = read_bytes(r, 8);
    uint64_t bits = 0;
    double value;
    for (int i = 0; bytes && i < 8; i++)
        bits |= (uint64_t)bytes[i] << (8 * i);
    memcpy(&value, &bits, sizeof value);
    return value;
}

static char *read_string(struct reader *r)
{
    size_t length = read_count(r, 512);
    const uint8_t *text = read_bytes(r, length);
    return mem_string_n(text ? (const char *)text : "", text ? length : 0);
}

/* Sums of foreign numbers wrap instead of being undefined. */
static int64_t add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

struct column { /* one point's samples; `s` is kept for the next point, which may have the same times */
    struct point point;
    char *name, *unit;
    struct sample *s;
    size_t n, room;
};

static void read_point(struct reader *r, struct column *c)
{
    mem_free(c->name);
    mem_free(c->unit);
    c->name = read_string(r);
    c->unit = read_string(r);
    c->point = (struct point){.name = c->name, .unit = c->unit, .role = ""};
    c->point.type = (enum point_type)read_count(r, TYPE__COUNT - 1);
    c->point.order = (enum word_order)read_count(r, ORDER__COUNT - 1);
    c->point.bit = (int)read_count(r, 16) - 1;
    int64_t decimals = read_zigzag(r);
    if (decimals < -16 || decimals > 16)
        r->bad = true;
    c->point.decimals = r->bad ? 0 : (int)decimals;
    c->point.scale = read_double(r);
    c->point.offset = read_double(r);
    c->point.low = read_double(r);
    c->point.high = read_double(r);
    c->point.ninvalid = (int)read_count(r, POINT_INVALID_MAX);
    for (int i = 0; i < c->point.ninvalid; i++)
        c->point.invalid[i] = read_varint(r);
}

static void read_times(struct reader *r, struct column *c, int64_t base_ms)
{
    size_t n = read_count(r, SAMPLES_MAX);
    bool same = read_count(r, 1);
    if (same && n != c->n)
        r->bad = true;
    if (r->bad || same)
        return;
    if (n > (size_t)(r->end - r->at)) { /* a time is at least a byte */
        r->bad = true;
        return;
    }
    if (n > c->room) {
        c->s = mem_resize(c->s, n, sizeof *c->s);
        c->room = n;
    }
    c->n = n;
    int64_t at = base_ms, step = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t now = add(read_zigzag(r), step);
        at = add(at, now);
        step = i ? now : 0;
        c->s[i].at_ms = at;
    }
}

static void read_states(struct reader *r, struct column *c, uint16_t point)
{
    for (size_t i = 0; i < c->n && !r->bad;) {
        size_t run = read_count(r, c->n - i);
        const uint8_t *state = read_bytes(r, 4);
        if (run == 0 || !state || state[1] >= WHY__COUNT || state[3] > SAMPLE_REGISTERS_MAX) {
            r->bad = true;
            return;
        }
        for (size_t end = i + run; i < end; i++)
            c->s[i] = (struct sample){.at_ms = c->s[i].at_ms,
                                      .point = point,
                                      .quality = state[0],
                                      .why = state[1],
                                      .exception = state[2],
                                      .nreg = state[3],
                                      .value = NAN};
    }
}

static void read_registers(struct reader *r, struct column *c)
{
    for (int reg = 0; reg < SAMPLE_REGISTERS_MAX; reg++) {
        uint16_t last = 0;
        for (size_t i = 0; i < c->n && !r->bad; i++) {
            if (c->s[i].nreg <= reg)
                continue;
            last = (uint16_t)(last + (uint64_t)read_zigzag(r));
            c->s[i].reg[reg] = last;
        }
    }
}

/* The value comes from the registers. A sample that claims a value its registers do not give was not made by
 * rawblock_encode; one that has none (maintenance, a failed read) keeps its stored quality. */
static int read_value(const struct point *p, struct sample *s)
{
    struct sample again = *s;
    bool valued = s->quality == QUALITY_NORMAL || s->quality == QUALITY_OVER_RANGE;
    decode_point(p, &again);
    if (again.quality == s->quality && again.why == s->why)
        s->value = again.value;
    else if (valued)
        return ERR_DAMAGED;
    return ERR_OK;
}

static int sink_column(const struct column *c, void (*sink)(const struct raw_sample *s, void *arg), void *arg)
{
    struct raw_sample out = {.name = c->name, .unit = c->unit, .decimals = c->point.decimals};
    for (size_t i = 0; i < c->n; i++) {
        out.sample = c->s[i];
        if (read_value(&c->point, &out.sample))
            return ERR_DAMAGED;
        sink(&out, arg);
    }
    return ERR_OK;
}

static int read_columns(struct reader *r, void (*sink)(const struct raw_sample *s, void *arg), void *arg)
{
    struct column c = {0};
    int64_t base_ms = read_zigzag(r);
    size_t npoints = read_count(r, POINTS_MAX), total = 0;
    for (size_t i = 0; i < npoints && !r->bad; i++) {
        read_point(r, &c);
        read_times(r, &c, base_ms);
        total += c.n;
        if (total > SAMPLES_MAX)
            r->bad = true;
        read_states(r, &c, (uint16_t)i);
        read_registers(r, &c);
        if (!r->bad && sink_column(&c, sink, arg))
            r->bad = true;
    }
    mem_free(c.name);
    mem_free(c.unit);
    mem_free(c.s);
    return r->bad || r->at != r->end ? ERR_DAMAGED : ERR_OK;
}

int rawblock_decode(const void *data, size_t length, void (*sink)(const struct raw_sample *s, void *arg),
                    void *arg)
{
    struct reader packed = {.at = data, .end = (const uint8_t *)data + length};
    const uint8_t *start = read_bytes(&packed, sizeof magic);
    if (!start || memcmp(start, magic, sizeof magic) != 0)
        return ERR_DAMAGED;
    size_t inflated = read_count(&packed, INFLATED_MAX);
    /* deflate gains at most 1032 to 1: a larger claim is a lie, not worth the memory */
    size_t rest = (size_t)(packed.end - packed.at);
    if (packed.bad || inflated / 1032 > rest)
        return ERR_DAMAGED;
    uint8_t *plain = mem_array(inflated + 1, 1);
    uLongf got = inflated;
    uLong used = rest;
    int rc = ERR_DAMAGED;
    int done = uncompress2(plain, &got, packed.at, &used);
    if (done == Z_MEM_ERROR)
        mem_exhausted(); /* the block may be whole */
    if (done == Z_OK && got == inflated && used == rest) {
        struct reader r = {.at = plain, .end = plain + inflated};
        rc = read_columns(&r, sink, arg);
    }
    mem_free(plain);
    return rc;
}
