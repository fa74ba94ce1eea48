/* The readers of recordings: what they take, what they refuse and in which words. */
#include "daemon/replay/recording.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/config.h"
#include "daemon/replay/stamp.h"
#include "daemon/replay/text.h"
#include "drivers/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define EIGHT INT64_C(1772668800000) /* 2026-03-05T08:00+08:00 */

static const struct point points[] = {{.name = "pm10", .role = "pm10", .unit = "ug/m3"},
                                      {.name = "pm25", .role = "pm25", .unit = "ug/m3"},
                                      {.name = "wind", .role = "wind_speed", .unit = "m/s"},
                                      {.name = "temp", .role = "temperature", .unit = "degC"},
                                      {.name = "state", .role = "", .unit = ""},
                                      {.name = "noise", .role = "noise", .unit = "dB(A)"},
                                      {.name = "factor", .role = "", .unit = "", .watch = true}};
enum { POINTS = sizeof points / sizeof *points };
static struct device device = {.name = "d", .period_ms = 1000};
static struct config_point list[] = {{&device, &points[0], "d/pm10"},  {&device, &points[1], "d/pm25"},
                                     {&device, &points[2], "d/wind"},  {&device, &points[3], "d/temp"},
                                     {&device, &points[4], "d/state"}, {&device, &points[5], "d/noise"},
                                     {&device, &points[6], "d/factor"}};
static struct config config = {.points = list, .npoints = POINTS, .site.zone_min = 480};

/* --- reading all of a text --- */

enum { WORDS = 8192 };

/* What a text says, each thing as "kind at[..until] point=value…;" with times in minutes from eight. */
struct said {
    char words[WORDS], why[1024];
    int64_t left_out, step_ms;
};

static void add(struct said *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct said *s, const char *format, ...)
{
    size_t n = strlen(s->words);
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->words + n, WORDS - n, format, ap);
    va_end(ap);
}

static void add_reading(struct said *s, const struct recorded *r, const struct reading *reading)
{
    const char *name = config.points[reading->point].name + 2;
    bool mean = r->kind == RECORDED_MEANS;
    double value = mean ? reading->mean.mean : reading->value;
    char quality = (char)(mean ? reading->mean.quality : reading->quality);
    if (isnan(value))
        add(s, " %s=%c", name, quality);
    else
        add(s, " %s=%.10g", name, value);
    if (quality != 'N' && !isnan(value))
        add(s, "%c", quality);
}

static void add_recorded(struct said *s, const struct recorded *r)
{
    double at = (double)(r->at_ms - EIGHT) / CLOCK_MINUTE_MS;
    if (r->kind == RECORDED_INPUT)
        add(s, "%s %.4g from %.4g %s by %s", input_kind_str(r->input.kind), at,
            (double)(r->input.from_ms - EIGHT) / CLOCK_MINUTE_MS, r->input.what, r->by);
    else if (r->kind == RECORDED_MEANS)
        add(s, "%.4g..%.4g", at, (double)(r->until_ms - EIGHT) / CLOCK_MINUTE_MS);
    else
        add(s, "%.4g", at);
    for (int i = 0; i < r->n; i++)
        add_reading(s, r, &r->readings[i]);
    add(s, ";");
}

static int read_source(struct recording *source, struct said *s, struct complaint *why)
{
    struct recorded r;
    int rc;
    while ((rc = recording_next(source, &r, why)) == ERR_OK)
        add_recorded(s, &r);
    s->left_out += source->left_out;
    s->step_ms = source->step_ms;
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static int read_bytes(const char *text, size_t length, struct wish *wishes, int nwishes, struct said *s)
{
    struct recording *sources[RECORDINGS_PER_FILE];
    struct recording_site site = {&config, wishes, nwishes};
    struct complaint why = {""};
    int n;
    *s = (struct said){0};
    int rc = recording_of_memory(&(struct bytes){"file", text, length}, &site, sources, &n, &why);
    for (int i = 0; i < n; i++) {
        if (rc == ERR_OK)
            rc = read_source(sources[i], s, &why);
        recording_close(sources[i]);
    }
    snprintf(s->why, sizeof s->why, "%s", why.text);
    return rc;
}

static void assert_says(const char *text, const char *words)
{
    struct said s;
    if (read_bytes(text, strlen(text), NULL, 0, &s) != ERR_OK)
        fail_msg("refused: %s", s.why);
    assert_string_equal(s.words, words);
}

static void assert_refused(const char *text, const char *words)
{
    struct said s;
    int rc = read_bytes(text, strlen(text), NULL, 0, &s);
    if (rc != ERR_FORMAT || strncmp(s.why, words, strlen(words)) != 0)
        fail_msg("\"%s\" is not said of: %s", words, s.why);
}

/* --- times and numbers --- */

static void a_time_is_read_in_each_way_that_people_write_it(void **state)
{
    (void)state;
    static const char *const eight[] = {"2026-03-05T08:00:00+08:00",
                                        "2026-03-05T08:00",
                                        "2026-03-05 08:00:00",
                                        "2026/3/5 8:00",
                                        "2026-03-05T00:00:00Z",
                                        "2026-03-05T00:00:00.000Z",
                                        "2026-03-05T10:30+1030",
                                        "1772668800",
                                        "1772668800000"};
    int64_t at_ms;
    for (size_t i = 0; i < sizeof eight / sizeof *eight; i++) {
        if (stamp_read(eight[i], 480, &at_ms) != ERR_OK)
            fail_msg("refused: %s", eight[i]);
        assert_int_equal(at_ms, EIGHT);
    }
    assert_int_equal(stamp_read("2026-03-05", 480, &at_ms), ERR_OK);
    assert_int_equal(at_ms, EIGHT - INT64_C(8) * CLOCK_HOUR_MS);
    assert_int_equal(stamp_read("2024-02-29 00:00:00.5", 0, &at_ms), ERR_OK);
    assert_int_equal(at_ms, 1709164800500);
}

static void what_is_no_time_is_not_guessed(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "08:00",
                                        "2026-02-29",
                                        "2026-13-01",
                                        "2026-03-05T24:00",
                                        "05.03.2026",
                                        "2026-03-05T8",
                                        "2026-03-05 08:60",
                                        "2026-03-05T08:00x",
                                        "2026-03/05",
                                        "26-03-05",
                                        "177266880000",
                                        "2026-03-05T08:00+15:00",
                                        "1969-12-31"};
    int64_t at_ms;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (stamp_read(wrong[i], 480, &at_ms) != ERR_FORMAT)
            fail_msg("taken: %s", wrong[i]);
}

static void a_number_is_the_double_nearest_to_what_is_written(void **state)
{
    (void)state;
    static const char *const right[] = {
        "0", "-0.1", "81.2", "0.685938176", "123456789012.345", "4.16751418032787", "1e-3", "1e300"};
    double value;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_int_equal(number_read(right[i], &value), ERR_OK);
        assert_true(value == strtod(right[i], NULL));
    }
    static const char *const wrong[] = {"",    "-",   "5.",  ".5", "+5",   "010",
                                        "nan", "inf", "1,5", "5 ", "0x10", "1e309"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (number_read(wrong[i], &value) == ERR_OK)
            fail_msg("taken: %s", wrong[i]);
}

/* --- CSV --- */

static void a_csv_of_minutes_gives_each_minute_its_mean(void **state)
{
    (void)state;
    assert_says("time,pm10 (ug/m3),PM2.5(μg/m³)\n2026-03-05 08:00,50,20\n2026-03-05 08:01,51.5,21\n",
                "0..1 pm10=50 pm25=20;1..2 pm10=51.5 pm25=21;");
}

static void the_unit_in_a_header_is_converted(void **state)
{
    (void)state;
    assert_says("time;pm10_mgm3;风速[km/h];temp (K)\n2026-03-05 08:00;0.05;36;273.15\n2026-03-05 "
                "08:01;0.05;36;274.15\n",
                "0..1 pm10=50 wind=10 temp=0;1..2 pm10=50 wind=10 temp=1;");
}

static void a_unit_may_have_brackets_of_its_own(void **state)
{
    (void)state;
    static const char *const headers[] = {"noise (dB(A))", "噪声（dB(A)）", "Noise[dBA]", "noise_dba"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char text[160];
        snprintf(text, sizeof text, "time,%s\n2026-03-05 08:00,61.5\n2026-03-05 08:01,62\n", headers[i]);
        assert_says(text, "0..1 noise=61.5;1..2 noise=62;");
    }
}

static void a_column_may_be_named_as_the_point_is_and_is_in_its_unit_then(void **state)
{
    (void)state;
    assert_says("\xef\xbb\xbf"
                "timestamp\td/pm10\td/state\r\n1772668800\t50\t1\r\n1772668860\t51\t0\r\n",
                "0..1 pm10=50 state=1;1..2 pm10=51 state=0;");
}

static void what_stands_for_no_value_is_missing_and_never_0(void **state)
{
    (void)state;
    assert_says(
        "time,d/pm10\n2026-03-05 08:00,\n2026-03-05 08:01,NA\n2026-03-05 08:02,-\n2026-03-05 08:03,0\n",
        "0..1 pm10=B;1..2 pm10=B;2..3 pm10=B;3..4 pm10=0;");
}

static void a_line_stands_until_the_next_but_no_longer_than_lines_are_apart_as_a_rule(void **state)
{
    (void)state;
    assert_says(
        "time_utc,pm10,pm25\n2026-03-05T00:00:10Z,1,1\n2026-03-05T00:02:38Z,2,2\n2026-03-05T00:05:06Z,3,3\n"
        "2026-03-05T02:00:00Z,4,4\n",
        "0..2 pm10=1 pm25=1;2..5 pm10=2 pm25=2;5..8 pm10=3 pm25=3;120..123 pm10=4 pm25=4;");
}

static void lines_closer_than_a_minute_are_samples(void **state)
{
    (void)state;
    struct said s;
    const char text[] = "time,d/pm10\n2026-03-05 08:00:00,1\n2026-03-05 08:00:03,2\n2026-03-05 08:00:06,\n";
    assert_int_equal(read_bytes(text, strlen(text), NULL, 0, &s), ERR_OK);
    assert_string_equal(s.words, "0 pm10=1;0.05 pm10=2;0.1 pm10=B;");
    assert_int_equal(s.step_ms, 3000);
}

static void an_hour_of_the_beijing_stations_is_known_by_its_header(void **state)
{
    (void)state;
    assert_says("time,pm25,pm10,temp_c,pres_hpa,dewp_c,rain_mm,wd,ws_ms\n2026-03-05T08:00+08:00,4,,-2.3,1020."
                "8,-19.7,0,E,0.5\n"
                "2026-03-05T09:00+08:00,7,7,-2.5,1021.3,-19,0,ENE,0.7\n",
                "0..60 pm25=4 pm10=B temp=-2.3 wind=0.5;60..120 pm25=7 pm10=7 temp=-2.5 wind=0.7;");
}

static void quotes_are_undone(void **state)
{
    (void)state;
    assert_says("\"time\",\"note, long\",\"d/pm10\"\n2026-03-05 08:00,\"a \"\"b\"\", c\",\"50\"\n",
                "0 pm10=50;");
}

static void bad_csv_is_refused_with_line_and_column_what_was_found_and_what_is_allowed(void **state)
{
    (void)state;
    assert_refused("time,d/pm10\n2026-03-05 08:00,5O\n", "file:2:18: found \"5O\"; allowed is a number");
    assert_refused("time,d/pm10\n2026-03-05 08:00,1\n08:01,1\n",
                   "file:3:1: found \"08:01\"; allowed is a time such as");
    assert_refused("time,d/pm10\n2026-03-05 08:00,1\n2026-03-05 08:01\n",
                   "file:3:1: found 1 cells; the header has 2");
    assert_refused("time,d/pm10\n2026-03-05 08:00,\"1\n", "file:2:18: a quote that does not end");
    assert_refused("time,d/pm10\n2026-03-05 08:00,\"1\"x\n",
                   "file:2:21: found 'x' behind a quoted cell; allowed is ','");
    assert_refused("time,d/pm10\n", "file:1: a header and nothing below it");
    assert_refused("time,x\n2026-03-05 08:00,1\n",
                   "file:1:1: no column is a point of the site (x); allowed are");
    assert_refused("day,d/pm10\n2026-03-05 08:00,1\n", "file:1:1: no column is the time; allowed are");
    assert_refused("hello\n", "file:1:1: found \"hello\"; allowed is an export of dustctl");
}

static void times_that_go_back_or_come_twice_are_refused(void **state)
{
    (void)state;
    assert_refused("time,d/pm10\n2026-03-05 08:01,1\n2026-03-05 08:00,1\n",
                   "file:3:1: found \"2026-03-05 08:00\", which is not after the line above "
                   "(2026-03-05T08:01:00.000+08:00); allowed "
                   "are rising times");
    assert_refused("time,d/pm10\n2026-03-05 08:01,1\n2026-03-05 08:01,1\n",
                   "file:3:1: found \"2026-03-05 08:01\"");
}

static void a_unit_is_never_assumed(void **state)
{
    (void)state;
    assert_refused("time,pm10\n2026-03-05 08:00,1\n",
                   "file:1:6: column \"pm10\" does not say its unit; allowed is");
    assert_refused("time,pm10 (m/s)\n2026-03-05 08:00,1\n",
                   "file:1:6: column \"pm10 (m/s)\" is in m/s; d/pm10 is measured in ug/m3");
    assert_refused("time,pm10 (grain)\n2026-03-05 08:00,1\n",
                   "file:1:6: column \"pm10 (grain)\": the unit \"grain\" is not known");
    assert_refused("time,noise (dB)\n2026-03-05 08:00,61.5\n",
                   "file:1:6: column \"noise (dB)\" is in dB; d/noise is measured in dB(A)");
}

static void two_columns_are_not_one_point(void **state)
{
    (void)state;
    assert_refused("time,d/pm10,PM10 (ug/m3)\n2026-03-05 08:00,1,1\n",
                   "file:1:13: column \"PM10 (ug/m3)\" is d/pm10, and so is another");
}

static void a_setting_of_a_device_is_no_measurement(void **state)
{
    (void)state;
    assert_refused("time,d/factor\n2026-03-05 08:00,1\n",
                   "file:1:1: no column is a point of the site (d/factor)");
}

/* --- what a column is, by the command line --- */

static void a_wish_says_which_point_a_column_is(void **state)
{
    (void)state;
    char first[] = "TEOM.dw=d/pm10,mg/m3", second[] = "when=time";
    struct wish wishes[2];
    struct complaint why;
    struct said s;
    assert_int_equal(wish_read(&config, first, &wishes[0], &why), ERR_OK);
    assert_int_equal(wish_read(&config, second, &wishes[1], &why), ERR_OK);
    const char text[] = "date,when,TEOM.dw\nx,2026-03-05 08:00,0.05\n";
    assert_int_equal(read_bytes(text, strlen(text), wishes, 2, &s), ERR_OK);
    assert_string_equal(s.words, "0 pm10=50;");
    assert_true(wishes[0].used && wishes[1].used);
}

static void a_wish_that_is_wrong_is_refused_with_what_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } wrong[] = {{"pm10", "--as pm10: allowed is COLUMN=POINT"},
                 {"a=", "--as a=: allowed is"},
                 {"a=d/pm1O", "--as a: the site has no point \"d/pm1O\"; did you mean \"d/pm10\"?"},
                 {"a=d/pm10,grain", "--as a=d/pm10: found the unit \"grain\"; allowed are"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct wish w;
        struct complaint why;
        char *text = mem_string(wrong[i].text);
        assert_int_equal(wish_read(&config, text, &w, &why), ERR_FORMAT);
        if (strncmp(why.text, wrong[i].words, strlen(wrong[i].words)) != 0)
            fail_msg("\"%s\" is not said of: %s", wrong[i].words, why.text);
        mem_free(text);
    }
}

static void a_role_that_two_points_have_needs_a_word(void **state)
{
    (void)state;
    list[1].point = &points[0];
    assert_refused("time,pm10 (ug/m3)\n2026-03-05 08:00,1\n",
                   "file:1:6: column \"pm10 (ug/m3)\" may be several points of the site; --as");
    list[1].point = &points[1];
}

/* --- the station's log --- */

static void a_line_of_the_station_is_read_and_one_that_fails_its_sum_is_missing(void **state)
{
    (void)state;
    struct said s;
    const char text[] =
        "2021-01-17T00:00:00 "
        "A1151B180C0003D0010E0000F0010G0000H0000I0000J0000K0000L0187M722N10183,044,067,072,032,048,061,*0B\n"
        "2021-01-17T00:00:04 "
        "A2526B225C0002D0006E0000F0010G0000H0000I0000J0000K0000L0187M722N10182,046,070,075,033,050,062,*0E\n"
        "2021-01-16T23:59:59 "
        "A1151B180C0003D0010E0000F0010G0000H0000I0000J0000K0000L0187M722N10183,044,067,072,032,048,061,*0B\n"
        "garbage\n";
    assert_int_equal(read_bytes(text, strlen(text), NULL, 0, &s), ERR_OK);
    char *values = strchr(s.words, ' ');
    assert_non_null(strstr(values, "pm25=48 pm10=61 wind=1 temp=18.7;"));
    assert_non_null(strstr(values, "pm25=B pm10=B wind=B temp=B;"));
    assert_int_equal(s.left_out, 2);
}

/* --- what dustd wrote --- */

#define EXPORT                                                                                          \
    "{\"export\":1,\"journal\":\"x\",\"head\":{\"seq\":3,\"hash\":\"y\"},\"site\":\"s\",\"simulated\":" \
    "false}\n"
#define ROW(at, kind, body)                                                          \
    "{\"seq\":1,\"at\":" at ",\"kind\":\"" kind                                      \
    "\",\"subject\":\"\",\"sha256\":\"a\",\"hash\":\"b\",\"body\":\"{\\\"ts\\\":" at \
    ",\\\"kind\\\":\\\"" kind "\\\",\\\"subject\\\":\\\"\\\"," body "}\"}\n"
#define END "{\"end\":true,\"rows\":1,\"samples\":0}\n"

static void an_export_gives_its_minutes_inputs_and_samples(void **state)
{
    (void)state;
    assert_says(EXPORT ROW("1772668800000", "minute",
                           "\\\"raw\\\":\\\"f\\\",\\\"points\\\":{\\\"d/"
                           "pm10\\\":{\\\"mean\\\":81.2,\\\"min\\\":80.0,\\\"max\\\":83.0,"
                           "\\\"n\\\":60,\\\"of\\\":60,\\\"q\\\":\\\"N\\\"},\\\"d/"
                           "pm25\\\":{\\\"n\\\":0,\\\"of\\\":60,\\\"q\\\":\\\"B\\\"},"
                           "\\\"gone/x\\\":{\\\"n\\\":0,\\\"of\\\":60,\\\"q\\\":\\\"B\\\"}}")
                    ROW("1772668860000", "stage",
                        "\\\"source\\\":\\\"o\\\",\\\"stage\\\":\\\"earthwork\\\",\\\"from\\\":1772668740000,"
                        "\\\"by\\\":\\\"o\\\"")
                        ROW("1772668860000", "verdict",
                            "\\\"verdict\\\":\\\"pass\\\"") "{\"seq\":1,\"at\":1772668803000,\"point\":\"d/"
                                                            "pm10\",\"q\":\"N\",\"v\":81.2,\"unit\":\"ug/"
                                                            "m3\",\"regs\":[812]}\n"
                                                            "{\"seq\":1,\"at\":1772668806000,\"point\":\"d/"
                                                            "pm10\",\"q\":\"B\",\"unit\":\"ug/"
                                                            "m3\",\"regs\":[],\"why\":\"no answer\"}\n" END,
                "0..1 pm10=81.2 pm25=B;stage 1 from -1 earthwork by o;0.05 pm10=81.2;0.1 pm10=B;");
}

static void rows_as_published_are_read_and_people_may_write_times_in_them(void **state)
{
    (void)state;
    assert_says("{\"seq\":1,\"ts\":1772668800000,\"kind\":\"minute\",\"subject\":\"\",\"points\":{\"d/"
                "pm10\":{\"mean\":5.0,\"min\":5.0,"
                "\"max\":5.0,\"n\":60,\"of\":60,\"q\":\"T\"}}}\n"
                "{\"kind\":\"stage\",\"stage\":\"structure\",\"from\":\"2026-03-05 08:00\"}\n",
                "0..1 pm10=5T;stage 0 from 0 structure by ;");
}

static void a_minute_of_points_that_were_taken_out_is_passed_over(void **state)
{
    (void)state;
    assert_says(EXPORT ROW("1772668800000", "minute",
                           "\\\"removed\\\":true,\\\"points\\\":{\\\"d/pm10\\\":{\\\"n\\\":0,\\\"of\\\":60,"
                           "\\\"q\\\":\\\"B\\\"}}") END,
                "");
}

static void a_damaged_export_is_refused(void **state)
{
    (void)state;
    assert_refused(EXPORT, "file:1: the export ends here, without its last line");
    assert_refused(EXPORT "hello\n" END, "file:2:1: found \"hello\"; allowed is a row of dustd");
    assert_refused(EXPORT ROW("1772668800000", "minute", "\\\"points\\\":{\\\"d/pm10\\\":3}") END,
                   "file:2:1: a row of kind minute that dustd does not write so");
    assert_refused(EXPORT ROW("1772668800000", "stage", "\\\"stage\\\":\\\"sleep\\\"") END,
                   "file:2:1: a row of kind stage");
    assert_refused("{\"export\":2,\"journal\":\"x\"}\n" END, "file:1:1: an export of another version");
    assert_refused(EXPORT "{\"seq\":1,\"at\":5,\"point\":\"d/pm10\",\"q\":\"N\"}\n" END,
                   "file:2:1: found \"{\"seq\":1,\"at\":5,");
}

/* --- files --- */

static char *temporary(const void *bytes, size_t length, const char *mode)
{
    static char name[64];
    snprintf(name, sizeof name, "/tmp/recording-XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    gzFile out = gzdopen(fd, mode);
    assert_int_equal(gzwrite(out, bytes, (unsigned)length), (int)length);
    gzclose(out);
    return name;
}

static int open_file(const char *file, char why[static 1024])
{
    struct recording *sources[RECORDINGS_PER_FILE];
    struct recording_site site = {&config, NULL, 0};
    struct complaint complaint = {""};
    struct recorded r;
    int n, rc = recording_open(file, &site, sources, &n, &complaint);
    for (int i = 0; i < n; i++) {
        while (rc == ERR_OK)
            rc = recording_next(sources[i], &r, &complaint);
        recording_close(sources[i]);
    }
    snprintf(why, 1024, "%s", complaint.text);
    return rc;
}

static void gzip_is_read_and_what_is_cut_of_it_is_refused(void **state)
{
    (void)state;
    char why[1024], *text = mem_array(200000, 1);
    size_t n = (size_t)sprintf(text, "time,d/pm10\n");
    for (int i = 0; i < 5000; i++)
        n += (size_t)sprintf(text + n, "%lld,%d\n", (long long)(EIGHT + i * (int64_t)CLOCK_MINUTE_MS),
                             i * 7919 % 1000);
    char *file = temporary(text, n, "wb");
    assert_int_equal(open_file(file, why), ERR_NOT_FOUND);
    struct stat is;
    assert_int_equal(stat(file, &is), 0);
    assert_int_equal(truncate(file, is.st_size / 2), 0);
    assert_int_equal(open_file(file, why), ERR_FORMAT);
    assert_non_null(strstr(why, "cannot be read further"));
    unlink(file);
    mem_free(text);
}

static void a_file_that_is_not_there_or_empty_or_no_text_is_refused(void **state)
{
    (void)state;
    char why[1024];
    struct said s;
    assert_int_equal(open_file("/nonexistent/x.csv", why), ERR_IO);
    assert_string_equal(why, "/nonexistent/x.csv: No such file or directory");
    assert_refused("", "file:0: the file is empty");
    assert_int_equal(read_bytes("time,d/pm10\n1772668800,\0\n", 25, NULL, 0, &s), ERR_FORMAT);
    assert_string_equal(s.why, "file:2:12: a NUL byte; allowed is text");
}

static void a_line_longer_than_any_recording_has_is_refused_and_not_stored(void **state)
{
    (void)state;
    struct said s;
    size_t n = (size_t)TEXT_LINE_MAX * 3;
    char *text = mem_array(n, 1);
    memset(text, 'x', n);
    assert_int_equal(read_bytes(text, n, NULL, 0, &s), ERR_FORMAT);
    assert_string_equal(s.why, "file:1: a line of more than 262144 bytes; no recording has such");
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_read_in_each_way_that_people_write_it),
        cmocka_unit_test(what_is_no_time_is_not_guessed),
        cmocka_unit_test(a_number_is_the_double_nearest_to_what_is_written),
        cmocka_unit_test(a_csv_of_minutes_gives_each_minute_its_mean),
        cmocka_unit_test(the_unit_in_a_header_is_converted),
        cmocka_unit_test(a_unit_may_have_brackets_of_its_own),
        cmocka_unit_test(a_column_may_be_named_as_the_point_is_and_is_in_its_unit_then),
        cmocka_unit_test(what_stands_for_no_value_is_missing_and_never_0),
        cmocka_unit_test(a_line_stands_until_the_next_but_no_longer_than_lines_are_apart_as_a_rule),
        cmocka_unit_test(lines_closer_than_a_minute_are_samples),
        cmocka_unit_test(an_hour_of_the_beijing_stations_is_known_by_its_header),
        cmocka_unit_test(quotes_are_undone),
        cmocka_unit_test(bad_csv_is_refused_with_line_and_column_what_was_found_and_what_is_allowed),
        cmocka_unit_test(times_that_go_back_or_come_twice_are_refused),
        cmocka_unit_test(a_unit_is_never_assumed),
        cmocka_unit_test(two_columns_are_not_one_point),
        cmocka_unit_test(a_setting_of_a_device_is_no_measurement),
        cmocka_unit_test(a_wish_says_which_point_a_column_is),
        cmocka_unit_test(a_wish_that_is_wrong_is_refused_with_what_was_meant),
        cmocka_unit_test(a_role_that_two_points_have_needs_a_word),
        cmocka_unit_test(a_line_of_the_station_is_read_and_one_that_fails_its_sum_is_missing),
        cmocka_unit_test(an_export_gives_its_minutes_inputs_and_samples),
        cmocka_unit_test(rows_as_published_are_read_and_people_may_write_times_in_them),
        cmocka_unit_test(a_minute_of_points_that_were_taken_out_is_passed_over),
        cmocka_unit_test(a_damaged_export_is_refused),
        cmocka_unit_test(gzip_is_read_and_what_is_cut_of_it_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_or_empty_or_no_text_is_refused),
        cmocka_unit_test(a_line_longer_than_any_recording_has_is_refused_and_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
