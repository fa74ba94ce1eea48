/* The table engine, on a small table that uses every type. */
#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/schema.h"
#include "daemon/base/yaml.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct pump {
    const char *name, *line;
    int kind;
    const char *port, *host;
    uint16_t address;
};

struct step {
    int64_t run_ms;
    const char *note;
};

struct plant {
    const char *title_zh, *title_en, *text;
    bool on;
    int8_t small;
    double factor, level, none;
    int hold_s;
    int64_t room;
    const char *unit, *colour;
    unsigned days;
    const char **tags;
    int ntags;
    uint64_t raws[3];
    int nraws;
    struct tank {
        int depth;
    } tank;
    struct step *steps;
    int nsteps;
    struct pump *pumps;
    int npumps;
};

static const struct word kinds[] = {{"serial", 0}, {"network", 1}, {0}};
static const struct word colours[] = {{"red", 0}, {"green", 0}, {0}};
static const struct word days[] = {{"mon", 1}, {"tue", 2}, {"wed", 4}, {0}};

static const char *must_be_short(const char *text)
{
    return strlen(text) > 5 ? "at most five letters" : NULL;
}

static int check_pump(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                      struct complaint *why)
{
    const struct pump *p = object;
    if (p->address != 13)
        return ERR_OK;
    return yaml_complain(doc, yaml_get(map, "address"), why, "found 13; allowed: a luckier one");
}

static const struct setting pump_rows[] = {
    {"name", SETTING_KEY, FIELD(struct pump, name), .meaning = "its name"},
    {"kind", SETTING_CHOICE, FIELD(struct pump, kind), .absent = "serial", .words = kinds},
    {"line", SETTING_REF, FIELD(struct pump, line), .of = "pumps"},
    {"port", SETTING_TEXT, FIELD(struct pump, port), .only = 1 << 0, .check = must_be_short},
    {"host", SETTING_TEXT, FIELD(struct pump, host), .required = true, .only = 1 << 1,
     .meaning = "where it is"},
    {"address", SETTING_ADDRESS, FIELD(struct pump, address), .absent = "0"},
    {0},
};
static const struct schema pump_schema = {"pump", sizeof(struct pump), pump_rows, &pump_rows[1], check_pump};

static const struct setting step_rows[] = {
    {"run", SETTING_DURATION, FIELD(struct step, run_ms), .low = "1s", .high = "1h", .absent = "1min"},
    {"note", SETTING_TEXT, FIELD(struct step, note), .high = "8"},
    {0},
};
static const struct schema step_schema = {"step", sizeof(struct step), step_rows, NULL, NULL};

static const struct setting tank_rows[] = {
    {"depth", SETTING_INT, FIELD(struct tank, depth), .absent = "3", .low = "0"}, {0}};
static const struct schema tank_schema = {"tank", sizeof(struct tank), tank_rows, NULL, NULL};

static const struct setting plant_rows[] = {
    {"title", SETTING_TITLE, FIELD(struct plant, title_zh)},
    {"text", SETTING_TEXT, FIELD(struct plant, text), .absent = "hello"},
    {"on", SETTING_BOOL, FIELD(struct plant, on), .absent = "true"},
    {"small", SETTING_INT, FIELD(struct plant, small), .absent = "-1", .low = "-1", .high = "100"},
    {"factor", SETTING_NUMBER, FIELD(struct plant, factor), .absent = "1", .low = "0.5", .high = "2"},
    {"level", SETTING_QUANTITY, FIELD(struct plant, level), .absent = "250 ug/m3", .unit = "ug/m3",
     .low = "0 ug/m3", .high = "10 mg/m3"},
    {"none", SETTING_NUMBER, FIELD(struct plant, none)},
    {"hold", SETTING_DURATION, FIELD(struct plant, hold_s), .absent = "30s", .per = 1000},
    {"room", SETTING_SIZE, FIELD(struct plant, room), .low = "1 MB", .high = "2 GB", .absent = "1 MB"},
    {"unit", SETTING_UNIT, FIELD(struct plant, unit)},
    {"colour", SETTING_WORD, FIELD(struct plant, colour), .words = colours},
    {"days", SETTING_SET, FIELD(struct plant, days), .words = days},
    {"tags", SETTING_TEXTS, FIELD(struct plant, tags), COUNT(struct plant, ntags)},
    {"raws", SETTING_RAWS, FIELD(struct plant, raws), COUNT(struct plant, nraws)},
    {"tank", SETTING_MAP, FIELD(struct plant, tank), .sub = &tank_schema},
    {"steps", SETTING_LIST, FIELD(struct plant, steps), COUNT(struct plant, nsteps), .sub = &step_schema},
    {"pumps", SETTING_KEYED, FIELD(struct plant, pumps), COUNT(struct plant, npumps), .required = true,
     .sub = &pump_schema, .meaning = "the pumps"},
    {0},
};
static const struct schema plant_schema = {"plant", sizeof(struct plant), plant_rows, NULL, NULL};

static int parse(const char *text, struct plant *p, struct complaint *why)
{
    struct yaml_doc *doc;
    int error = yaml_parse("f", text, strlen(text), &doc, why);
    if (error)
        return error;
    error = schema_read(&plant_schema, doc, yaml_root(doc), p, why);
    yaml_close(doc);
    return error;
}

static const char full[] = "title: {zh: 工地, en: \"A \\\"site\\\"\"}\n"
                           "text: \"two\\nlines\\tand \\\\\"\n"
                           "on: false\n"
                           "small: 100\n"
                           "factor: 0.75\n"
                           "level: 0.3 mg/m3\n"
                           "none: -1e-3\n"
                           "hold: 2min\n"
                           "room: 1500 MB\n"
                           "unit: μg/m³\n"
                           "colour: green\n"
                           "days: [mon, wed]\n"
                           "tags: [a, \"b: c\", '']\n"
                           "raws: [0, 0xFFFF, 0xFFFFFFFF]\n"
                           "tank: {depth: 9}\n"
                           "steps:\n"
                           "  - run: 90s\n"
                           "    note: wet\n"
                           "  - {}\n"
                           "pumps:\n"
                           "  east: {line: west, port: tty0}\n"
                           "  west: {kind: network, host: h, address: 0x01F4}\n"
                           "  last: {}\n";

static void every_type_is_read_into_its_field(void **state)
{
    (void)state;
    struct plant p;
    struct complaint why;
    if (parse(full, &p, &why))
        fail_msg("%s", why.text);
    assert_string_equal(p.title_en, "A \"site\"");
    assert_string_equal(p.text, "two\nlines\tand \\");
    assert_false(p.on);
    assert_int_equal(p.small, 100);
    assert_true(p.factor == 0.75 && p.level == 300 && p.none == -1e-3);
    assert_int_equal(p.hold_s, 120);
    assert_string_equal(p.unit, "ug/m3");
    assert_true(p.room == 1500000000);
    assert_string_equal(p.colour, "green");
    assert_int_equal(p.days, 5);
    assert_int_equal(p.ntags, 3);
    assert_string_equal(p.tags[1], "b: c");
    assert_int_equal(p.nraws, 3);
    assert_true(p.raws[2] == 0xffffffff);
    assert_int_equal(p.tank.depth, 9);
    assert_int_equal(p.nsteps, 2);
    assert_int_equal(p.steps[0].run_ms, 90000);
    assert_int_equal(p.steps[1].run_ms, 60000);
    assert_int_equal(p.npumps, 3);
    assert_string_equal(p.pumps[0].name, "east");
    assert_string_equal(p.pumps[0].line, "west");
    assert_string_equal(p.pumps[1].host, "h");
    assert_int_equal(p.pumps[1].address, 500);
    schema_finish(&plant_schema, &p);
}

static void what_is_absent_has_its_default(void **state)
{
    (void)state;
    struct plant p;
    struct complaint why;
    if (parse("pumps: {a: {}}\n", &p, &why))
        fail_msg("%s", why.text);
    assert_string_equal(p.title_zh, "");
    assert_string_equal(p.text, "hello");
    assert_true(p.on);
    assert_int_equal(p.small, -1);
    assert_true(p.level == 250);
    assert_true(isnan(p.none));
    assert_true(p.room == 1000000);
    assert_string_equal(p.colour, "");
    assert_string_equal(p.unit, "");
    assert_int_equal(p.tank.depth, 3);
    assert_int_equal(p.nsteps, 0);
    assert_string_equal(p.pumps[0].host, "");
    schema_finish(&plant_schema, &p);
}

static void what_is_printed_reads_to_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {full, "pumps: {a: {}}\n",
                                        "text: ''\ndays: []\npumps: {a: {kind: network, host: ''}}\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct plant p, q;
        struct complaint why;
        struct buf once = {0}, twice = {0};
        if (parse(texts[i], &p, &why))
            fail_msg("%s", why.text);
        schema_print(&plant_schema, &p, 0, &once);
        if (parse(once.data, &q, &why))
            fail_msg("%s\n%s", why.text, once.data);
        schema_print(&plant_schema, &q, 0, &twice);
        assert_string_equal(once.data, twice.data);
        assert_string_equal(p.text, q.text);
        assert_int_equal(p.days, q.days);
        assert_int_equal(p.nsteps, q.nsteps);
        assert_true(p.level == q.level && p.room == q.room);
        assert_string_equal(p.colour, q.colour);
        buf_finish(&once);
        buf_finish(&twice);
        schema_finish(&plant_schema, &p);
        schema_finish(&plant_schema, &q);
    }
}

static void an_entry_with_nothing_to_say_prints_as_an_empty_map(void **state)
{
    (void)state;
    static const struct setting note_rows[] = {{"note", SETTING_TEXT, FIELD(struct step, note)}, {0}};
    static const struct schema note_schema = {"note", sizeof(struct step), note_rows, NULL, NULL};
    static const struct setting rows[] = {
        {"steps", SETTING_LIST, FIELD(struct plant, steps), COUNT(struct plant, nsteps), .sub = &note_schema},
        {0}};
    static const struct schema schema = {"plan", sizeof(struct plant), rows, NULL, NULL};
    struct plant p = {.nsteps = 2, .steps = (struct step[]){{.note = "dry"}, {.note = ""}}};
    struct buf text = {0};
    schema_print(&schema, &p, 2, &text);
    assert_string_equal(text.data, "  steps:\n    - note: \"dry\"\n    - {}\n");
    buf_finish(&text);
}

static void each_bad_input_gets_its_place_what_was_found_and_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"smal: 3\npumps: {a: {}}",
         "f:1:1: found the unknown key \"smal\" in plant (did you mean \"small\"?); allowed: title "
         "text on"},
        {"zzz: 3\npumps: {a: {}}", "f:1:1: found the unknown key \"zzz\" in plant; allowed: title text on"},
        {"on: true\n", "f:1:1: found no pumps in plant; allowed: only with pumps, the pumps"},
        {"pumps: {}\n", "f:1:8: found no entry in pumps; allowed: at least one pump"},
        {"pumps:\n", "f:1:7: found nothing for pumps; allowed: a map of names"},
        {"pumps: {a: }", "f:1:12: found nothing for the pump; allowed: a map"},
        {"pumps: [a]", "f:1:8: found a list for pumps; allowed: a map of names"},
        {"pumps: {A1: {}}", "f:1:9: found \"A1\" for name; allowed: a name of at most 31 of a-z 0-9 _ -"},
        {"- a\n", "f:1:1: found a list for the plant; allowed: a map"},
        {"on: flase\npumps: {a: {}}",
         "f:1:5: found \"flase\" for on (did you mean \"false\"?); allowed: true or false"},
        {"on: \"true\"\npumps: {a: {}}", "f:1:5: found \"true\" for on"},
        {"small: 010\npumps: {a: {}}", "f:1:8: found \"010\" for small; allowed: a whole number, -1 to 100"},
        {"small: 101\npumps: {a: {}}", "f:1:8: found \"101\" for small; allowed: a whole number, -1 to 100"},
        {"small: 0x1F\npumps: {a: {}}",
         "f:1:8: found \"0x1F\" for small; allowed: a whole number, -1 to 100"},
        {"small: {}\npumps: {a: {}}", "f:1:8: found a map for small"},
        {"small: null\npumps: {a: {}}", "f:1:8: found nothing for small"},
        {"text: ~\npumps: {a: {}}", "f:1:7: found nothing for text; allowed: text of at most 2000 bytes"},
        {"factor: nan\npumps: {a: {}}", "f:1:9: found \"nan\" for factor; allowed: a number, 0.5 to 2"},
        {"factor: 1e309\npumps: {a: {}}", "f:1:9: found \"1e309\" for factor; allowed: a number, 0.5 to 2"},
        {"level: 150ug\npumps: {a: {}}",
         "f:1:8: found \"150ug\" for level; allowed: a number, a space and a unit, 0 ug/m3 to 10 "
         "mg/m3"},
        {"level: 5 m/s\npumps: {a: {}}", "f:1:8: found \"5 m/s\" for level"},
        {"level: 11 mg/m3\npumps: {a: {}}", "f:1:8: found \"11 mg/m3\" for level"},
        {"hold: 30\npumps: {a: {}}",
         "f:1:7: found \"30\" for hold; allowed: a whole number with ms, s, min, h or d"},
        {"hold: 1500ms\npumps: {a: {}}", "f:1:7: found \"1500ms\" for hold"},
        {"room: 500MB\npumps: {a: {}}",
         "f:1:7: found \"500MB\" for room; allowed: a whole number, a space and kB, "
         "MB or GB, 1 MB to 2 GB"},
        {"room: 3 GB\npumps: {a: {}}", "f:1:7: found \"3 GB\" for room"},
        {"colour: gren\npumps: {a: {}}",
         "f:1:9: found \"gren\" for colour (did you mean \"green\"?); allowed: one of red green"},
        {"unit: ug\npumps: {a: {}}", "f:1:7: found \"ug\" for unit; allowed: a unit: ug/m3 mg/m3"},
        {"days: [mon, tus]\npumps: {a: {}}",
         "f:1:13: found \"tus\" for days (did you mean \"tue\"?); allowed: a list of mon tue wed"},
        {"days: mon\npumps: {a: {}}", "f:1:7: found \"mon\" for days; allowed: a list of mon tue wed"},
        {"tags: [a, [b]]\npumps: {a: {}}", "f:1:11: found a list for tags"},
        {"raws: [1, 2, 3, 4]\npumps: {a: {}}", "f:1:7: found 4 values for raws; allowed: at most 3"},
        {"raws: [1, -2]\npumps: {a: {}}", "f:1:11: found \"-2\" for raws"},
        {"title: x\npumps: {a: {}}", "f:1:8: found \"x\" for title; allowed: {zh: …, en: …}"},
        {"title: {zh: x}\npumps: {a: {}}", "f:1:8: found no en in title; allowed: only with en, in English"},
        {"steps:\n  - run: 2h\npumps: {a: {}}",
         "f:2:10: found \"2h\" for run; allowed: a whole number with ms, s, min, h or d, 1s to 1h"},
        {"steps:\n  - note: 123456789\npumps: {a: {}}",
         "f:2:11: found \"123456789\" for note; allowed: text of at most 8 bytes"},
        {"pumps:\n  a: {line: b}\n  c: {}\n", "f:2:13: found \"b\" for line; allowed: one of a c"},
        {"pumps:\n  a: {line: pmup}\n  pump: {}\n",
         "f:2:13: found \"pmup\" for line (did you mean \"pump\"?); allowed: one of a pump"},
        {"pumps: {a: {kind: radio}}", "f:1:19: found \"radio\" for kind; allowed: one of serial network"},
        {"pumps: {a: {host: h}}", "f:1:13: found host with kind serial; allowed: only with network"},
        {"pumps: {a: {prt: 1}}",
         "f:1:13: found the unknown key \"prt\" in pump (did you mean \"port\"?); allowed: kind line port"},
        {"pumps: {a: {kind: network}}", "f:1:9: found no host in pump; allowed: only with host, where it is"},
        {"pumps: {a: {port: toolong}}", "f:1:19: found \"toolong\" for port; allowed: at most five letters"},
        {"pumps: {a: {address: 0x10000}}", "f:1:22: found \"0x10000\" for address"},
        {"pumps: {a: {address: 13}}", "f:1:22: found 13; allowed: a luckier one"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct plant p;
        struct complaint why = {{0}};
        int error = parse(bad[i].text, &p, &why);
        if (error != ERR_FORMAT || strncmp(why.text, bad[i].message, strlen(bad[i].message)) != 0)
            fail_msg("%s\ngave %d \"%s\" instead of \"%s\"", bad[i].text, error, why.text, bad[i].message);
        assert_non_null(strstr(why.text, "; allowed: "));
    }
}

static void a_suggestion_is_near_or_none(void **state)
{
    (void)state;
    static const char *const names[] = {"period", "profile", "unit_id", NULL};
    assert_string_equal(schema_suggest("perod", names), "period");
    assert_string_equal(schema_suggest("peroid", names), "period");
    assert_string_equal(schema_suggest("unitid", names), "unit_id");
    assert_null(schema_suggest("baud", names));
    assert_null(schema_suggest("", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read_into_its_field),
        cmocka_unit_test(what_is_absent_has_its_default),
        cmocka_unit_test(what_is_printed_reads_to_the_same),
        cmocka_unit_test(an_entry_with_nothing_to_say_prints_as_an_empty_map),
        cmocka_unit_test(each_bad_input_gets_its_place_what_was_found_and_what_is_allowed),
        cmocka_unit_test(a_suggestion_is_near_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
