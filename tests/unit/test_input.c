/* What comes in beside Modbus: read strictly, refused in plain words, the same from a row as from a message.
 */
#include "daemon/judge/input_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/judge/input.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1777593600000) /* 2026-05-01T08:00+08:00, the time of docs/schema/examples */

static int read_it(const char *kind_name, const char *text, struct input *i, char why[static 400])
{
    enum input_kind kind;
    assert_int_equal(input_kind_parse(kind_name, &kind), ERR_OK);
    json_error_t fault;
    json_t *message = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
    if (!message)
        fail_msg("%s: %s", text, fault.text);
    int error = input_read(kind, message, NOW_MS, i, why, 400);
    json_decref(message);
    return error;
}

static void assert_refused(const char *kind, const char *text, const char *part)
{
    struct input i;
    char why[400];
    if (read_it(kind, text, &i, why) == ERR_OK || !strstr(why, part))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, why, part);
}

static void every_example_of_the_schemas_is_taken(void **state)
{
    (void)state;
    int taken = 0;
    for (int k = 0; k < INPUT__KINDS; k++) {
        char path[128], why[400];
        snprintf(path, sizeof path, "docs/schema/examples/in-%s.json", input_kind_str((enum input_kind)k));
        json_t *examples = json_load_file(path, 0, NULL), *message;
        size_t n;
        assert_true(json_array_size(examples) > 0);
        json_array_foreach(examples, n, message)
        {
            struct input i;
            if (input_read((enum input_kind)k, message, NOW_MS, &i, why, sizeof why) != ERR_OK)
                fail_msg("%s: %s", path, why);
            taken++;
        }
        json_decref(examples);
    }
    assert_true(taken >= INPUT__KINDS);
}

static bool is_in(const json_t *list, const char *word)
{
    size_t n;
    const json_t *entry;
    json_array_foreach(list, n, entry) if (strcmp(json_string_value(entry), word) == 0) return true;
    return false;
}

static void compare_member(const json_t *schema, const struct field *f, const char *path)
{
    const json_t *member = json_object_get(json_object_get(schema, "properties"), f->key);
    const json_t *words = json_object_get(member, "enum");
    size_t n = 0;
    if (!member)
        fail_msg("%s has no member %s", path, f->key);
    if (strcmp(f->key, "id") != 0) /* dustctl makes one; a source must have one */
        assert_int_equal(f->required, is_in(json_object_get(schema, "required"), f->key));
    for (; f->words[n]; n++)
        if (!is_in(words, f->words[n]))
            fail_msg("%s: %s may be %s, the schema does not know it", path, f->key, f->words[n]);
    assert_int_equal(n, json_array_size(words));
    if (f->type == FIELD_NUMBER) {
        assert_true(json_number_value(json_object_get(member, "minimum")) == f->low);
        assert_true(json_number_value(json_object_get(member, "maximum")) == f->high);
    }
}

static void the_schemas_say_the_members_words_and_numbers_that_are_taken(void **state)
{
    (void)state;
    for (int k = 0; k < INPUT__KINDS; k++) {
        char path[128];
        int n = INPUT_COMMON;
        snprintf(path, sizeof path, "docs/schema/in-%s.json", input_kind_str((enum input_kind)k));
        json_t *schema = json_load_file(path, 0, NULL);
        for (int i = 0; i < INPUT_COMMON; i++)
            compare_member(schema, &input_common[i], path);
        for (int i = 0; i < INPUT_FIELDS && input_shapes[k].fields[i].key; i++, n++)
            compare_member(schema, &input_shapes[k].fields[i], path);
        assert_int_equal(n, json_object_size(json_object_get(schema, "properties")));
        json_decref(schema);
    }
}

static void a_wrong_member_is_named_with_what_it_may_be(void **state)
{
    (void)state;
    assert_refused("passage", "{\"id\":\"1\",\"at\":1777593600000,\"direktion\":\"out\"}",
                   "no member \"direktion\"; did you mean \"direction\"?");
    assert_refused("passage", "{\"id\":\"1\",\"at\":1777593600000,\"direction\":\"outt\"}",
                   "must be one of in out; did you mean out?");
    assert_refused("passage", "{\"id\":\"1\",\"at\":1777593600000}", "\"direction\" is missing");
    assert_refused("passage", "{\"id\":\"1\",\"at\":1777593600000,\"direction\":\"out\",\"wash_s\":-5}",
                   "must be a number from 0 to 86400");
    assert_refused("inspection", "{\"at\":1777593600000,\"about\":\"covering/weekly\",\"value\":101}",
                   "must be a number from 0 to 100");
    assert_refused("stage", "{\"from\":\"today\",\"stage\":\"earthwork\"}", "a time in ms since 1970");
    assert_refused("calendar", "[]", "not a JSON object");
}

static void what_happened_is_not_in_the_future_and_ends_after_it_began(void **state)
{
    (void)state;
    struct input i;
    char why[400];
    assert_refused("passage", "{\"at\":1777593900000,\"direction\":\"out\"}", "is in the future");
    assert_refused(
        "background",
        "{\"from\":1777590000000,\"to\":1777593900000,\"role\":\"pm10\",\"value\":9,\"unit\":\"ug/m3\"}",
        "is in the future");
    assert_refused("alive", "{\"from\":1777593600000,\"to\":1777593000000}", "ends before it begins");
    assert_refused("calendar", "{\"from\":1777593600000,\"to\":1777593600000,\"what\":\"rain\"}",
                   "ends before it begins");
    assert_refused("maintenance",
                   "{\"from\":1777593600000,\"to\":1777608000001,\"device\":\"d\",\"what\":\"calibration\"}",
                   "longer than 4h");
    assert_int_equal(read_it("passage", "{\"at\":1777593660000,\"direction\":\"out\"}", &i, why), ERR_OK);
    assert_int_equal(read_it("stage", "{\"from\":1777693600000,\"stage\":\"structure\"}", &i, why), ERR_OK);
    assert_true(i.to_ms == INPUT_OPEN);
}

static void what_is_told_a_week_late_is_refused_because_verdicts_stand(void **state)
{
    (void)state;
    char text[128];
    struct input i;
    char why[400];
    int64_t week_ms = INPUT_LATE_DAYS * (int64_t)CLOCK_DAY_MS;
    snprintf(text, sizeof text, "{\"at\":%lld,\"direction\":\"out\"}", (long long)(NOW_MS - week_ms - 1));
    assert_refused("passage", text, "7 days ago");
    snprintf(text, sizeof text, "{\"at\":%lld,\"direction\":\"out\"}", (long long)(NOW_MS - week_ms));
    assert_int_equal(read_it("passage", text, &i, why), ERR_OK);
}

static void a_plate_is_masked_at_once_and_an_odd_one_is_said(void **state)
{
    (void)state;
    struct input i;
    char why[400];
    assert_int_equal(
        read_it("passage", "{\"at\":1777593600000,\"direction\":\"out\",\"plate\":\"晋J12345\"}", &i, why),
        ERR_OK);
    assert_string_equal(i.about, "晋J1***5");
    assert_string_equal(why, "");
    assert_int_equal(
        read_it("passage", "{\"at\":1777593600000,\"direction\":\"out\",\"plate\":\"无牌\"}", &i, why),
        ERR_OK);
    assert_string_equal(i.about, "***");
    assert_non_null(strstr(why, "does not look like a number plate"));
    assert_int_equal(
        read_it("camera", "{\"at\":1777593600000,\"what\":\"uncovered\",\"plate\":\"晋AD12345\"}", &i, why),
        ERR_OK);
    assert_string_equal(i.about, "晋AD***5");
    assert_int_equal(
        read_it("passage", "{\"at\":1777593600000,\"direction\":\"out\",\"plate\":\"晋J1234学\"}", &i, why),
        ERR_OK);
    assert_string_equal(i.about, "晋J1***学");
}

static void a_background_is_kept_in_ug_m3_whatever_it_came_in(void **state)
{
    (void)state;
    struct input i;
    char why[400];
    assert_int_equal(read_it("background",
                             "{\"from\":1777590000000,\"to\":1777593600000,\"role\":\"pm10\",\"value\":0.15,"
                             "\"unit\":\"mg/m3\"}",
                             &i, why),
                     ERR_OK);
    assert_true(fabs(i.value - 150) < 1e-9);
    assert_string_equal(i.via, "ug/m3");
}

static void a_row_reads_back_as_the_message_it_was(void **state)
{
    (void)state;
    struct input i, back = {0};
    char why[400];
    assert_int_equal(
        read_it("passage",
                "{\"id\":\"p1\",\"at\":1777593600000,\"direction\":\"out\",\"plate\":\"晋J12345\","
                "\"via\":\"bypass\",\"wash_s\":12.5,\"reason\":\"夜间\"}",
                &i, why),
        ERR_OK);
    snprintf(i.source, sizeof i.source, "gate");
    json_t *body = json_pack("{s:I,s:s,s:s,s:s}", "ts", (json_int_t)NOW_MS, "kind", "passage", "subject",
                             "gate", "by", "gate");
    input_json(&i, body);
    assert_int_equal(input_restore(INPUT_PASSAGE, body, &back), ERR_OK);
    json_decref(body);
    assert_string_equal(back.about, "晋J1***5");
    assert_true(back.from_ms == i.from_ms && back.value == 12.5);
    assert_string_equal(back.via, "bypass");
    assert_string_equal(back.reason, "夜间");
    assert_true(input_identity(&back) == input_identity(&i));
    snprintf(back.source, sizeof back.source, "other");
    assert_false(input_identity(&back) == input_identity(&i));
}

static void the_responsible_unit_does_not_testify_for_itself(void **state)
{
    (void)state;
    assert_true(input_may(ROLE_COMMUNITY, INPUT_STAGE));
    assert_true(input_may(ROLE_OFFICE, INPUT_CALENDAR));
    assert_false(input_may(ROLE_INSPECTOR, INPUT_STAGE));
    assert_false(input_may(ROLE_SITE, INPUT_STAGE));
    assert_false(input_may(ROLE_SITE | ROLE_OFFICE, INPUT_CALENDAR));
    assert_false(input_may(ROLE_CONTRACTOR, INPUT_CAMERA));
    assert_true(input_may(ROLE_INSPECTOR, INPUT_PASSAGE));
    assert_true(input_may(ROLE_SITE, INPUT_INSPECTION));
    assert_true(input_may(ROLE_SITE, INPUT_MAINTENANCE));
    assert_false(input_machine(INPUT_STAGE) || input_machine(INPUT_INSPECTION) ||
                 input_machine(INPUT_CALENDAR));
    assert_true(input_machine(INPUT_WARNING) && input_machine(INPUT_PASSAGE));
}

static void an_inspector_in_the_builders_pay_testifies_for_nothing(void **state)
{
    (void)state;
    struct organisation organisations[] = {{"builder", "", "", ORGANISATION_UNIT},
                                           {"street", "", "", ORGANISATION_COMMUNITY}};
    struct config c = {.organisations = organisations, .norganisations = 2};
    struct person hired = {.name = "hired", .roles = ROLE_INSPECTOR | ROLE_OFFICE, .organisation = "builder"};
    struct person free = {.name = "free", .roles = ROLE_INSPECTOR | ROLE_OFFICE, .organisation = "street"};
    struct check look = {.kind = CHECK_ATTEST, .by = ROLE_COMMUNITY | ROLE_INSPECTOR};
    assert_false(config_attests(&look, config_roles(&c, &hired)));
    assert_true(config_attests(&look, config_roles(&c, &free)));
    assert_false(input_may(config_roles(&c, &hired), INPUT_STAGE));
    assert_false(input_may(config_roles(&c, &hired), INPUT_PASSAGE));
    assert_true(input_may(config_roles(&c, &free), INPUT_STAGE));
    look.by |= ROLE_SITE; /* a look that the site may have itself */
    assert_true(config_attests(&look, config_roles(&c, &hired)));
    look.by = ROLE_CONTRACTOR; /* no role comes with the organisation */
    assert_false(config_attests(&look, config_roles(&c, &hired)));
    assert_int_equal(config_roles(&c, NULL), 0);
}

static void a_check_that_is_nearly_right_is_suggested_and_nothing_else(void **state)
{
    (void)state;
    struct check checks[] = {{.name = "gate-shut", .kind = CHECK_DURING},
                             {.name = "weekly", .kind = CHECK_ATTEST}};
    struct requirement list[] = {{.name = "enclosure", .checks = checks, .nchecks = 2},
                                 {.name = "hardening", .checks = checks, .nchecks = 2}};
    struct config c = {.requirements = {.list = list, .n = 2}}, none = {.npoints = 0};
    char near[64];
    assert_true(config_attest_near(&c, "hardening/weekli", near));
    assert_string_equal(near, "hardening/weekly");
    assert_false(config_attest_near(&c, "meter/pm10", near));
    assert_false(config_attest_near(&none, "hardening/weekly", near));
    assert_string_equal(near, "");
}

int main(void)
{
    json_set_alloc_funcs(mem_bytes, mem_free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_of_the_schemas_is_taken),
        cmocka_unit_test(the_schemas_say_the_members_words_and_numbers_that_are_taken),
        cmocka_unit_test(a_wrong_member_is_named_with_what_it_may_be),
        cmocka_unit_test(what_happened_is_not_in_the_future_and_ends_after_it_began),
        cmocka_unit_test(what_is_told_a_week_late_is_refused_because_verdicts_stand),
        cmocka_unit_test(a_plate_is_masked_at_once_and_an_odd_one_is_said),
        cmocka_unit_test(a_background_is_kept_in_ug_m3_whatever_it_came_in),
        cmocka_unit_test(a_row_reads_back_as_the_message_it_was),
        cmocka_unit_test(the_responsible_unit_does_not_testify_for_itself),
        cmocka_unit_test(an_inspector_in_the_builders_pay_testifies_for_nothing),
        cmocka_unit_test(a_check_that_is_nearly_right_is_suggested_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
