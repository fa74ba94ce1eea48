/* Recorded files: which line comes when, what is damaged, what is selected. */
#include "daemon/base/err.h"
#include "drivers/sim/tape.h"

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

/* cmocka compares floats only. */
#define assert_near(a, b, by) assert_true(fabs((a) - (b)) <= (by))

static struct tape_column columns[] = {{"pm10", "pm10"}, {"t", "temp"}};

/* A file of its own for one tape. */
struct made {
    char file[32];
    struct tape *tape;
};

static int record(struct made *m, const struct tape_setup *setup, const char *text)
{
    const char *which;
    strcpy(m->file, "/tmp/test_sim_tape.XXXXXX");
    int fd = mkstemp(m->file);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    m->tape = NULL;
    return tape_open(setup, m->file, 480, &m->tape, &which);
}

static void erase(struct made *m)
{
    tape_close(m->tape);
    unlink(m->file);
}

static struct tape_setup csv(void)
{
    return (struct tape_setup){.format = TAPE_CSV,
                               .hold = 1,
                               .time = "time",
                               .from = "",
                               .to = "",
                               .columns = columns,
                               .ncolumns = 2};
}

static struct tape_line next(struct made *m)
{
    tape_advance(m->tape);
    return tape_line(m->tape);
}

static void each_advance_takes_the_next_line_in_the_setups_columns(void **state)
{
    (void)state;
    struct made m;
    struct tape_setup setup = csv();
    assert_int_equal(record(&m, &setup, "time,temp,x,pm10\nt,-1.5,a,81\nt,,b,\"82\"\r\n"), ERR_OK);
    struct tape_line line = next(&m);
    assert_int_equal(line.number, 2);
    assert_false(line.damaged);
    assert_near(line.values[0], 81, 0);
    assert_near(line.values[1], -1.5, 0);
    line = next(&m);
    assert_int_equal(line.number, 3);
    assert_near(line.values[0], 82, 0);
    assert_true(isnan(line.values[1]));
    assert_int_equal(next(&m).number, 0);
    assert_int_equal(next(&m).number, 0);
    erase(&m);
}

static void a_line_of_another_shape_or_with_text_for_a_number_is_damaged(void **state)
{
    (void)state;
    struct made m;
    struct tape_setup setup = csv();
    assert_int_equal(record(&m, &setup, "temp,pm10\n1,2\n1\n1,2,3\n1,2x\n1,nan\n\n3,4"), ERR_OK);
    static const bool damaged[] = {false, true, true, true, true, true, false};
    for (int i = 0; i < 7; i++) {
        struct tape_line line = next(&m);
        assert_int_equal(line.number, i + 2);
        assert_int_equal(line.damaged, damaged[i]);
    }
    erase(&m);
}

static void a_line_is_held_for_as_many_polls_as_asked_and_the_file_repeats(void **state)
{
    (void)state;
    struct made m;
    struct tape_setup setup = csv();
    setup.hold = 3;
    setup.repeat = true;
    assert_int_equal(record(&m, &setup, "temp,pm10\n1,2\n3,4\n"), ERR_OK);
    static const long numbers[] = {2, 2, 2, 3, 3, 3, 2, 2, 2, 3};
    for (int i = 0; i < 10; i++)
        assert_int_equal(next(&m).number, numbers[i]);
    erase(&m);
}

static void only_lines_of_the_range_are_played(void **state)
{
    (void)state;
    struct made m;
    struct tape_setup setup = csv();
    setup.from = "2014-01-01T01:00+08:00";
    setup.to = "2013-12-31T19:00Z";
    assert_int_equal(record(&m, &setup,
                            "time,temp,pm10\n2014-01-01T00:00+08:00,1,1\n2014-01-01 01:00:00,1,2\n"
                            "garbled,1,3\n2014-01-01T02:59:59,1,4\n2014-01-01T03:00,1,5\n"),
                     ERR_OK);
    assert_int_equal(next(&m).number, 3);
    assert_int_equal(next(&m).number, 5);
    assert_int_equal(next(&m).number, 0);
    erase(&m);
}

static void a_missing_column_or_file_is_named(void **state)
{
    (void)state;
    struct made m;
    struct tape_setup setup = csv();
    const char *which = NULL;
    struct tape *tape = NULL;
    assert_int_equal(record(&m, &setup, "time,temp\n"), ERR_NOT_FOUND);
    erase(&m);
    assert_int_equal(record(&m, &setup, ""), ERR_FORMAT);
    erase(&m);
    assert_int_equal(tape_open(&setup, "/nowhere/x.csv", 480, &tape, &which), ERR_IO);
}

/* A recorded line of a public log, and the same with a digit changed. */
#define RAW_LINE                                                                                             \
    "2021-01-17T00:00:09 A2527B225C0000D0012E0000F0000G0001H0001I0000J0000K0000L0198M683N10158,051,080,091," \
    "034,052,069,*"

/* Its checksum by the rule: XOR from A up to '*', XOR 0x1A. */
static unsigned checksum(const char *line)
{
    unsigned sum = 0x1A;
    for (const char *c = strchr(line, 'A'); *c != '*'; c++)
        sum ^= (uint8_t)*c;
    return sum;
}

static void a_raw_line_counts_in_its_units_and_its_checksum_is_checked(void **state)
{
    (void)state;
    struct made m;
    static struct tape_column raw[] = {{"pm10", "pm10"},
                                       {"wind", "wind"},
                                       {"pressure", "pressure"},
                                       {"temperature", "temperature"},
                                       {"cf", "pm1_cf"}};
    struct tape_setup setup = csv();
    char text[512];
    setup.format = TAPE_GUANGDONG_RAW;
    setup.columns = raw;
    setup.ncolumns = 5;
    snprintf(text, sizeof text, "%s%02X\n%s%02X\n%.60s\n", RAW_LINE, checksum(RAW_LINE), RAW_LINE,
             checksum(RAW_LINE) ^ 1, RAW_LINE);
    assert_int_equal(record(&m, &setup, text), ERR_OK);
    static const double want[] = {69, 1.2, 1015.8, 19.8, 51};
    struct tape_line line = next(&m);
    assert_false(line.damaged);
    for (int i = 0; i < 5; i++)
        assert_near(line.values[i], want[i], 1e-9);
    assert_true(next(&m).damaged);
    assert_true(next(&m).damaged);
    erase(&m);
}

static void the_published_line_of_the_format_has_its_checksum(void **state)
{
    (void)state;
    static const char line[] =
        "2021-01-17T00:00:09 A2527B225C0000D0000E0000F0000G0001H0001I0000J0000K0000L0198M683N10158,051,080,"
        "091,034,052,069,*05\n";
    struct made m;
    struct tape_setup setup = csv();
    setup.format = TAPE_GUANGDONG_RAW;
    setup.ncolumns = 1;
    assert_int_equal(record(&m, &setup, line), ERR_OK);
    assert_false(next(&m).damaged);
    assert_near(tape_line(m.tape).values[0], 69, 0);
    erase(&m);
}

/* The recorded days beside the checkout, where they are: the counts their README states. */
static void the_recorded_day_has_as_many_bad_lines_as_its_readme_says(void **state)
{
    (void)state;
    struct tape_setup setup = csv();
    struct tape *tape = NULL;
    const char *which;
    long lines = 0, bad = 0;
    setup.format = TAPE_GUANGDONG_RAW;
    setup.ncolumns = 1;
    if (tape_open(&setup, "../shared/data/guangdong-raw-2s-2020-06-07.txt.gz", 480, &tape, &which) !=
        ERR_OK) {
        print_message("skipped: ../shared/data is not here\n");
        skip();
    }
    for (tape_advance(tape); tape_line(tape).number; tape_advance(tape)) {
        lines++;
        bad += tape_line(tape).damaged;
    }
    tape_close(tape);
    assert_int_equal(lines, 28221);
    assert_int_equal(bad, 139);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_advance_takes_the_next_line_in_the_setups_columns),
        cmocka_unit_test(a_line_of_another_shape_or_with_text_for_a_number_is_damaged),
        cmocka_unit_test(a_line_is_held_for_as_many_polls_as_asked_and_the_file_repeats),
        cmocka_unit_test(only_lines_of_the_range_are_played),
        cmocka_unit_test(a_missing_column_or_file_is_named),
        cmocka_unit_test(a_raw_line_counts_in_its_units_and_its_checksum_is_checked),
        cmocka_unit_test(the_published_line_of_the_format_has_its_checksum),
        cmocka_unit_test(the_recorded_day_has_as_many_bad_lines_as_its_readme_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
