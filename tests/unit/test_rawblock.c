/* Raw blocks: what goes in comes out, it stays small, and no damaged byte gets past the bounds. */
#include "daemon/store/rawblock.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "drivers/decode.h"
#include "drivers/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { POINTS = 10, SECONDS = 60, NOON = 1000 };

static const int64_t start_ms = 1700000000000;

/* A louvre station and two meters: as vendors make them, 16 and 32 bits, a float among them. */
static const struct {
    const char *name, *unit;
    enum point_type type;
    double scale;
    int decimals;
} kinds[POINTS] = {
    {"station-1/pm2_5", "ug/m3", TYPE_U16, 1, 0},       {"station-1/pm10", "ug/m3", TYPE_U16, 1, 0},
    {"station-1/temperature", "Cel", TYPE_I16, 0.1, 1}, {"station-1/humidity", "%", TYPE_U16, 0.1, 1},
    {"station-1/wind_speed", "m/s", TYPE_U16, 0.1, 1},  {"station-1/wind_direction", "deg", TYPE_U16, 1, 0},
    {"station-1/noise", "dB", TYPE_U16, 0.1, 1},        {"meter-1/tsp", "ug/m3", TYPE_U32, 1, 0},
    {"meter-1/pm10", "ug/m3", TYPE_U32, 1, 0},          {"water-1/flow", "m3/h", TYPE_F32, 1, 2},
};
static struct point points[POINTS];
static struct config_point named[POINTS];
static struct config config = {.points = named, .npoints = POINTS};

static int make_points(void **state)
{
    (void)state;
    for (int i = 0; i < POINTS; i++) {
        points[i] = (struct point){.name = strchr(kinds[i].name, '/') + 1,
                                   .unit = kinds[i].unit,
                                   .role = "",
                                   .type = kinds[i].type,
                                   .bit = -1,
                                   .scale = kinds[i].scale,
                                   .decimals = kinds[i].decimals,
                                   .low = i == 2 ? -40 : 0,
                                   .high = i < 2 ? 1000 : NAN,
                                   .invalid = {0, 0xFFFFFFFF},
                                   .ninvalid = kinds[i].type == TYPE_U32 ? 2 : 0};
        named[i] = (struct config_point){.point = &points[i], .name = kinds[i].name};
    }
    points[9].order = ORDER_CDAB;
    return 0;
}

static uint32_t random_of(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* A step from -most to most. */
static double jitter(uint32_t *seed, int most)
{
    return (int)(random_of(seed) % (uint32_t)(2 * most + 1)) - most;
}

/* A minute at 1 Hz: every point wanders, the three devices answer a few ms late, each in its own way. */
static size_t make_minute(struct sample *samples, uint32_t seed)
{
    double value[POINTS] = {48, 81, 22.5, 61.3, 2.4, 225, 63.1, 130, 84, 12.34};
    static const int most[POINTS] = {2, 3, 1, 2, 3, 6, 20, 5, 3, 30};
    size_t n = 0;
    for (int second = 0; second < SECONDS; second++) {
        int64_t at_ms = 0;
        for (int i = 0; i < POINTS; i++) {
            if (i == 0 || i == 7 || i == 9)
                at_ms = start_ms + second * 1000 + 40 * i + (int64_t)(random_of(&seed) % 5);
            struct sample *s = &samples[n++];
            *s = (struct sample){
                .at_ms = at_ms, .point = (uint16_t)i, .nreg = (uint8_t)point_registers(&points[i])};
            double step = i == 9 ? 0.01 : points[i].scale;
            value[i] = fmax(step, value[i] + jitter(&seed, most[i]) * step);
            encode_point(&points[i], value[i], s->reg);
            decode_point(&points[i], s);
        }
    }
    return n;
}

static struct sample failed_sample(int64_t at_ms, int point, enum quality quality, enum why why,
                                   int exception)
{
    return (struct sample){.at_ms = at_ms,
                           .point = (uint16_t)point,
                           .quality = (uint8_t)quality,
                           .why = (uint8_t)why,
                           .exception = (uint8_t)exception,
                           .value = NAN};
}

struct heard {
    struct raw_sample all[4096];
    char names[4096][40];
    size_t n;
};

static void hear(const struct raw_sample *s, void *arg)
{
    struct heard *h = arg;
    if (h->n >= 4096)
        return;
    h->all[h->n] = *s;
    snprintf(h->names[h->n++], sizeof *h->names, "%s", s->name);
}

static void ignore(const struct raw_sample *s, void *arg)
{
    (void)arg;
    bool valued = s->sample.quality == QUALITY_NORMAL || s->sample.quality == QUALITY_OVER_RANGE;
    assert_true(valued ? isfinite(s->sample.value) : isnan(s->sample.value));
}

static struct heard *decoded(const struct buf *block)
{
    struct heard *h = mem_new(struct heard);
    assert_int_equal(rawblock_decode(block->data, block->length, hear, h), ERR_OK);
    return h;
}

static void assert_same(const struct sample *a, const struct sample *b)
{
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->quality, b->quality);
    assert_int_equal(a->why, b->why);
    assert_int_equal(a->exception, b->exception);
    assert_int_equal(a->nreg, b->nreg);
    assert_memory_equal(a->reg, b->reg, a->nreg * sizeof *a->reg);
    assert_true(a->value == b->value || (isnan(a->value) && isnan(b->value)));
}

static void a_minute_comes_back_sample_for_sample_by_point_then_time(void **state)
{
    (void)state;
    struct sample samples[POINTS * SECONDS];
    struct buf block = {0};
    size_t n = make_minute(samples, NOON);
    rawblock_encode(&config, samples, n, &block);
    struct heard *h = decoded(&block);
    assert_int_equal(h->n, n);
    for (size_t i = 0; i < n; i++) {
        size_t point = i / SECONDS, second = i % SECONDS;
        assert_string_equal(h->names[i], named[point].name);
        assert_int_equal(h->all[i].sample.point, point);
        assert_int_equal(h->all[i].decimals, points[point].decimals);
        assert_same(&h->all[i].sample, &samples[second * POINTS + point]);
    }
    mem_free(h);
    buf_finish(&block);
}

static void the_order_samples_come_in_does_not_matter(void **state)
{
    (void)state;
    struct sample samples[POINTS * SECONDS], reversed[POINTS * SECONDS];
    struct buf a = {0}, b = {0};
    size_t n = make_minute(samples, NOON);
    for (size_t i = 0; i < n; i++)
        reversed[i] = samples[n - 1 - i];
    rawblock_encode(&config, samples, n, &a);
    rawblock_encode(&config, reversed, n, &b);
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
    buf_finish(&a);
    buf_finish(&b);
}

static void failures_keep_their_reason_and_have_no_value(void **state)
{
    (void)state;
    struct sample samples[] = {
        failed_sample(start_ms, 1, QUALITY_NO_COMMUNICATION, WHY_NO_ANSWER, 0),
        failed_sample(start_ms + 1000, 1, QUALITY_FAULT, WHY_EXCEPTION, 4),
        failed_sample(start_ms + 2000, 1, QUALITY_NO_COMMUNICATION, WHY_GARBLED, 0),
        failed_sample(start_ms + 3000, 1, QUALITY_NO_COMMUNICATION, WHY_LINE, 0),
        {.at_ms = start_ms + 4000, .point = 8, .nreg = 2, .reg = {0xFFFF, 0xFFFF}},
        {.at_ms = start_ms + 5000, .point = 2, .nreg = 1, .reg = {0xFE00}},
        {.at_ms = start_ms + 6000, .point = 0, .nreg = 1, .reg = {1200}},
        {.at_ms = start_ms + 7000, .point = 9, .nreg = 2, .reg = {0, 0x7FC0}},
    };
    enum { COUNT = sizeof samples / sizeof *samples };
    for (int i = 4; i < COUNT; i++)
        decode_point(&points[samples[i].point], &samples[i]);
    struct buf block = {0};
    rawblock_encode(&config, samples, COUNT, &block);
    struct heard *h = decoded(&block);
    static const int order[COUNT] = {6, 0, 1, 2, 3, 5, 4, 7};
    assert_int_equal(h->n, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_same(&h->all[i].sample, &samples[order[i]]);
    mem_free(h);
    buf_finish(&block);
}

/* A calibrating meter answers, but what it says is no measurement. */
static void a_sample_marked_as_calibration_keeps_its_registers_and_no_value(void **state)
{
    (void)state;
    struct sample s = {
        .at_ms = start_ms, .point = 1, .quality = QUALITY_CALIBRATION, .nreg = 1, .reg = {500}, .value = NAN};
    struct buf block = {0};
    rawblock_encode(&config, &s, 1, &block);
    struct heard *h = decoded(&block);
    assert_same(&h->all[0].sample, &s);
    mem_free(h);
    buf_finish(&block);
}

static void odd_times_and_an_empty_minute_come_back(void **state)
{
    (void)state;
    struct buf block = {0};
    rawblock_encode(&config, NULL, 0, &block);
    struct heard *h = decoded(&block);
    assert_int_equal(h->n, 0);
    mem_free(h);
    buf_clear(&block);
    /* a clock stepped back by a day, a time before 1970, twice the same */
    const int64_t times[] = {-5, start_ms - 86400000, start_ms, start_ms, start_ms + 1};
    struct sample samples[5];
    for (int i = 0; i < 5; i++)
        samples[i] = failed_sample(times[i], 3, QUALITY_NO_COMMUNICATION, WHY_NO_ANSWER, 0);
    rawblock_encode(&config, samples, 5, &block);
    h = decoded(&block);
    assert_int_equal(h->n, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(h->all[i].sample.at_ms, times[i]);
    mem_free(h);
    buf_finish(&block);
}

static void ten_points_at_1_hz_stay_below_1900_bytes_a_minute(void **state)
{
    (void)state;
    struct sample samples[POINTS * SECONDS];
    size_t largest = 0, total = 0;
    for (uint32_t seed = 1; seed <= 100; seed++) {
        struct buf block = {0};
        rawblock_encode(&config, samples, make_minute(samples, seed * 7919), &block);
        largest = block.length > largest ? block.length : largest;
        total += block.length;
        buf_finish(&block);
    }
    print_message("a minute of 10 points at 1 Hz: mean %zu, largest %zu bytes; a year of means %.2f GB\n",
                  total / 100, largest, (double)total / 100 * 525600 / 1e9);
    assert_true(largest < 1800);
}

static void every_cut_and_every_flipped_bit_is_refused_or_read_within_bounds(void **state)
{
    (void)state;
    struct sample samples[POINTS * SECONDS];
    struct buf block = {0};
    rawblock_encode(&config, samples, make_minute(samples, NOON), &block);
    for (size_t length = 0; length < block.length; length++) {
        char *cut = mem_array(length + 1, 1); /* of its own, so that ASan sees a read behind it */
        memcpy(cut, block.data, length);
        cut = mem_resize(cut, length ? length : 1, 1);
        assert_int_equal(rawblock_decode(cut, length, ignore, NULL), ERR_DAMAGED);
        mem_free(cut);
    }
    for (size_t bit = 0; bit < 8 * block.length; bit++) {
        block.data[bit / 8] = (char)(block.data[bit / 8] ^ 1 << bit % 8);
        /* zlib's own sum finds what the bounds do not, but for the unused bits of its header */
        (void)rawblock_decode(block.data, block.length, ignore, NULL);
        block.data[bit / 8] = (char)(block.data[bit / 8] ^ 1 << bit % 8);
    }
    buf_finish(&block);
}

static void a_claim_of_gigabytes_is_refused_before_any_memory_is_taken(void **state)
{
    (void)state;
    struct buf block = {0};
    buf_text(&block, "DR1");
    buf_varint(&block, UINT64_C(1) << 40);
    buf_text(&block, "x\x9c\x03");
    assert_int_equal(rawblock_decode(block.data, block.length, ignore, NULL), ERR_DAMAGED);
    buf_clear(&block);
    buf_text(&block, "DR1");
    buf_varint(&block, 1 << 23);
    buf_text(&block, "x\x9c\x03");
    assert_int_equal(rawblock_decode(block.data, block.length, ignore, NULL), ERR_DAMAGED);
    buf_finish(&block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minute_comes_back_sample_for_sample_by_point_then_time),
        cmocka_unit_test(the_order_samples_come_in_does_not_matter),
        cmocka_unit_test(failures_keep_their_reason_and_have_no_value),
        cmocka_unit_test(a_sample_marked_as_calibration_keeps_its_registers_and_no_value),
        cmocka_unit_test(odd_times_and_an_empty_minute_come_back),
        cmocka_unit_test(ten_points_at_1_hz_stay_below_1900_bytes_a_minute),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_refused_or_read_within_bounds),
        cmocka_unit_test(a_claim_of_gigabytes_is_refused_before_any_memory_is_taken),
    };
    return cmocka_run_group_tests(tests, make_points, NULL);
}
