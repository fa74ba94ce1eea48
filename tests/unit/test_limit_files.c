/* The limit files that ship: each loads for a site that has meters for it, and says what its standard says.
 */
#include "daemon/config/config.h"
#include "daemon/config/stage.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/yaml.h"
#include "daemon/config/limits.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIN_MS = 60000, YEAR_MIN = 365 * 1440 };

static struct config *config;
static char dir[] = "/tmp/dust-limits-XXXXXX";

static const char site[] =
    "site: {name: s, title: {zh: 工地, en: Site}}\n"
    "buses: {line: {path: /dev/ttyS0}}\n"
    "devices:\n"
    "  dust: {bus: line, profile: nova-sds069, unit_id: 1}\n"
    "  wind: {bus: line, profile: jxct-wind-speed, unit_id: 2}\n"
    "  louvre: {bus: line, profile: rs-byh-louvre, unit_id: 3}\n"
    "people: {boss: {title: 项目经理, roles: [site]}, office: {title: 办公室, roles: [office]}}\n"
    "limits:\n";

static int setup(void **state)
{
    (void)state;
    char file[64];
    static const char *const dirs[] = {"config", NULL};
    struct complaint why;
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof file, "%s/site.yaml", dir);
    FILE *out = fopen(file, "w");
    DIR *limits = opendir("config/limits");
    fputs(site, out);
    for (const struct dirent *e; (e = readdir(limits));)
        if (strstr(e->d_name, ".yaml"))
            fprintf(out, "  %.*s: {person: boss}\n", (int)strlen(e->d_name) - 5, e->d_name);
    closedir(limits);
    fclose(out);
    int rc = config_load(file, dirs, &config, &why);
    if (rc)
        fprintf(stderr, "%s\n", why.text);
    unlink(file);
    rmdir(dir);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    config_free(config);
    return 0;
}

/* What the standards say, typed in a second time: in ug/m3 and m/s. */
static const struct expected {
    const char *id, *role;
    int minutes;
    enum limit_compare compare;
    double value;
    int allowed;
    unsigned stages;
} expected[] = {
    {"hebei-db13-2934-2019/pm10-difference", "pm10", 60, COMPARE_OVER, 80, 2, 0},
    {"shanghai-db31-964-2016/pm-15min-high", "tsp", 15, COMPARE_OVER, 2000, 1, 0},
    {"shanghai-db31-964-2016/pm-15min-low", "tsp", 15, COMPARE_OVER, 1000, 6, 0},
    {"shaanxi-db61-1078-2017/tsp-hour-earthwork", "tsp", 60, COMPARE_OVER, 800, 0, 3},
    {"shaanxi-db61-1078-2017/tsp-hour-structure", "tsp", 60, COMPARE_OVER, 700, 0, 60},
    {"liaoning-db21-2642-2016-city/tsp-5min", "tsp", 5, COMPARE_OVER, 800, 0, 0},
    {"liaoning-db21-2642-2016-country/tsp-5min", "tsp", 5, COMPARE_OVER, 1000, 0, 0},
    {"sichuan-db51-2682-2020/tsp-15min-earthwork", "tsp", 15, COMPARE_OVER, 600, 0, 3},
    {"sichuan-db51-2682-2020/tsp-15min-other", "tsp", 15, COMPARE_OVER, 250, 0, 60},
    {"shanxi-taiyuan/pm10-hour", "pm10", 60, COMPARE_REACHES, 250, 0, 0},
    {"hubei-wuhan/pm10-hour-warning", "pm10", 60, COMPARE_OVER, 150, 0, 0},
    {"hubei-wuhan/pm10-hour-stop", "pm10", 60, COMPARE_OVER, 200, 0, 0},
    {"gb3095/pm10-24h-2012", "pm10", 1440, COMPARE_OVER, 150, 0, 0},
    {"gb3095/pm10-24h-2026", "pm10", 1440, COMPARE_OVER, 120, 0, 0},
    {"gb3095/pm10-24h-2031", "pm10", 1440, COMPARE_OVER, 100, 0, 0},
    {"gb3095/pm25-24h-2012", "pm25", 1440, COMPARE_OVER, 75, 0, 0},
    {"gb3095/pm25-24h-2026", "pm25", 1440, COMPARE_OVER, 60, 0, 0},
    {"gb3095/pm25-24h-2031", "pm25", 1440, COMPARE_OVER, 50, 0, 0},
    {"gb3095/tsp-24h", "tsp", 1440, COMPARE_OVER, 300, 0, 0},
    {"gb12523-2025/leq-day", "noise", 20, COMPARE_OVER, 70, 0, 0},
    {"gb12523-2025/leq-night", "noise", 20, COMPARE_OVER, 55, 0, 0},
    {"gb3095/pm10-year-2012", "pm10", YEAR_MIN, COMPARE_OVER, 70, 0, 0},
    {"gb3095/pm10-year-2026", "pm10", YEAR_MIN, COMPARE_OVER, 60, 0, 0},
    {"gb3095/pm10-year-2031", "pm10", YEAR_MIN, COMPARE_OVER, 50, 0, 0},
    {"gb3095/pm25-year-2012", "pm25", YEAR_MIN, COMPARE_OVER, 35, 0, 0},
    {"gb3095/pm25-year-2026", "pm25", YEAR_MIN, COMPARE_OVER, 30, 0, 0},
    {"gb3095/pm25-year-2031", "pm25", YEAR_MIN, COMPARE_OVER, 25, 0, 0},
    {"gb3095/tsp-year", "tsp", YEAR_MIN, COMPARE_OVER, 200, 0, 0},
    {"wind-grade4/wind-2min", "wind_speed", 2, COMPARE_REACHES, 5.5, 0, 3},
    {"wind-grade5/wind-2min", "wind_speed", 2, COMPARE_REACHES, 8, 0, 3},
};
enum { EXPECTED = sizeof expected / sizeof *expected };

static const struct limit *find(const char *id)
{
    for (int i = 0; i < config->nlimits; i++)
        if (strcmp(config->limits[i].id, id) == 0)
            return &config->limits[i];
    fail_msg("no limit %s", id);
    return NULL;
}

static void every_rule_says_what_its_standard_says(void **state)
{
    (void)state;
    assert_int_equal(config->nlimits, EXPECTED);
    assert_int_equal(config->nunjudged, 0);
    for (size_t i = 0; i < EXPECTED; i++) {
        const struct limit *l = find(expected[i].id);
        assert_string_equal(l->role, expected[i].role);
        assert_int_equal(l->window_ms, expected[i].minutes * (int64_t)MIN_MS);
        assert_int_equal(l->compare, expected[i].compare);
        assert_float_equal(l->value, expected[i].value, 1e-9);
        assert_int_equal(l->allowed, expected[i].allowed);
        assert_int_equal(l->stages, expected[i].stages);
    }
}

static void every_rule_has_a_source_and_says_what_is_doubtful(void **state)
{
    (void)state;
    for (int i = 0; i < config->nlimits; i++) {
        assert_true(strlen(config->limits[i].source) > 20);
        assert_true(strlen(config->limits[i].doubt) > 20);
    }
}

/* The limit of a role and day of which there is one for each time. */
static const char *in_force(const char *prefix, const char *day)
{
    const struct limit *found = NULL;
    int64_t at_ms;
    assert_int_equal(clock_parse(day, &at_ms), ERR_OK);
    for (int i = 0; i < config->nlimits; i++) {
        const struct limit *l = &config->limits[i];
        if (strncmp(l->id, prefix, strlen(prefix)) != 0 || at_ms < l->valid_from_ms ||
            at_ms >= l->valid_to_ms)
            continue;
        assert_null(found); /* never two */
        found = l;
    }
    return found ? found->id : "";
}

static void the_standard_of_the_day_of_measurement_holds(void **state)
{
    (void)state;
    assert_string_equal(in_force("gb3095/pm10-24h", "2026-02-28T23:59+08:00"), "gb3095/pm10-24h-2012");
    assert_string_equal(in_force("gb3095/pm10-24h", "2026-03-01T00:00+08:00"), "gb3095/pm10-24h-2026");
    assert_string_equal(in_force("gb3095/pm25-24h", "2030-12-31T23:59+08:00"), "gb3095/pm25-24h-2026");
    assert_string_equal(in_force("gb3095/pm25-24h", "2031-01-01T00:00+08:00"), "gb3095/pm25-24h-2031");
    assert_string_equal(in_force("gb3095/pm10-year", "2026-01-01T00:00+08:00"), "gb3095/pm10-year-2012");
    assert_string_equal(in_force("gb3095/pm25-year", "2027-01-01T00:00+08:00"), "gb3095/pm25-year-2026");
    assert_string_equal(in_force("gb3095/pm10-year", "2030-01-01T00:00+08:00"), "gb3095/pm10-year-2026");
    assert_string_equal(in_force("gb3095/pm25-year", "2031-01-01T00:00+08:00"), "gb3095/pm25-year-2031");
    assert_string_equal(in_force("hebei", "2019-03-31T23:59+08:00"), "");
    assert_string_equal(in_force("hebei", "2019-04-01T00:00+08:00"), "hebei-db13-2934-2019/pm10-difference");
}

static void shapes_beside_value_and_window_are_read(void **state)
{
    (void)state;
    const struct limit *l = find("hebei-db13-2934-2019/pm10-difference");
    assert_true(l->minus && l->cap == 150 && l->over == OVER_MEAN);
    l = find("hubei-wuhan/pm10-hour-stop");
    assert_true(l->release == 150 && !l->informs);
    l = find("gb3095/pm10-24h-2026");
    assert_true(l->hours_needed == 20 && l->round == 1 && l->informs);
    assert_int_equal(find("gb3095/tsp-24h")->hours_needed, 24);
    l = find("gb3095/pm10-year-2026");
    assert_true(l->hours_needed == 20 && l->round == 1 && l->informs);
    assert_true(l->days_needed == 324 && l->month_days_needed == 27 && l->february_days_needed == 25);
}

static void noise_is_limited_by_its_energy_at_each_time_of_the_day_once(void **state)
{
    (void)state;
    const struct limit *day = find("gb12523-2025/leq-day"), *night = find("gb12523-2025/leq-night");
    assert_true(day->level && night->level && day->informs && night->informs);
    assert_string_equal(day->unit, "dB(A)");
    assert_false(find("shanxi-taiyuan/pm10-hour")->level);
    for (int m = 0; m < 1440; m++) {
        assert_int_equal(hours_hold(&day->hours, m), m >= 6 * 60 && m < 22 * 60);
        assert_int_not_equal(hours_hold(&day->hours, m), hours_hold(&night->hours, m));
    }
    assert_string_equal(in_force("gb12523-2025/leq-day", "2025-12-31T23:59+08:00"), "");
    assert_string_equal(in_force("gb12523-2025/leq-day", "2026-01-01T00:00+08:00"), "gb12523-2025/leq-day");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_says_what_its_standard_says),
        cmocka_unit_test(every_rule_has_a_source_and_says_what_is_doubtful),
        cmocka_unit_test(the_standard_of_the_day_of_measurement_holds),
        cmocka_unit_test(shapes_beside_value_and_window_are_read),
        cmocka_unit_test(noise_is_limited_by_its_energy_at_each_time_of_the_day_once),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
