/* Every map that ships in config/devices: it says where it comes from, what dustd would ask and how it reads
 * the answers. The frames in the files themselves are replayed whenever a profile is read (test_example). */
#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "drivers/decode.h"
#include "drivers/example.h"
#include "drivers/frame.h"
#include "drivers/plan.h"
#include "drivers/profile.h"

#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIBRARY_MAX = 100, MAPS_PROMISED = 16, OVERHEAD_BYTES = 22 };

struct library {
    struct profile *profiles[LIBRARY_MAX];
    int count;
};

static int open_library(void **state)
{
    static struct library library;
    glob_t found;
    if (glob("config/devices/*.yaml", 0, NULL, &found) != 0 || found.gl_pathc > LIBRARY_MAX)
        return -1;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct complaint why;
        if (profile_load(found.gl_pathv[i], &library.profiles[library.count], &why)) {
            print_error("%s\n", why.text);
            return -1;
        }
        library.count++;
    }
    globfree(&found);
    *state = &library;
    return 0;
}

static int close_library(void **state)
{
    struct library *library = *state;
    for (int i = 0; i < library->count; i++)
        profile_free(library->profiles[i]);
    return 0;
}

static const struct profile *profile_named(const struct library *library, const char *name)
{
    for (int i = 0; i < library->count; i++)
        if (strcmp(library->profiles[i]->name, name) == 0)
            return library->profiles[i];
    fail_msg("no profile %s", name);
    return NULL;
}

static const struct point *point_named(const struct profile *p, const char *name)
{
    for (int i = 0; i < p->npoints; i++)
        if (strcmp(p->points[i].name, name) == 0)
            return &p->points[i];
    fail_msg("no point %s in %s", name, p->name);
    return NULL;
}

static void at_least_sixteen_maps_say_where_they_come_from_and_what_is_not_proven(void **state)
{
    const struct library *library = *state;
    assert_true(library->count >= MAPS_PROMISED);
    for (int i = 0; i < library->count; i++) {
        const struct profile *p = library->profiles[i];
        if (!p->source[0] || !p->doubt[0])
            fail_msg("%s has no source or no doubt", p->name);
    }
}

static void every_file_tells_its_traps(void **state)
{
    const struct library *library = *state;
    for (int i = 0; i < library->count; i++) {
        char text[8192] = "";
        char *file = mem_printf("config/devices/%s.yaml", library->profiles[i]->name);
        FILE *in = fopen(file, "r");
        assert_non_null(in);
        text[fread(text, 1, sizeof text - 1, in)] = 0;
        fclose(in);
        if (!strstr(text, "\n# Traps:\n# - "))
            fail_msg("%s tells no traps", file);
        mem_free(file);
    }
}

/* What cannot be told from other things by its values cannot be recognised either: switches, words of state.
 */
static void every_measuring_point_has_a_range_in_which_it_is_believable(void **state)
{
    const struct library *library = *state;
    for (int i = 0; i < library->count; i++)
        for (int k = 0; k < library->profiles[i]->npoints; k++) {
            const struct point *p = &library->profiles[i]->points[k];
            bool ends =
                (!isnan(p->usual_low) || !isnan(p->low)) && (!isnan(p->usual_high) || !isnan(p->high));
            if (p->unit[0] && !p->watch && !ends)
                fail_msg("%s/%s has no usual range", library->profiles[i]->name, p->name);
        }
}

static void a_value_is_usual_within_its_usual_range_or_else_its_legal_one(void **state)
{
    (void)state;
    struct point p = {.low = -40, .high = 85, .usual_low = -30, .usual_high = NAN};
    assert_true(point_is_usual(&p, -30));
    assert_false(point_is_usual(&p, -30.1));
    assert_true(point_is_usual(&p, 85));
    assert_false(point_is_usual(&p, 85.1));
    assert_false(point_is_usual(&p, NAN));
    p.low = p.high = p.usual_low = NAN;
    assert_true(point_is_usual(&p, 1e9));
}

/* --- what goes over the wire --- */

/* The request of the plan that reads a point, as bytes. */
static int planned(const struct profile *p, const struct point *point, int unit, uint8_t out[static 8])
{
    struct request list[PROFILE_POINTS_MAX];
    int n = plan_build(p, point->period_ms, OVERHEAD_BYTES, list, PROFILE_POINTS_MAX);
    for (int i = 0; i < n; i++) {
        if (!plan_covers(&list[i], point))
            continue;
        frame_request(unit, &list[i], out);
        uint16_t crc = frame_crc(out, 6);
        out[6] = (uint8_t)crc;
        out[7] = (uint8_t)(crc >> 8);
        return 8;
    }
    return 0;
}

static void dustd_asks_with_the_bytes_that_the_vendor_shows(void **state)
{
    static const struct {
        const char *profile, *point, *bytes;
        int unit;
    } vendors[] = {
        {"nova-sds069", "pm10", "01 03 00 10 00 08 45 C9", 1},
        {"louvre-pm-weather", "pm10", "01 03 01 F4 00 0A 85 C3", 1},
        {"waveshare-relay-8ch", "relay3", "01 01 00 00 00 08 3D CC", 1},
        {"rs-fs-n01-wind", "wind_speed", "01 03 00 00 00 02 C4 0B", 1},
        {"dfrobot-sen0483-wind-speed", "wind_speed", "02 03 00 00 00 01 84 39", 2},
        {"lctech-relay-8ch", "in5", "FF 02 00 00 00 08 6C 12", 255},
    };
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++) {
        const struct profile *p = profile_named(*state, vendors[i].profile);
        uint8_t want[FRAME_MAX], got[8];
        int n = example_bytes(vendors[i].bytes, want, sizeof want);
        assert_int_equal(planned(p, point_named(p, vendors[i].point), vendors[i].unit, got), n);
        assert_memory_equal(got, want, (size_t)n);
    }
}

/* The answers of vendors where there are any, else the patterns that their maps describe. */
static void registers_read_as_the_maps_say(void **state)
{
    static const struct {
        const char *profile, *point;
        uint16_t reg[2];
        char quality;
        double value; /* NaN: none */
    } reads[] = {
        {"nova-sds069", "pm10", {0, 162}, 'N', 162},
        {"nova-sds069", "tsp", {0, 0}, 'D', NAN},
        {"nova-sds069", "tsp", {0xFFFF, 0xFFFF}, 'D', NAN},
        {"boling-dust-wall", "pm10", {0, 0x42}, 'N', 66},
        {"boling-dust-wall", "pm25", {0, 0x35}, 'N', 53},
        {"jxct-3001-pm", "pm10", {299}, 'N', 299},
        {"jxct-3001-pm", "pm10", {300}, 'T', 300}, /* saturated: a lower bound, no value */
        {"jxct-3001-pm", "temperature", {0xFF9B}, 'N', -10.1},
        {"rs-byh-louvre", "temperature", {0xFFFF}, 'N', -0.1},
        {"rs-byh-louvre", "illuminance", {0x0001, 0x86A0}, 'N', 100000},
        {"cpn-air-box", "temperature", {6512}, 'N', 25.12},
        {"cpn-air-box", "temperature", {0}, 'N', -40},
        {"siemens-qsa2700d", "pm25", {500}, 'T', 500},
        {"jxct-pressure", "pressure", {0x0001, 0x5F90}, 'N', 900},
        {"dfrobot-sen0482-wind-direction", "wind_direction", {0x028F}, 'N', 65.5},
        {"dfrobot-sen0483-wind-speed", "wind_speed", {0x0025}, 'N', 3.7},
        {"xm8189b-wind", "wind_direction", {36000}, 'N', 360},
        {"campbell-metsens200", "wind_speed", {0x40A0, 0}, 'N', 5},
        {"tuf-2000m-flow", "flow", {0x0000, 0x3F80}, 'N', 1},
        {"mitsubishi-fr-d700-drive", "frequency", {5000}, 'N', 50},
    };
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        const struct point *p = point_named(profile_named(*state, reads[i].profile), reads[i].point);
        struct sample s = {.nreg = (uint8_t)point_registers(p), .reg = {reads[i].reg[0], reads[i].reg[1]}};
        decode_point(p, &s);
        if (s.quality != reads[i].quality ||
            (isnan(reads[i].value) ? !isnan(s.value) : fabs(s.value - reads[i].value) > 1e-9))
            fail_msg("%s/%s reads %g, %c", reads[i].profile, reads[i].point, s.value, s.quality);
    }
}

static void numbers_of_manuals_are_turned_into_addresses(void **state)
{
    static const struct {
        const char *profile, *point;
        enum modbus_table table;
        int address;
    } at[] = {
        {"siemens-qsa2700d", "pm25", TABLE_HOLDING, 256},
        {"campbell-metsens200", "wind_direction", TABLE_HOLDING, 0},
        {"mitsubishi-fr-d700-drive", "state", TABLE_HOLDING, 8},
        {"mitsubishi-fr-d700-drive", "frequency", TABLE_HOLDING, 200},
        {"s7-200-smart", "q00", TABLE_COIL, 0},
        {"s7-200-smart", "i03", TABLE_DISCRETE_INPUT, 3},
        {"jintian-em-flow", "empty", TABLE_INPUT_REGISTER, 3},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        const struct point *p = point_named(profile_named(*state, at[i].profile), at[i].point);
        assert_int_equal(p->table, at[i].table);
        assert_int_equal(p->address, at[i].address);
    }
}

static void calibration_and_limits_are_watched_rarely_and_measure_nothing(void **state)
{
    static const char *const watched[][2] = {
        {"nova-sds069", "increment"},         {"nova-sds069", "ratio"},
        {"boling-dust-wall", "tsp_limit"},    {"boling-dust-wall", "pm10_limit"},
        {"boling-dust-wall", "pm25_limit"},   {"boling-dust-wall", "tsp_factor"},
        {"boling-dust-wall", "pm10_factor"},  {"boling-dust-wall", "pm25_factor"},
        {"boling-dust-wall", "measure_time"}, {"boling-dust-wall", "continuous"}};
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        const struct point *p = point_named(profile_named(*state, watched[i][0]), watched[i][1]);
        assert_true(p->watch);
        assert_true(p->period_ms >= 3600000);
        assert_string_equal(p->role, "");
    }
}

static void what_is_printed_of_any_of_them_loads_to_the_same(void **state)
{
    const struct library *library = *state;
    for (int i = 0; i < library->count; i++) {
        struct buf once = {0}, twice = {0};
        struct profile *again;
        struct complaint why;
        profile_print(library->profiles[i], 0, &once);
        char name[] = "/tmp/dust-library-XXXXXX";
        int fd = mkstemp(name);
        assert_true(fd >= 0);
        FILE *out = fdopen(fd, "w");
        fwrite(once.data, 1, once.length, out);
        fclose(out);
        int error = profile_load(name, &again, &why);
        remove(name);
        if (error)
            fail_msg("%s: %s", library->profiles[i]->name, why.text);
        profile_print(again, 0, &twice);
        assert_string_equal(once.data, twice.data);
        profile_free(again);
        buf_finish(&once);
        buf_finish(&twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_least_sixteen_maps_say_where_they_come_from_and_what_is_not_proven),
        cmocka_unit_test(every_file_tells_its_traps),
        cmocka_unit_test(every_measuring_point_has_a_range_in_which_it_is_believable),
        cmocka_unit_test(a_value_is_usual_within_its_usual_range_or_else_its_legal_one),
        cmocka_unit_test(dustd_asks_with_the_bytes_that_the_vendor_shows),
        cmocka_unit_test(registers_read_as_the_maps_say),
        cmocka_unit_test(numbers_of_manuals_are_turned_into_addresses),
        cmocka_unit_test(calibration_and_limits_are_watched_rarely_and_measure_nothing),
        cmocka_unit_test(what_is_printed_of_any_of_them_loads_to_the_same),
    };
    return cmocka_run_group_tests(tests, open_library, close_library);
}
