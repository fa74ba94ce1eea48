/* Device profiles: the shipped ones as the facts say, and what a profile must not say. */
#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "drivers/profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct profile *shipped(const char *name)
{
    char *file = mem_printf("config/devices/%s.yaml", name);
    struct profile *p = NULL;
    struct complaint why;
    if (profile_load(file, &p, &why))
        fail_msg("%s", why.text);
    assert_string_equal(p->name, name);
    assert_true(p->source[0] != 0);
    mem_free(file);
    return p;
}

static const struct point *find(const struct profile *p, const char *name)
{
    for (int i = 0; i < p->npoints; i++)
        if (strcmp(p->points[i].name, name) == 0)
            return &p->points[i];
    fail_msg("no point %s in %s", name, p->name);
    return NULL;
}

static void sds069_has_four_big_endian_words_and_two_invalid_values(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int address;
    } want[] = {{"pm1", 0x10}, {"pm25", 0x12}, {"pm10", 0x14}, {"tsp", 0x16}};
    struct profile *p = shipped("nova-sds069");
    assert_int_equal(p->npoints, 6);
    assert_int_equal(p->baud, 9600);
    assert_string_equal(p->parity, "8N1");
    assert_int_equal(p->unit_id, 1);
    assert_int_equal(p->max_registers, 125);
    for (int i = 0; i < 4; i++) {
        const struct point *q = find(p, want[i].name);
        assert_int_equal(q->address, want[i].address);
        assert_int_equal(q->table, TABLE_HOLDING);
        assert_int_equal(q->type, TYPE_U32);
        assert_int_equal(q->order, ORDER_ABCD);
        assert_int_equal(q->bit, -1);
        assert_int_equal(q->ninvalid, 2);
        assert_true(q->invalid[0] == 0 && q->invalid[1] == 0xffffffff);
        assert_true(q->scale == 1 && q->offset == 0);
        assert_true(isnan(q->low) && isnan(q->high));
        assert_string_equal(q->unit, "ug/m3");
        assert_string_equal(q->role, q->name);
    }
    profile_free(p);
}

static void the_louvre_station_reads_ten_registers_from_0x01f4(void **state)
{
    (void)state;
    static const struct {
        const char *name, *unit;
        enum point_type type;
        double scale;
    } want[] = {{"wind_speed", "m/s", TYPE_U16, 0.1}, {"wind_force", "", TYPE_U16, 1},
                {"wind_sector", "", TYPE_U16, 1},     {"wind_direction", "deg", TYPE_U16, 1},
                {"humidity", "%", TYPE_U16, 0.1},     {"temperature", "degC", TYPE_I16, 0.1},
                {"noise", "dB", TYPE_U16, 0.1},       {"pm25", "ug/m3", TYPE_U16, 1},
                {"pm10", "ug/m3", TYPE_U16, 1},       {"pressure", "kPa", TYPE_U16, 0.1}};
    struct profile *p = shipped("louvre-pm-weather");
    assert_int_equal(p->npoints, 10);
    assert_int_equal(p->unit_id, 2);
    assert_int_equal(p->baud, 0);
    for (int i = 0; i < 10; i++) {
        assert_string_equal(p->points[i].name, want[i].name);
        assert_int_equal(p->points[i].address, 0x01f4 + i);
        assert_int_equal(p->points[i].type, want[i].type);
        assert_true(p->points[i].scale == want[i].scale);
        assert_string_equal(p->points[i].unit, want[i].unit);
    }
    profile_free(p);
}

static void the_relay_board_has_eight_writable_coils_and_eight_doubtful_inputs(void **state)
{
    (void)state;
    struct profile *p = shipped("waveshare-relay-8ch");
    assert_int_equal(p->npoints, 16);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(p->points[i].table, i < 8 ? TABLE_COIL : TABLE_DISCRETE_INPUT);
        assert_int_equal(p->points[i].address, i % 8);
        assert_int_equal(p->points[i].type, TYPE_BIT);
        assert_int_equal(p->points[i].writable, i < 8);
    }
    assert_non_null(strstr(p->doubt, "[memory]"));
    profile_free(p);
}

static void the_flow_meter_counts_from_zero_with_the_low_word_first(void **state)
{
    (void)state;
    struct profile *p = shipped("tuf-2000m-flow");
    const struct point *flow = find(p, "flow"), *total = find(p, "flow_total");
    assert_int_equal(flow->address, 0);
    assert_int_equal(flow->type, TYPE_F32);
    assert_int_equal(flow->order, ORDER_CDAB);
    assert_int_equal(total->address, 8);
    assert_int_equal(total->type, TYPE_I32);
    assert_int_equal(total->order, ORDER_CDAB);
    assert_non_null(strstr(p->doubt, "[memory]"));
    profile_free(p);
}

/* --- profiles of the test's own --- */

static int load(const char *text, struct profile **p, struct complaint *why)
{
    char dir[] = "/tmp/dust-profile-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *file = mem_printf("%s/mine.yaml", dir);
    FILE *f = fopen(file, "w");
    fputs(text, f);
    fclose(f);
    int error = profile_load(file, p, why);
    if (error) {
        assert_memory_equal(why->text, file, strlen(file));
        memmove(why->text, why->text + strlen(file) - 1, strlen(why->text + strlen(file) - 1) + 1);
        why->text[0] = 'f';
    }
    unlink(file);
    rmdir(dir);
    mem_free(file);
    return error;
}

static void a_point_without_title_is_called_by_its_name(void **state)
{
    (void)state;
    struct profile *p;
    struct complaint why;
    assert_int_equal(
        load("title: {zh: 表, en: Meter}\npoints:\n  a: {address: 0x1F, type: bit, bit: 3}\n", &p, &why), 0);
    assert_string_equal(p->name, "mine");
    assert_string_equal(p->points[0].title_zh, "a");
    assert_string_equal(p->points[0].title_en, "a");
    assert_int_equal(p->points[0].address, 31);
    assert_int_equal(p->points[0].bit, 3);
    profile_free(p);
}

static void what_is_printed_loads_to_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"nova-sds069", "louvre-pm-weather", "waveshare-relay-8ch",
                                        "tuf-2000m-flow"};
    for (size_t i = 0; i < 4; i++) {
        struct profile *p = shipped(names[i]), *q = NULL;
        struct buf once = {0}, twice = {0};
        struct complaint why;
        profile_print(p, 0, &once);
        if (load(once.data, &q, &why))
            fail_msg("%s", why.text);
        profile_print(q, 0, &twice);
        assert_string_equal(once.data, twice.data);
        assert_int_equal(p->npoints, q->npoints);
        buf_finish(&once);
        buf_finish(&twice);
        profile_free(p);
        profile_free(q);
    }
}

#define HEAD "title: {zh: 表, en: Meter}\n"

/* A line may have 32 of them, and what stood in many lines is printed in one. */
static void a_folded_text_with_many_brackets_is_printed_so_that_it_loads(void **state)
{
    (void)state;
    struct profile *p, *q;
    struct complaint why;
    struct buf text = {0}, once = {0};
    buf_text(&text, HEAD "source: \"{[");
    for (int i = 0; i < 60; i++)
        buf_text(&text, "{[\\\"\n  ");
    buf_text(&text, "\"\npoints:\n  p: {address: 1, type: u16}\n");
    if (load(text.data, &p, &why))
        fail_msg("%s", why.text);
    profile_print(p, 0, &once);
    if (load(once.data, &q, &why))
        fail_msg("%s", why.text);
    assert_string_equal(p->source, q->source);
    assert_int_equal(strlen(p->source), 2 + 60 * 4);
    profile_free(p);
    profile_free(q);
    buf_finish(&text);
    buf_finish(&once);
}

static void what_cannot_be_a_device_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {HEAD, "f:1:1: found no points in profile; allowed: only with points"},
        {"points: {a: {address: 1, type: u16}}", "f:1:1: found no title in profile"},
        {HEAD "points: {}", "f:2:9: found no entry in points; allowed: at least one point"},
        {HEAD "points: {a: {type: u16}}",
         "f:2:10: found no address in point; allowed: only with address, protocol address, from 0"},
        {HEAD "points: {a: {address: 1}}", "f:2:10: found no type in point"},
        {HEAD "points: {a: {address: 010, type: u16}}", "f:2:23: found \"010\" for address; allowed: a whole "
                                                        "number, decimal or 0x hexadecimal, "
                                                        "at most 65535"},
        {HEAD "points: {a: {address: 0x10000, type: u16}}", "f:2:23: found \"0x10000\" for address"},
        {HEAD "points: {a: {address: 65535, type: u32}}", "f:2:23: found address 65535 for 2 registers"},
        {HEAD "points: {a: {adress: 1, type: u16}}",
         "f:2:14: found the unknown key \"adress\" in point (did you mean \"address\"?)"},
        {HEAD "points: {a: {address: 1, type: U16}}",
         "f:2:32: found \"U16\" for type (did you mean \"u16\"?); allowed: one of bit u16"},
        {HEAD "points: {a: {address: 1, type: u16, table: coil}}",
         "f:2:32: found type u16 in table coil; allowed: bit"},
        {HEAD "points: {a: {address: 1, type: bit, bit: 0, table: coil}}",
         "f:2:42: found a bit in table coil"},
        {HEAD "points: {a: {address: 1, type: bit}}",
         "f:2:32: found type bit and bit -1; allowed: in registers"},
        {HEAD "points: {a: {address: 1, type: u16, bit: 3}}", "f:2:42: found type u16 and bit 3"},
        {HEAD "points: {a: {address: 1, type: bit, bit: 16}}",
         "f:2:42: found \"16\" for bit; allowed: a whole number, -1 to 15"},
        {HEAD "points: {a: {address: 1, type: u16, table: input, writable: true}}",
         "f:2:61: found a writable point in table input"},
        {HEAD "points: {a: {address: 1, type: u16, scale: 0}}", "f:2:44: found scale 0"},
        {HEAD "points: {a: {address: 1, type: u16, low: 5, high: 5}}",
         "f:2:51: found a range from 5 to 5; allowed: low < high"},
        {HEAD "points: {a: {address: 1, type: u16, invalid: [0, 0x10000]}}",
         "f:2:50: found a raw value that type u16 cannot hold; allowed: at most 0xFFFF"},
        {HEAD "points: {a: {address: 1, type: u16, unit: ug}}",
         "f:2:43: found \"ug\" for unit; allowed: a unit: ug/m3"},
        {HEAD "points: {a: {address: 1, type: u16, unit: UG/m3}}",
         "f:2:43: found \"UG/m3\" for unit (did you mean \"ug/m3\"?); allowed: a unit: ug/m3"},
        {HEAD "points: {a: {address: 1, type: u16, role: pm1O}}",
         "f:2:43: found \"pm1O\" for role (did you mean \"pm10\"?); allowed: one of pm1 pm25"},
        {HEAD "points: {a: {address: 1, type: u16, role: pm10, unit: m/s}}",
         "f:2:55: found the unit \"m/s\" for the role pm10; allowed: one that fits \"ug/m3\""},
        {HEAD "points: {a: {address: 1, type: u16, role: noise, unit: lx}}",
         "f:2:56: found the unit \"lx\" for the role noise; allowed: one that fits \"dB\""},
        {HEAD "points: {a: {address: 1, type: u16, role: pm10, unit: dB(A)}}",
         "f:2:55: found the unit \"dB(A)\" for the role pm10"},
        {HEAD "points: {a: {address: 1, type: u16, role: pm10}}",
         "f:2:43: found the unit \"\" for the role pm10"},
        {HEAD "max_registers: 1\npoints: {a: {address: 1, type: f32}}",
         "f:3:10: found a point of 2 registers; allowed: max_registers, 1"},
        {HEAD "points: {a: {address: 1, type: u32}, b: {address: 2, type: u16}}",
         "f:2:38: found point b at holding 2, which point a reads already; allowed: registers of its own, or "
         "another bit"},
        {HEAD "points: {a: {address: 1, type: u16}, b: {address: 1, type: bit, bit: 3}}",
         "f:2:38: found point b at holding 1, which point a reads already"},
        {HEAD "points: {a: {address: 1, type: bit, bit: 3}, b: {address: 1, type: bit, bit: 3}}",
         "f:2:46: found point b at holding 1, which point a reads already"},
        {HEAD "base: 1\npoints: {a: {address: 1, type: u32}, b: {address: 2, type: u16}}",
         "f:3:38: found point b at holding 1, which point a reads already"},
        {HEAD "points: {a: {address: 1, type: u16}, a: {address: 2, type: u16}}",
         "f:2:38: found the key \"a\" "},
        {HEAD "points: {a: {address: 40001, type: u16}}",
         "f:2:23: found 40001 without a base; allowed: with base: 40001, where it is the holding register at "
         "0, "
         "with base: 0, or as 0x9C41"},
        {HEAD "points: {a: {address: 30011, type: u16, table: input}}",
         "f:2:23: found 30011 without a base; allowed: with base: 40001, where it is the input register at "
         "10"},
        {HEAD "points: {a: {address: 10001, type: bit, table: discrete}}",
         "f:2:23: found 10001 without a base"},
        {HEAD "base: 1\npoints: {a: {address: 0, type: u16}}",
         "f:3:23: found address 0 with base 1; allowed: from 1"},
        {HEAD "base: 40001\npoints: {a: {address: 20001, type: u16}}",
         "f:3:23: found 20001 with base 40001; allowed: 1 to 9999 (coil), 10001"},
        {HEAD "base: 40001\npoints: {a: {address: 40001, type: u16, table: input}}",
         "f:3:48: found table input for number 40001; allowed: holding, or none"},
        {HEAD "base: 40001\npoints: {a: {address: 10001, type: u16}}",
         "f:3:36: found type u16 in table discrete; allowed: bit"},
        {HEAD "base: 2\npoints: {a: {address: 1, type: u16}}",
         "f:2:7: found \"2\" for base; allowed: one of 0 1 40001"},
        {HEAD "points: {a: {address: 1, type: u16, usual_low: 5, usual_high: 5}}",
         "f:2:63: found a usual range from 5 to 5; allowed: usual_low < usual_high"},
        {HEAD "points: {a: {address: 1, type: u16, watch: true, role: pm10, unit: ug/m3}}",
         "f:2:44: found watch with the role pm10; allowed: a setting of the device"},
        {HEAD "points: {a: {address: 1, type: u16, period: 1h}}",
         "f:2:45: found a period of 3600 s; allowed: at most 60s, or with watch: true"},
        {HEAD "baud: 9601\npoints: {a: {address: 1, type: u16}}", "f:2:7: found \"9601\" for baud"},
        {HEAD "format: 9N1\npoints: {a: {address: 1, type: u16}}",
         "f:2:9: found \"9N1\" for format; allowed: data bits"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct profile *p = NULL;
        struct complaint why = {{0}};
        int error = load(bad[i].text, &p, &why);
        if (error != ERR_FORMAT || strncmp(why.text, bad[i].message, strlen(bad[i].message)) != 0)
            fail_msg("%s\ngave %d \"%s\" instead of \"%s\"", bad[i].text, error, why.text, bad[i].message);
        assert_non_null(strstr(why.text, "; allowed: "));
    }
}

#define POINTS "points: {a: {address: 2, type: u32, unit: ug/m3}, on: {table: coil, address: 0, type: bit}}\n"
#define ASK    "title: T, request: \"01 03 00 02 00 02 65 CB\""

/* Frames that a profile shows, and what it says of them, are replayed when it is read: a map that was copied
 * wrongly does not load. */
static void a_profile_that_its_own_examples_contradict_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *example, *message;
    } bad[] = {
        {"title: T", "f:3:12: found no request in example"},
        {"title: T, request: 01 03", "f:3:32: found \"01 03\"; allowed: bytes in hexadecimal"},
        {"title: T, request: \"1 3 0 2 0 2 65 CB\"", "f:3:32: found \"1 3 0 2 0 2 65 CB\"; allowed: bytes"},
        {"title: T, request: \"01 03 00 02 00 02 65 CC\"",
         "f:3:32: found the CRC 65 CC in request; allowed: 65 CB, and misprint: for what the manual shows"},
        {"title: T, request: \"01 03 00 09 00 02 14 09\"",
         "f:3:32: found a request for holding 9, 2 of them, that is of no point; allowed: one that reads"},
        {"title: T, request: \"01 07 41 E2\"", "f:3:32: found a request that dustd does not send"},
        {ASK ", misprint: \"01 03 00 02 00 02 65 CB\"",
         "f:3:69: found the request itself; allowed: what the manual shows instead"},
        {ASK ", values: [a 1 ug/m3]", "f:3:67: found values without a response; allowed: both"},
        {ASK ", response: \"01 03 04 00 00 00 42 7B 02\"",
         "f:3:69: found the CRC 7B 02 in response; allowed: 7A 02"},
        {ASK ", response: \"01 03 02 00 42 38 75\"",
         "f:3:69: found a response that does not answer the request"},
        {ASK ", response: \"01 03 04 00 00 00 42 7A 02\", values: [a 67 ug/m3]",
         "f:3:108: found \"a 67 ug/m3\", but the response says 66 ug/m3; allowed: what it says"},
        {ASK ", response: \"01 03 04 00 00 00 42 7A 02\", values: [a -]",
         "f:3:108: found \"a -\", but the response says 66 ug/m3"},
        {ASK ", response: \"01 03 04 00 00 00 42 7A 02\", values: [on 1]",
         "f:3:108: found \"on 1\"; allowed: a point of the request and its value"},
        {ASK ", response: \"01 03 04 00 00 00 42 7A 02\", values: [a 66 m/s]",
         "f:3:108: found \"a 66 m/s\"; allowed: a point of the request and its value"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct profile *p = NULL;
        struct complaint why = {{0}};
        char *text = mem_printf(HEAD POINTS "examples: [{%s}]\n", bad[i].example);
        int error = load(text, &p, &why);
        if (error != ERR_FORMAT || strncmp(why.text, bad[i].message, strlen(bad[i].message)) != 0)
            fail_msg("%s\ngave %d \"%s\" instead of \"%s\"", text, error, why.text, bad[i].message);
        assert_non_null(strstr(why.text, "; allowed: "));
        mem_free(text);
    }
}

static void a_profile_with_true_examples_loads_also_of_orders(void **state)
{
    (void)state;
    static const char *const good[] = {
        ASK,
        ASK ", response: \"01 03 04 00 00 00 42 7a 02\", values: [a 66 ug/m3]",
        ASK ", response: \"01 03 04 00 00 00 42 7A 02\", values: [a 0.066 mg/m3]",
        "title: T, request: \"01 05 00 00 FF 00 8C 3A\", response: \"01 05 00 00 FF 00 8C 3A\"",
        "title: T, request: \"FF 0F 00 00 00 08 01 FF 30 1D\"",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct profile *p = NULL;
        struct complaint why = {{0}};
        char *text = mem_printf(HEAD POINTS "examples: [{%s}]\n", good[i]);
        if (load(text, &p, &why))
            fail_msg("%s\ngave \"%s\"", text, why.text);
        mem_free(text);
        profile_free(p);
    }
}

static void bits_of_one_register_may_be_points_beside_each_other(void **state)
{
    (void)state;
    struct profile *p;
    struct complaint why;
    assert_int_equal(load(HEAD
                          "points: {a: {address: 1, type: bit, bit: 3}, b: {address: 1, type: bit, bit: 4}}",
                          &p, &why),
                     0);
    profile_free(p);
}

static void a_number_from_40001_on_is_an_address_when_it_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int address;
    } said[] = {{HEAD "points: {a: {address: 0x9C41, type: u16}}", 40001},
                {HEAD "base: 0\npoints: {a: {address: 40001, type: u16}}", 40001},
                {HEAD "base: 40001\npoints: {a: {address: 40001, type: u16}}", 0},
                {HEAD "base: 1\npoints: {a: {address: 40001, type: u16}}", 40000}};
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
        struct profile *p;
        struct complaint why;
        if (load(said[i].text, &p, &why))
            fail_msg("%s", why.text);
        assert_int_equal(p->points[0].address, said[i].address);
        profile_free(p);
    }
}

static void what_is_watched_is_read_each_hour_unless_it_says_otherwise(void **state)
{
    (void)state;
    struct profile *p;
    struct complaint why;
    assert_int_equal(load(HEAD "points: {a: {address: 1, type: u16, watch: true}, b: {address: 2, type: u16, "
                               "watch: true, period: 1d}, c: {address: 3, type: u16}}",
                          &p, &why),
                     0);
    assert_int_equal(p->points[0].period_ms, 3600000);
    assert_int_equal(p->points[1].period_ms, 86400000);
    assert_int_equal(p->points[2].period_ms, 0);
    profile_free(p);
}

static void more_points_than_a_plan_can_hold_are_refused(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_text(&text, HEAD "points:\n");
    for (int i = 0; i <= PROFILE_POINTS_MAX; i++)
        buf_printf(&text, "  p%d: {address: %d, type: u16}\n", i, i);
    struct profile *p;
    struct complaint why;
    assert_int_equal(load(text.data, &p, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "f:3:3: found 65 points; allowed: at most 64"));
    buf_finish(&text);
}

static void a_missing_file_is_an_io_error(void **state)
{
    (void)state;
    struct profile *p;
    struct complaint why;
    assert_int_equal(profile_load("config/devices/none.yaml", &p, &why), ERR_IO);
}

static void names_print_as_they_are_written(void **state)
{
    (void)state;
    assert_string_equal(table_str(TABLE_HOLDING), "holding");
    assert_string_equal(table_str(TABLE_DISCRETE_INPUT), "discrete");
    assert_string_equal(type_str(TYPE_BCD32), "bcd32");
    assert_string_equal(order_str(ORDER_CDAB), "cdab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sds069_has_four_big_endian_words_and_two_invalid_values),
        cmocka_unit_test(the_louvre_station_reads_ten_registers_from_0x01f4),
        cmocka_unit_test(the_relay_board_has_eight_writable_coils_and_eight_doubtful_inputs),
        cmocka_unit_test(the_flow_meter_counts_from_zero_with_the_low_word_first),
        cmocka_unit_test(a_point_without_title_is_called_by_its_name),
        cmocka_unit_test(what_is_printed_loads_to_the_same),
        cmocka_unit_test(a_folded_text_with_many_brackets_is_printed_so_that_it_loads),
        cmocka_unit_test(what_cannot_be_a_device_is_refused_with_its_place),
        cmocka_unit_test(a_profile_that_its_own_examples_contradict_is_refused),
        cmocka_unit_test(a_profile_with_true_examples_loads_also_of_orders),
        cmocka_unit_test(bits_of_one_register_may_be_points_beside_each_other),
        cmocka_unit_test(a_number_from_40001_on_is_an_address_when_it_says_so),
        cmocka_unit_test(what_is_watched_is_read_each_hour_unless_it_says_otherwise),
        cmocka_unit_test(more_points_than_a_plan_can_hold_are_refused),
        cmocka_unit_test(a_missing_file_is_an_io_error),
        cmocka_unit_test(names_print_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
