/* What waits for its turn, and why; what is remembered; that a storm of commands has bounds. The broker is a
 * stub, the rest of main is real. */
#include "daemon/commands.h"
#include "daemon/dustd.h"

#include "daemon/casework.h"
#include "daemon/photo.h"
#include "daemon/rows.h"
#include "tests/unit/verbs_rig.h"

#define EXPIRES (RIG_START_MS + 500000)

static int commands_setup(void **state)
{
    rig_people[0].mqtt_user = "li";
    rig_people[1].mqtt_user = "wang";
    rig_mqtt.commands = true;
    if (verbs_setup(state) != 0)
        return -1;
    ((struct rig *)*state)->d.uplinks[0].commands = COMMANDS_CLOSED;
    return 0;
}

static int commands_teardown(void **state)
{
    rig_people[0].mqtt_user = rig_people[1].mqtt_user = "";
    rig_mqtt.commands = false;
    return verbs_teardown(state);
}

static void arrives(struct rig *r, const char *user, char *text)
{
    struct mqtt_event e = {.kind = MQTT_COMMAND, .payload = text};
    snprintf(e.text, sizeof e.text, "%s", user);
    commands_message(&r->d, 0, &e);
    mem_free(text);
}

static void asks(struct rig *r, const char *user, const char *id, const char *members)
{
    arrives(r, user, mem_printf("{\"id\":\"%s\",\"expires\":%lld,%s}", id, (long long)EXPIRES, members));
}

static void notes(struct rig *r, const char *user, const char *id)
{
    asks(r, user, id, "\"do\":\"issue.note\",\"issue\":\"EX-2026-0001\",\"text\":\"t\"");
}

/* Turns of the loop until nobody waits for a commit any more. */
static void turns(struct rig *r)
{
    for (int i = 0; i < 3 * COMMANDS_WAITING || r->d.writer.client; i++) {
        assert_in_range(i, 0, 4000);
        struct pollfd p = {.fd = ring_fd(store_ring(r->d.store)), .events = POLLIN};
        commands_turn(&r->d);
        batch_flush(&r->d);
        poll(&p, 1, r->d.writer.client ? 5 : 0);
        batch_store(&r->d);
    }
}

static void restarts(struct rig *r)
{
    control_close(r->d.control);
    rig_kill(r);
    rig_start(r, RIG_START_MS + 1000);
    r->d.uplinks[0].commands = COMMANDS_CLOSED;
}

/* How many replies to a user hold `part`. */
static int told(const char *user, const char *part)
{
    char topic[80];
    int n = 0;
    snprintf(topic, sizeof topic, "reply/%s", user);
    for (int i = 0; i < RIG_SAID; i++)
        n += stub.payload[i] && strcmp(stub.topic[i], topic) == 0 && strstr(stub.payload[i], part);
    return n;
}

static json_int_t counted(struct rig *r, const char *member)
{
    json_t *json = commands_json(&r->d);
    json_int_t n = json_integer_value(json_object_get(json, member));
    json_decref(json);
    return n;
}

static void find_one(struct rig *r)
{
    char id[32], *body;
    const struct finding f = {.kind = "limit",
                              .subject = "test/pm10-hour",
                              .cause = "a/pm10",
                              .text_zh = "超标",
                              .text_en = "over",
                              .person = "manager",
                              .evidence = json_object()};
    assert_int_equal(ledger_find(r->d.ledger, RIG_START_MS, &f, &body, id), ERR_OK);
    row_step(&r->d, RIG_START_MS, id, body);
    batch_flush(&r->d);
    rig_settle(r);
}

static void a_command_is_a_step_of_its_topics_person_and_answered_after_its_commit(void **state)
{
    struct rig *r = *state;
    find_one(r);
    asks(r, "wang", "c1", "\"do\":\"issue.confirm\",\"issue\":\"EX-2026-0001\"");
    assert_int_equal(told("wang", ""), 0);
    commands_turn(&r->d);
    assert_int_equal(told("wang", ""), 0);
    assert_string_equal(r->d.writer.who, "officer");
    turns(r);
    assert_int_equal(told("wang", "\"ok\":true"), 1);
    assert_int_equal(told("wang", "\"id\":\"c1\""), 1);
    assert_int_equal(told("wang", "\"state\":\"confirmed\""), 1);
    assert_int_equal(told("wang", "\"language\""), 0);
    assert_int_equal(told("li", ""), 0);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"confirm\"").n, 1);
    assert_int_equal(
        rig_rows(r, "command", "\"subject\":\"officer\",\"id\":\"c1\",\"do\":\"issue.confirm\"").n, 1);
}

/* What the keeper's thread has done comes by its descriptor. */
static void photo_comes(struct rig *r)
{
    struct pollfd p = {.fd = photo_fd(r->d.photos), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 60000), 1);
    photo_kept(&r->d);
}

static void a_command_waits_while_a_part_of_a_photo_is_laid_down(void **state)
{
    struct rig *r = *state;
    static const char sha256[] = "a2080d76a557753a1076f86de33eeb8df8e6cdb3fd267a050ee3ce326c008c47";
    find_one(r);
    r->d.photos = photo_open();
    rig_config.issues.photo_size = rig_config.issues.photo_room = 100000;
    for (int i = 0; i < 2; i++) { /* printf '\xff\xd8\xff test' */
        char *part = mem_printf("\"do\":\"issue.photo\",\"issue\":\"EX-2026-0001\",\"photo\":\"%s\","
                                "\"part\":1,\"of\":1,\"data\":\"/9j/IHRlc3Q=\"",
                                sha256);
        asks(r, "wang", i ? "p2" : "p1", part);
        notes(r, "wang", i ? "n2" : "n1");
        mem_free(part);
        commands_turn(&r->d);
        assert_int_equal(counted(r, "waiting"), i ? 0 : 1);
        if (i == 0)
            photo_comes(r);
        turns(r);
    }
    assert_int_equal(told("wang", sha256), 4); /* two answers to the parts, two issues with the photo */
    assert_int_equal(told("wang", "\"have\":1"), 1);
    photo_close(r->d.photos, 1000);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"photo\"").n, 1);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"note\"").n, 2);
    assert_int_equal(rig_rows(r, "command", "\"do\":\"issue.photo\"").n, 1);
}

static void commands_wait_until_it_is_known_whether_people_are_kept_apart(void **state)
{
    struct rig *r = *state;
    find_one(r);
    r->d.uplinks[0].commands = COMMANDS_CHECKING;
    notes(r, "wang", "c1");
    turns(r);
    assert_int_equal(told("wang", ""), 0);
    assert_int_equal(counted(r, "waiting"), 1);
    r->d.uplinks[0].commands = COMMANDS_CLOSED;
    turns(r);
    assert_int_equal(told("wang", "\"ok\":true"), 1);
}

static void what_waited_is_refused_where_they_are_not(void **state)
{
    struct rig *r = *state;
    find_one(r);
    r->d.uplinks[0].commands = COMMANDS_CHECKING;
    notes(r, "wang", "c1");
    commands_guarded(&r->d, 0, &(struct mqtt_event){.limit = COMMANDS_OPEN, .text = "because"});
    turns(r);
    assert_int_equal(told("wang", "its ACL lets anybody write"), 1);
    assert_int_equal(counted(r, "refused"), 1);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"note\"").n, 0);
}

static void what_is_received_before_the_line_breaks_waits_for_the_next_connection(void **state)
{
    struct rig *r = *state;
    find_one(r);
    r->d.uplinks[0].connected = false;
    r->d.uplinks[0].commands = COMMANDS_OFF;
    notes(r, "wang", "c1");
    turns(r);
    assert_int_equal(counted(r, "waiting"), 1);
    r->d.uplinks[0].connected = true;
    turns(r);
    assert_int_equal(counted(r, "waiting"), 1);
    r->d.uplinks[0].commands = COMMANDS_CLOSED;
    turns(r);
    assert_int_equal(told("wang", "\"ok\":true"), 1);
}

static void one_that_expires_while_it_waits_is_not_carried_out(void **state)
{
    struct rig *r = *state;
    find_one(r);
    r->d.uplinks[0].commands = COMMANDS_CHECKING;
    notes(r, "wang", "c1");
    clock_simulate(EXPIRES, 1);
    turns(r);
    assert_int_equal(told("wang", "it has expired"), 1);
    assert_int_equal(counted(r, "waiting"), 0);
}

static void a_command_waits_for_whoever_writes_on_the_control_socket(void **state)
{
    struct rig *r = *state;
    find_one(r);
    r->d.writer.client = 7;
    notes(r, "wang", "c1");
    commands_turn(&r->d);
    assert_int_equal(told("wang", ""), 0);
    r->d.writer.client = 0;
    turns(r);
    assert_int_equal(told("wang", "\"ok\":true"), 1);
}

static void an_id_that_waits_or_was_carried_out_is_refused_one_that_was_refused_is_not(void **state)
{
    struct rig *r = *state;
    find_one(r);
    asks(r, "wang", "c1", "\"do\":\"issue.note\",\"issue\":\"EX-2026-0009\",\"text\":\"t\"");
    turns(r);
    assert_int_equal(told("wang", "there is no issue"), 1);
    notes(r, "wang", "c1");
    notes(r, "wang", "c1");
    assert_int_equal(told("wang", "waits for its turn"), 1);
    turns(r);
    assert_int_equal(told("wang", "\"ok\":true"), 1);
    notes(r, "wang", "c1");
    assert_int_equal(told("wang", "\"repeats\":"), 1);
    notes(r, "li", "c1");
    turns(r);
    assert_int_equal(told("li", "\"ok\":true"), 1);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"note\"").n, 2);
}

static void a_restart_remembers_the_ids(void **state)
{
    struct rig *r = *state;
    find_one(r);
    notes(r, "wang", "c1");
    turns(r);
    rig_settle(r);
    restarts(r);
    notes(r, "wang", "c1");
    turns(r);
    assert_int_equal(told("wang", "\"repeats\":"), 1);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"note\"").n, 1);
}

/* Both rows are in one batch: the journal has both or none. */
static void a_power_cut_before_the_commit_leaves_neither_the_step_nor_its_id(void **state)
{
    struct rig *r = *state;
    find_one(r);
    notes(r, "wang", "c1");
    commands_turn(&r->d);
    stub.dead = true;
    batch_flush(&r->d);
    restarts(r);
    assert_int_equal(told("wang", ""), 0);
    notes(r, "wang", "c1");
    turns(r);
    assert_int_equal(told("wang", "\"ok\":true"), 1);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"note\"").n, 1);
    assert_int_equal(rig_rows(r, "command", NULL).n, 1);
}

static void a_step_that_finds_no_room_leaves_nobody_writing(void **state)
{
    struct rig *r = *state;
    find_one(r);
    r->d.shed.refused = true;
    r->d.shed.bytes = (size_t)8 << 20;
    notes(r, "wang", "c1");
    commands_turn(&r->d);
    assert_int_equal(told("wang", "the disk takes nothing"), 1);
    assert_int_equal(r->d.writer.client, 0);
    r->d.shed.refused = false;
    notes(r, "wang", "c1");
    turns(r);
    assert_int_equal(told("wang", "\"ok\":true"), 1);
}

static void a_storm_of_one_user_waits_in_bounds_and_keeps_no_other_out(void **state)
{
    struct rig *r = *state;
    char id[16];
    find_one(r);
    r->d.uplinks[0].commands = COMMANDS_CHECKING;
    for (int i = 0; i < 10000; i++) {
        snprintf(id, sizeof id, "c%d", i);
        notes(r, "wang", id);
    }
    assert_in_range(counted(r, "waiting"), 1, COMMANDS_WAITING);
    assert_true(counted(r, "unanswered") > 0);
    assert_int_equal(counted(r, "refused") + counted(r, "waiting"), 10000);
    if (counted(r, "waiting") < COMMANDS_WAITING) /* a slow machine gave them time */
        notes(r, "li", "mine");
    r->d.uplinks[0].commands = COMMANDS_CLOSED;
    turns(r);
    assert_int_equal(told("li", "\"ok\":true"), 1);
    assert_int_equal(rig_rows(r, "denied", NULL).n, 0);
}

static void no_more_than_a_handful_wait_whoever_sends_them(void **state)
{
    enum { CROWD = 5 };
    struct rig *r = *state;
    struct person crowd[CROWD];
    char users[CROWD][8], id[16];
    for (int k = 0; k < CROWD; k++) {
        crowd[k] = rig_people[1];
        snprintf(users[k], sizeof users[k], "wang%d", k);
        crowd[k].mqtt_user = users[k];
    }
    rig_config.people = crowd;
    rig_config.npeople = CROWD;
    r->d.uplinks[0].commands = COMMANDS_CHECKING;
    for (int i = 0; i < 10 * CROWD; i++) { /* 10 at once of each are let through */
        snprintf(id, sizeof id, "c%d", i);
        notes(r, users[i % CROWD], id);
    }
    rig_config.people = rig_people;
    rig_config.npeople = 2;
    assert_int_equal(counted(r, "waiting"), COMMANDS_WAITING);
    assert_int_equal(counted(r, "refused"), 10 * CROWD - COMMANDS_WAITING);
    assert_true(told("wang4", "too many commands wait") > 0);
}

static void who_may_not_leaves_a_row_with_his_name_at_the_broker(void **state)
{
    struct rig *r = *state;
    find_one(r);
    asks(r, "li", "c1", "\"do\":\"issue.close\",\"issue\":\"EX-2026-0001\",\"text\":\"t\"");
    turns(r);
    rig_settle(r);
    assert_int_equal(told("li", "never for the responsible unit"), 1);
    assert_int_equal(rig_rows(r, "denied", "\"subject\":\"manager\",\"user\":\"li\",\"did\":\"act close\"").n,
                     1);
}

static void users_who_are_nobody_are_told_and_leave_no_row(void **state)
{
    struct rig *r = *state;
    char user[16];
    int before = r->d.batch.nrows;
    for (int i = 0; i < 1000; i++) {
        snprintf(user, sizeof user, "u%d", i);
        notes(r, user, "c1");
    }
    assert_int_equal(told("u0", "nobody in people has this mqtt_user"), 1);
    assert_int_equal(counted(r, "refused"), 1000);
    assert_true(counted(r, "unanswered") > 0);
    assert_int_equal(r->d.batch.nrows, before);
}

static void what_quotes_broken_text_is_still_a_whole_reply(void **state)
{
    struct rig *r = *state;
    for (int pad = 0; pad < 4; pad++) {
        char name[300] = "", id[8];
        snprintf(id, sizeof id, "c%d", pad);
        memset(name, 'x', (size_t)pad);
        for (int i = 0; i < 40; i++)
            strcat(name, "问");
        char *members = mem_printf("\"do\":\"%s\",\"%s\":1", pad % 2 ? name : "issue.note", name);
        asks(r, "wang", id, members);
        mem_free(members);
    }
    assert_int_equal(told("wang", "\"ok\":false"), 4);
}

#define COMMAND_TEST(test) cmocka_unit_test_setup_teardown(test, commands_setup, commands_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMAND_TEST(a_command_is_a_step_of_its_topics_person_and_answered_after_its_commit),
        COMMAND_TEST(a_command_waits_while_a_part_of_a_photo_is_laid_down),
        COMMAND_TEST(commands_wait_until_it_is_known_whether_people_are_kept_apart),
        COMMAND_TEST(what_waited_is_refused_where_they_are_not),
        COMMAND_TEST(what_is_received_before_the_line_breaks_waits_for_the_next_connection),
        COMMAND_TEST(one_that_expires_while_it_waits_is_not_carried_out),
        COMMAND_TEST(a_command_waits_for_whoever_writes_on_the_control_socket),
        COMMAND_TEST(an_id_that_waits_or_was_carried_out_is_refused_one_that_was_refused_is_not),
        COMMAND_TEST(a_restart_remembers_the_ids),
        COMMAND_TEST(a_power_cut_before_the_commit_leaves_neither_the_step_nor_its_id),
        COMMAND_TEST(a_step_that_finds_no_room_leaves_nobody_writing),
        COMMAND_TEST(a_storm_of_one_user_waits_in_bounds_and_keeps_no_other_out),
        COMMAND_TEST(no_more_than_a_handful_wait_whoever_sends_them),
        COMMAND_TEST(who_may_not_leaves_a_row_with_his_name_at_the_broker),
        COMMAND_TEST(users_who_are_nobody_are_told_and_leave_no_row),
        COMMAND_TEST(what_quotes_broken_text_is_still_a_whole_reply),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
