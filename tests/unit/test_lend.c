/* Lending a bus over the control socket: who may, what is written, and how it comes back. The bus is a stub
 * that notes its orders; what its thread would say, the test says. */
#include "tests/unit/verbs_rig.h"

#define LEND "{\"do\":\"lend\",\"bus\":\"one\",\"seconds\":60}"

static struct point relay_points[] = {
    {.name = "valve",
     .role = "spray_command",
     .table = TABLE_COIL,
     .address = 3,
     .type = TYPE_BIT,
     .bit = -1,
     .writable = true},
    {.name = "lamp",
     .role = "",
     .table = TABLE_COIL,
     .address = 4,
     .type = TYPE_BIT,
     .bit = -1,
     .writable = true},
};
static struct profile relay = {.name = "relay", .points = relay_points, .npoints = 2, .max_registers = 125};

static void told(struct rig *r, bool lent)
{
    struct bus_message m = {.kind = BUS_LENT, .u.lent = lent};
    assert_int_equal(ring_push(r->d.buses[0].ring, &m), ERR_OK);
    pipeline_bus(&r->d, 0);
}

static void obeyed(struct rig *r, int order, enum why why)
{
    struct bus_message m = {.kind = BUS_OBEYED};
    m.u.obeyed =
        (struct bus_obeyed){.id = orders.given[order].id, .why = (uint8_t)why, .read_back = why == WHY_NONE};
    assert_int_equal(ring_push(r->d.buses[0].ring, &m), ERR_OK);
    pipeline_bus(&r->d, 0);
}

/* A turn of main's loop, until what it wrote is on the disk. */
static void turn(struct rig *r, int64_t now_us)
{
    lend_turn(&r->d, now_us);
    batch_flush(&r->d);
    rig_settle(r);
    lend_turn(&r->d, now_us);
    settle(r);
}

static int lend_to(struct rig *r, uid_t uid)
{
    int fd = dial(r);
    asking = uid;
    say(r, fd, LEND);
    told(r, true);
    turn(r, clock_wire_us());
    return fd;
}

static const struct bus_order *last_order(void)
{
    return orders.n ? &orders.given[orders.n - 1] : NULL;
}

static void only_root_and_people_of_site_or_office_may_borrow_a_bus(void **state)
{
    struct rig *r = *state;
    assert_says(r, STRANGER, LEND, "lending a bus is for root and for people of the site or the office");
    assert_says(r, MANAGER, "{\"do\":\"lend\",\"bus\":\"one\",\"seconds\":60,\"as\":\"officer\"}",
                "only root may act as somebody else");
    assert_int_equal(orders.n, 0);
}

static void a_loan_has_an_end_of_at_most_15_minutes(void **state)
{
    struct rig *r = *state;
    assert_says(r, 0, "{\"do\":\"lend\",\"bus\":\"one\"}", "10 to 900");
    assert_says(r, 0, "{\"do\":\"lend\",\"bus\":\"one\",\"seconds\":901}", "10 to 900");
    assert_says(r, 0, "{\"do\":\"lend\",\"bus\":\"one\",\"seconds\":-1}", "10 to 900");
    assert_int_equal(orders.n, 0);
}

static void a_port_of_no_bus_is_not_held(void **state)
{
    assert_says(*state, STRANGER, "{\"do\":\"lend\",\"bus\":\"/dev/elsewhere\",\"seconds\":60}",
                "\"held\":false");
}

static void the_borrower_is_told_only_when_the_line_is_closed_and_the_row_on_the_disk(void **state)
{
    struct rig *r = *state;
    char text[16384];
    int fd = dial(r);
    asking = 0;
    say(r, fd, LEND);
    turn(r, clock_wire_us());
    assert_string_equal(heard(r, fd, text), "");
    assert_int_equal(last_order()->kind, BUS_LEND);
    told(r, true);
    lend_turn(&r->d, clock_wire_us());
    assert_string_equal(heard(r, fd, text), "");
    turn(r, clock_wire_us());
    heard(r, fd, text);
    assert_non_null(strstr(text, "\"lent\":{\"bus\":\"one\""));
    assert_non_null(strstr(text, "\"devices\":[{\"name\":\"a\",\"unit_id\":1,\"profile\":\"rig\"}]"));
    assert_null(strstr(text, "\"ok\""));
    close(fd);
    settle(r);
    turn(r, clock_wire_us());
    struct rig_rows rows = rig_rows(r, "loan", "\"state\":\"lent\",\"by\":\"root\",\"until\":");
    assert_int_equal(rows.n, 1);
}

static void one_that_leaves_or_dies_gives_it_back(void **state)
{
    struct rig *r = *state;
    int fd = lend_to(r, MANAGER);
    assert_int_equal(last_order()->kind, BUS_LEND);
    close(fd);
    settle(r);
    turn(r, clock_wire_us());
    assert_int_equal(last_order()->kind, BUS_TAKE_BACK);
    told(r, false);
    assert_int_equal(r->d.buses[0].loan.state, LOAN_NONE);
    struct rig_rows rows = rig_rows(r, "loan", "\"state\":\"returned\",\"by\":\"manager\"");
    assert_int_equal(rows.n, 1);
}

static void it_is_taken_back_when_the_time_is_over(void **state)
{
    struct rig *r = *state;
    char text[16384];
    int fd = lend_to(r, 0);
    turn(r, clock_wire_us() + 50000000);
    assert_int_equal(last_order()->kind, BUS_LEND);
    turn(r, clock_wire_us() + 60000000);
    assert_int_equal(last_order()->kind, BUS_TAKE_BACK);
    assert_non_null(strstr(heard(r, fd, text), "\"ended\":\"time\""));
    close(fd);
    assert_int_equal(rig_rows(r, "loan", "\"its time was over\"").n, 1);
}

static void a_thread_without_room_for_the_order_is_told_later(void **state)
{
    struct rig *r = *state;
    int fd = lend_to(r, 0);
    orders.room = orders.n;
    close(fd);
    settle(r);
    turn(r, clock_wire_us());
    assert_int_equal(last_order()->kind, BUS_LEND);
    orders.room = RIG_ORDERS;
    turn(r, clock_wire_us());
    assert_int_equal(last_order()->kind, BUS_TAKE_BACK);
}

static void one_who_leaves_before_he_had_it_leaves_no_row(void **state)
{
    struct rig *r = *state;
    int fd = dial(r);
    asking = 0;
    say(r, fd, LEND);
    close(fd);
    settle(r);
    turn(r, clock_wire_us());
    assert_int_equal(last_order()->kind, BUS_TAKE_BACK);
    told(r, true);
    told(r, false);
    assert_int_equal(r->d.buses[0].loan.state, LOAN_NONE);
    assert_int_equal(rig_rows(r, "loan", NULL).n, 0);
}

static void a_lent_bus_is_not_lent_again_and_shows_in_the_status(void **state)
{
    struct rig *r = *state;
    int fd = lend_to(r, MANAGER);
    assert_says(r, 0, LEND, "lent already");
    json_t *lent = lend_json(&r->d, 0);
    assert_string_equal(json_string_value(json_object_get(lent, "by")), "manager");
    json_decref(lent);
    assert_null(lend_json(&r->d, 1));
    close(fd);
}

/* What switches water is switched off and read back first; other outputs are left alone. */
static void water_on_it_is_switched_off_before(void **state)
{
    struct rig *r = *state;
    char text[16384];
    rig_devices[0].profile = &relay;
    int fd = dial(r);
    asking = 0;
    say(r, fd, LEND);
    assert_int_equal(orders.n, 2);
    assert_int_equal(orders.given[0].order.function, ORDER_COIL);
    assert_int_equal(orders.given[0].order.address, 3);
    assert_int_equal(orders.given[0].order.values[0], 0);
    assert_true(orders.given[0].read_back);
    assert_int_equal(orders.given[1].kind, BUS_LEND);
    obeyed(r, 0, WHY_NONE);
    told(r, true);
    turn(r, clock_wire_us());
    rig_devices[0].profile = &rig_profile;
    assert_non_null(strstr(heard(r, fd, text), "\"lent\""));
    close(fd);
    assert_int_equal(rig_rows(r, "loan", "\"switched_off\":1").n, 1);
}

static void a_bus_whose_water_cannot_be_switched_off_is_not_lent(void **state)
{
    struct rig *r = *state;
    char text[16384];
    rig_devices[0].profile = &relay;
    int fd = dial(r);
    asking = 0;
    say(r, fd, LEND);
    rig_devices[0].profile = &rig_profile;
    obeyed(r, 0, WHY_NO_ANSWER);
    told(r, true);
    turn(r, clock_wire_us());
    assert_non_null(
        strstr(heard(r, fd, text), "a could not be switched off (no answer): its bus is not lent"));
    assert_int_equal(last_order()->kind, BUS_TAKE_BACK);
    close(fd);
    assert_int_equal(rig_rows(r, "loan", NULL).n, 0);
}

/* The installer comes because of it. */
static void one_that_was_down_before_does_not_hinder_and_is_named_in_the_row(void **state)
{
    struct rig *r = *state;
    char text[16384];
    rig_devices[0].profile = &relay;
    r->d.devices[0].state = DEVICE_QUARANTINED;
    int fd = dial(r);
    asking = 0;
    say(r, fd, LEND);
    rig_devices[0].profile = &rig_profile;
    obeyed(r, 0, WHY_NO_ANSWER);
    told(r, true);
    turn(r, clock_wire_us());
    assert_non_null(strstr(heard(r, fd, text), "\"lent\""));
    close(fd);
    assert_int_equal(rig_rows(r, "loan", "\"not_off\":\"a\"").n, 1);
}

static void a_reload_that_changes_a_lent_bus_is_refused(void **state)
{
    struct rig *r = *state;
    struct bus_config buses[2] = {rig_buses[0], rig_buses[1]};
    struct config next = rig_config;
    int fd = lend_to(r, 0);
    buses[0].baud = 4800;
    next.buses = buses;
    next.file = "next";
    restart.next = &next;
    assert_says(r, 0, "{\"do\":\"reload\"}", "bus one changes, but it is lent to root");
    close(fd);
}

/* A row's stamp stands in its body too: both are of one look at the clock, however fast that runs. */
static void its_rows_are_stamped_once(void **state)
{
    struct rig *r = *state;
    clock_simulate(RIG_START_MS, 3600);
    int fd = lend_to(r, 0);
    close(fd);
    settle(r);
    turn(r, clock_wire_us());
    clock_simulate(RIG_START_MS, 1);
    assert_int_equal(rig_rows(r, "loan", NULL).n, 2);
}

static void a_stop_ends_the_loan_in_a_row(void **state)
{
    struct rig *r = *state;
    int fd = lend_to(r, 0);
    lend_stop(&r->d);
    batch_flush(&r->d);
    close(fd);
    assert_int_equal(rig_rows(r, "loan", "\"why\":\"dustd stops\"").n, 1);
}

#define LEND_TEST(test) cmocka_unit_test_setup_teardown(test, verbs_setup, verbs_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEND_TEST(only_root_and_people_of_site_or_office_may_borrow_a_bus),
        LEND_TEST(a_loan_has_an_end_of_at_most_15_minutes),
        LEND_TEST(a_port_of_no_bus_is_not_held),
        LEND_TEST(the_borrower_is_told_only_when_the_line_is_closed_and_the_row_on_the_disk),
        LEND_TEST(one_that_leaves_or_dies_gives_it_back),
        LEND_TEST(it_is_taken_back_when_the_time_is_over),
        LEND_TEST(a_thread_without_room_for_the_order_is_told_later),
        LEND_TEST(one_who_leaves_before_he_had_it_leaves_no_row),
        LEND_TEST(a_lent_bus_is_not_lent_again_and_shows_in_the_status),
        LEND_TEST(water_on_it_is_switched_off_before),
        LEND_TEST(a_bus_whose_water_cannot_be_switched_off_is_not_lent),
        LEND_TEST(one_that_was_down_before_does_not_hinder_and_is_named_in_the_row),
        LEND_TEST(a_reload_that_changes_a_lent_bus_is_refused),
        LEND_TEST(its_rows_are_stamped_once),
        LEND_TEST(a_stop_ends_the_loan_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
