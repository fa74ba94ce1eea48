/* A unit's schedule, standing and read plan, with the time as an argument. */
#include "drivers/unit.h"

#include "daemon/base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct point points[3];
static struct profile profile = {.name = "test", .points = points, .npoints = 3, .max_registers = 125};
static const struct device device = {.name = "unit", .profile = &profile, .unit_id = 1, .period_ms = 1000};
static const struct bus_config bus = {
    .name = "test", .baud = 9600, .parity = 'N', .data_bits = 8, .stop_bits = 1, .timeout_ms = 500};

static struct unit a_unit(int place, int places)
{
    struct unit u;
    for (int i = 0; i < 3; i++)
        points[i] =
            (struct point){.table = TABLE_HOLDING, .address = (uint16_t)(4 * i), .type = TYPE_U16, .bit = -1};
    unit_init(&u, &bus, &device, place, places);
    return u;
}

/* thingsboard-gateway#799: all devices are polled at the same moment. */
static void devices_of_one_period_are_staggered_over_it(void **state)
{
    (void)state;
    for (int place = 0; place < 4; place++) {
        struct unit u = a_unit(place, 4);
        unit_start(&u, 1000000);
        assert_int_equal(u.reads[0].next_ms % 1000, 250 * place);
        assert_in_range(u.reads[0].next_ms, 1000001, 1001000);
    }
}

static void slots_stay_on_their_grid_however_late_a_reading_ends(void **state)
{
    (void)state;
    struct unit u = a_unit(1, 4);
    unit_start(&u, 10000);
    assert_int_equal(u.reads[0].next_ms, 10250);
    assert_int_equal(unit_slot_done(&u, 0, 10400), 0);
    assert_int_equal(u.reads[0].next_ms, 11250);
    assert_int_equal(unit_slot_done(&u, 0, 12300), 0); /* the next is late already, but not lost */
    assert_int_equal(u.reads[0].next_ms, 12250);
}

static void missed_slots_leave_no_debt(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    unit_start(&u, 9999);
    assert_int_equal(u.reads[0].next_ms, 10000);
    assert_int_equal(unit_slot_done(&u, 0, 17500), 6);
    assert_int_equal(u.reads[0].next_ms, 17000); /* one reading now, and then on time */
    assert_int_equal(unit_slot_done(&u, 0, 17600), 0);
    assert_int_equal(u.reads[0].next_ms, 18000);
}

static void a_clock_stepped_back_does_not_stop_the_polling(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    unit_start(&u, 3600000);
    assert_false(unit_is_stranded(&u, 3600000));
    assert_true(unit_is_stranded(&u, 0));
    unit_start(&u, 0);
    assert_int_equal(u.reads[0].next_ms, 1000);
}

static const int64_t s = 1000000; /* wire time is in us */

static void two_failures_and_three_seconds_quarantine_a_unit_and_it_is_said_once(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    assert_true(unit_take(&u, WHY_NONE, 0, 0));
    assert_int_equal(u.reported, DEVICE_UP);
    assert_false(unit_take(&u, WHY_NO_ANSWER, 0, 1 * s));
    assert_false(unit_take(&u, WHY_NO_ANSWER, 0, 2 * s)); /* twice, but too soon */
    assert_true(unit_may_ask(&u, 2 * s));
    assert_true(unit_take(&u, WHY_NO_ANSWER, 0, 4 * s));
    assert_int_equal(u.reported, DEVICE_QUARANTINED);
    assert_int_equal(u.why, WHY_NO_ANSWER);
    assert_false(unit_take(&u, WHY_NO_ANSWER, 0, 5 * s));
}

/* wb-mqtt-serial#989: a disconnected device is asked less and less often. */
static void a_quarantined_unit_is_probed_at_doubling_gaps_up_to_eight_seconds(void **state)
{
    (void)state;
    static const int gaps[] = {1, 2, 4, 8, 8};
    struct unit u = a_unit(0, 1);
    int64_t now = 0;
    unit_take(&u, WHY_NO_ANSWER, 0, now);
    now += 3 * s;
    unit_take(&u, WHY_NO_ANSWER, 0, now);
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        assert_false(unit_may_ask(&u, now + gaps[i] * s - 1));
        now += gaps[i] * s;
        assert_true(unit_may_ask(&u, now));
        unit_take(&u, WHY_NO_ANSWER, 0, now);
    }
}

static void one_good_answer_restores_a_unit_whole(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    unit_take(&u, WHY_NO_ANSWER, 0, 0);
    unit_take(&u, WHY_NO_ANSWER, 0, 3 * s);
    assert_false(unit_may_ask(&u, 3 * s));
    assert_true(unit_take(&u, WHY_NONE, 0, 4 * s));
    assert_int_equal(u.reported, DEVICE_UP);
    assert_true(unit_may_ask(&u, 4 * s));
    assert_false(unit_take(&u, WHY_NO_ANSWER, 0, 5 * s)); /* and it has its three seconds again */
}

/* Asks for planned request 0 at `now` and says how many registers were asked for, 0: it must wait. */
static int ask_once(struct unit *u, enum why why, int64_t now)
{
    struct request sent[UNIT_PARTS_MAX];
    if (unit_shape(u, &u->reads[0].request, now, sent) != 1)
        return 0;
    unit_asked(u, &sent[0], why, false, now);
    return sent[0].count;
}

static void no_two_answers_that_may_still_come_have_one_length(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    int planned = u.reads[0].request.count;
    assert_int_equal(ask_once(&u, WHY_NONE, 0), planned);
    assert_int_equal(ask_once(&u, WHY_NO_ANSWER, 0), planned);
    assert_int_equal(ask_once(&u, WHY_GARBLED, 1 * s), planned + 1);
    assert_int_equal(ask_once(&u, WHY_NONE, 2 * s), planned + 2);
    assert_int_equal(ask_once(&u, WHY_NONE, 5 * s), planned); /* ten time-outs of half a second later */
    assert_int_equal(ask_once(&u, WHY_NONE, 6 * s), planned);
}

static void an_exception_while_answers_are_missing_may_be_to_an_earlier_question(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    int planned = u.reads[0].request.count;
    assert_int_equal(ask_once(&u, WHY_EXCEPTION, 0), planned);
    assert_int_equal(ask_once(&u, WHY_NO_ANSWER, 0), planned);
    assert_int_equal(ask_once(&u, WHY_EXCEPTION, 1 * s), planned + 1);
    assert_int_equal(ask_once(&u, WHY_NONE, 1 * s), planned + 2);
}

static void a_whole_answer_that_the_line_spoilt_does_not_come_again(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    struct request sent[UNIT_PARTS_MAX];
    const struct request *planned = &u.reads[0].request;
    assert_int_equal(unit_shape(&u, planned, 0, sent), 1);
    unit_asked(&u, &sent[0], WHY_GARBLED, true, 0);
    assert_int_equal(unit_shape(&u, planned, 1 * s, sent), 1);
    assert_int_equal(sent[0].count, planned->count);
    unit_asked(&u, &sent[0], WHY_NO_ANSWER, false, 1 * s);
    assert_int_equal(unit_shape(&u, planned, 2 * s, sent), 1);
    unit_asked(&u, &sent[0], WHY_GARBLED, true, 2 * s); /* or it was the answer that was missing */
    assert_int_equal(unit_shape(&u, planned, 3 * s, sent), 1);
    assert_int_equal(sent[0].count, planned->count + 2);
}

/* A unit that refuses registers beyond its own, and owes an answer to its whole request since second 0. */
static struct unit a_narrow_unit_that_owes(void)
{
    struct unit u = a_unit(0, 1);
    struct request sent[UNIT_PARTS_MAX];
    assert_int_equal(ask_once(&u, WHY_NO_ANSWER, 0), u.reads[0].request.count);
    assert_int_equal(unit_shape(&u, &u.reads[0].request, 1 * s, sent), 1);
    assert_true(unit_refused(&u, 0, &sent[0]));
    return u;
}

static void a_unit_without_registers_beyond_its_own_is_read_in_parts_while_it_owes_an_answer(void **state)
{
    (void)state;
    struct unit u = a_narrow_unit_that_owes();
    struct request parts[UNIT_PARTS_MAX];
    assert_int_equal(unit_shape(&u, &u.reads[0].request, 1 * s, parts), 2);
    assert_int_equal(parts[0].address, 0);
    assert_int_equal(parts[0].count, 8);
    assert_int_equal(parts[1].address, 8);
    assert_int_equal(parts[1].count, 1);
    unit_asked(&u, &parts[0], WHY_NO_ANSWER, false, 1 * s);
    assert_int_equal(unit_shape(&u, &u.reads[0].request, 2 * s, parts), 2);
    assert_int_equal(parts[0].count, 7);
    assert_int_equal(parts[1].count, 2);
    assert_int_equal(unit_shape(&u, &u.reads[0].request, 6 * s, parts), 1);
}

static void no_part_cuts_a_point_or_is_as_long_as_the_one_before(void **state)
{
    (void)state;
    struct unit u = a_narrow_unit_that_owes();
    struct request parts[UNIT_PARTS_MAX];
    const struct request planned = {TABLE_HOLDING, 4, 5};
    points[0] = (struct point){.table = TABLE_HOLDING, .address = 4, .type = TYPE_F32, .bit = -1};
    points[1] = (struct point){.table = TABLE_HOLDING, .address = 6, .type = TYPE_F32, .bit = -1};
    points[2] = (struct point){.table = TABLE_HOLDING, .address = 8, .type = TYPE_U16, .bit = -1};
    u.pending[0].bytes = 5 + 2 * 5;
    assert_int_equal(unit_shape(&u, &planned, 1 * s, parts), 2);
    assert_int_equal(parts[0].count, 4);
    u.pending[u.npending++] = (struct unit_pending){TABLE_HOLDING, 5 + 2 * 4, 1 * s};
    assert_int_equal(unit_shape(&u, &planned, 1 * s, parts), 2);
    assert_int_equal(parts[0].count, 2);
    assert_int_equal(unit_shape(&u, &(struct request){TABLE_HOLDING, 4, 4}, 1 * s, parts), 0); /* 2 and 2 */
}

static void a_unit_that_refuses_parts_too_is_left_alone_until_no_answer_can_come(void **state)
{
    (void)state;
    struct unit u = a_narrow_unit_that_owes();
    struct request parts[UNIT_PARTS_MAX];
    assert_int_equal(unit_shape(&u, &u.reads[0].request, 1 * s, parts), 2);
    assert_true(unit_refused(&u, 0, &parts[0]));
    assert_int_equal(ask_once(&u, WHY_NONE, 1 * s), 0);
    assert_int_equal(ask_once(&u, WHY_NONE, 5 * s), u.reads[0].request.count);
}

/* Three points too far apart for one request. */
static struct unit a_unit_of_three_reads(enum transport transport)
{
    struct unit u = a_unit(0, 1);
    struct bus_config b = bus;
    b.transport = transport;
    for (int i = 0; i < 3; i++)
        points[i].address = (uint16_t)(500 * i);
    unit_init(&u, &b, &device, 0, 1);
    assert_int_equal(u.nreads, 3);
    return u;
}

static void no_two_answers_of_a_unit_have_one_length(void **state)
{
    (void)state;
    struct unit u = a_unit_of_three_reads(TRANSPORT_RTU);
    for (int i = 0; i < 3; i++)
        assert_int_equal(unit_planned(&u, i).count, 1 + i);
    points[2].address = 65535; /* behind the last register there is none */
    unit_init(&u, &bus, &device, 0, 1);
    assert_int_equal(unit_planned(&u, 2).count, 1);
    u = a_unit_of_three_reads(TRANSPORT_TCP); /* there they have numbers */
    for (int i = 0; i < 3; i++)
        assert_int_equal(unit_planned(&u, i).count, 1);
}

static void a_unit_that_refuses_registers_beyond_its_own_is_asked_for_these_only(void **state)
{
    (void)state;
    struct unit u = a_unit_of_three_reads(TRANSPORT_RTU);
    struct request sent = unit_planned(&u, 1);
    assert_true(unit_refused(&u, 1, &sent));
    for (int i = 0; i < 3; i++)
        assert_int_equal(unit_planned(&u, i).count, 1);
}

static void on_tcp_an_answer_says_what_it_answers(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    u.tagged = true;
    int planned = u.reads[0].request.count;
    assert_int_equal(ask_once(&u, WHY_NO_ANSWER, 0), planned);
    assert_int_equal(ask_once(&u, WHY_NONE, 0), planned);
}

/* EVerest#2673: a time-out ends the turn, an exception or a damaged answer does not: the unit is alive. */
static void only_silence_ends_a_units_turn(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    assert_true(unit_gives_up(&u, WHY_NO_ANSWER, 0));
    assert_true(unit_gives_up(&u, WHY_LINE, 0));
    assert_false(unit_gives_up(&u, WHY_GARBLED, 0));
    assert_false(unit_gives_up(&u, WHY_EXCEPTION, 2));
    assert_true(unit_gives_up(&u, WHY_EXCEPTION, 0x0B));
}

static void exceptions_keep_a_unit_up_but_a_gateways_no_answer_does_not(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    for (int i = 0; i < 10; i++)
        unit_take(&u, WHY_EXCEPTION, 6, i * s);
    assert_int_equal(u.reported, DEVICE_UP);
    for (int i = 10; i < 20; i++)
        unit_take(&u, WHY_EXCEPTION, 0x0B, i * s);
    assert_int_equal(u.reported, DEVICE_QUARANTINED);
    assert_int_equal(u.exception, 0x0B);
}

static void a_lost_line_takes_its_units_down_but_is_not_held_against_them(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    unit_take(&u, WHY_NONE, 0, 0);
    assert_true(unit_take(&u, WHY_LINE, 0, 1 * s));
    assert_int_equal(u.reported, DEVICE_DOWN);
    for (int i = 2; i < 20; i++)
        assert_false(unit_take(&u, WHY_LINE, 0, i * s));
    assert_true(unit_may_ask(&u, 20 * s));
    assert_true(unit_take(&u, WHY_NONE, 0, 20 * s));
}

static bool refuse(struct unit *u, int request)
{
    struct request sent = u->reads[request].request;
    return unit_refused(u, request, &sent);
}

static void a_refused_request_becomes_one_for_each_point(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    assert_int_equal(u.nreads, 1);
    assert_int_equal(u.reads[0].request.count, 9);
    assert_true(refuse(&u, 0));
    assert_int_equal(u.nreads, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(u.reads[i].request.address, 4 * i);
        assert_int_equal(u.reads[i].request.count, 1);
        assert_int_equal(u.read_of[i], i);
        assert_false(refuse(&u, i));
    }
}

static void bits_of_one_register_keep_sharing_its_request(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    points[1].address = points[0].address;
    points[1].bit = 5;
    unit_init(&u, &bus, &device, 0, 1);
    assert_true(refuse(&u, 0));
    assert_int_equal(u.nreads, 2);
    assert_int_equal(u.read_of[0], u.read_of[1]);
}

static void points_with_a_period_of_their_own_have_their_own_reads(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    points[1].period_ms = 10000;
    points[2].period_ms = 200; /* no shorter than the device's */
    unit_init(&u, &bus, &device, 0, 1);
    assert_int_equal(u.nreads, 3);
    assert_int_equal(u.reads[u.read_of[0]].period_ms, 1000);
    assert_int_equal(u.reads[u.read_of[1]].period_ms, 10000);
    assert_int_equal(u.reads[u.read_of[2]].period_ms, 1000);
    assert_int_equal(u.reads[u.read_of[1]].request.address, points[1].address);
}

/* A bus that is full: what is read often is late first. */
static void of_several_late_reads_the_one_with_the_shortest_period_comes_first(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    points[0].period_ms = 10000;
    unit_init(&u, &bus, &device, 0, 1);
    unit_start(&u, 5000);
    int slow = u.read_of[0], fast = u.read_of[1];
    assert_int_equal(unit_due(&u, 5000), -1);
    assert_int_equal(unit_due(&u, 10000), fast);
    /* but it does not starve the slow one for ever */
    int64_t now = 10000;
    while (unit_due(&u, now) == fast || unit_due(&u, now) < 0) {
        assert_in_range(now, 10000, 20000);
        unit_slot_done(&u, fast, now);
        now += 1000;
    }
    assert_int_equal(unit_due(&u, now), slow);
}

static void the_time_out_follows_how_long_the_unit_thinks_within_its_limits(void **state)
{
    (void)state;
    struct bus_config quick = bus;
    struct unit u;
    quick.timeout_floor_ms = 50;
    unit_init(&u, &quick, &device, 0, 1);
    assert_int_equal(unit_timeout_us(&u), 500000); /* nothing is known yet */
    unit_tripped(&u, 40000, 1000);
    assert_int_equal(unit_timeout_us(&u), 50000);
    unit_tripped(&u, 90000, 60000);
    assert_int_equal(unit_timeout_us(&u), 240000);
    unit_tripped(&u, 40000, 1000); /* once slow, it is trusted again only after many quick answers */
    assert_in_range(unit_timeout_us(&u), 230000, 240000);
    unit_tripped(&u, 490000, 450000);
    assert_int_equal(unit_timeout_us(&u), 500000);
    quick.timeout_floor_ms = 0;
    unit_init(&u, &quick, &device, 0, 1);
    unit_tripped(&u, 40000, 1000);
    assert_int_equal(unit_timeout_us(&u), 500000);
}

static void an_answer_heard_late_makes_the_unit_waited_for_longer(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    int planned = u.reads[0].request.count;
    assert_int_equal(ask_once(&u, WHY_NO_ANSWER, 0), planned);
    assert_int_equal(ask_once(&u, WHY_NO_ANSWER, 1 * s), planned + 1);
    unit_heard_late(&u, TABLE_HOLDING, 5 + 2 * planned, 3 * s); /* it was to the first */
    assert_int_equal(ask_once(&u, WHY_NO_ANSWER, 3 * s), planned);
    assert_int_equal(ask_once(&u, WHY_NONE, 11 * s), planned + 2); /* four times 3 s, not ten time-outs */
    assert_int_equal(ask_once(&u, WHY_NONE, 16 * s), planned);
}

/* Its question and its answer were heard; or the question only, and ours would get the same length. */
static void what_another_master_may_still_be_answered_is_not_asked_for(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    int planned = u.reads[0].request.count;
    unit_overheard(&u, TABLE_HOLDING, 5 + 2 * planned, 0);
    assert_int_equal(ask_once(&u, WHY_NONE, 1000), planned + 1);
    unit_heard_late(&u, TABLE_HOLDING, 5 + 2 * planned, 2000);
    assert_int_equal(ask_once(&u, WHY_NONE, 3000), planned);
}

static void a_value_far_from_the_one_before_is_a_spike(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    points[0].spike = 100;
    assert_false(unit_spikes(&u, 0, 500)); /* the first */
    assert_false(unit_spikes(&u, 0, 600));
    assert_true(unit_spikes(&u, 0, 701));
    assert_false(unit_spikes(&u, 0, NAN));
    assert_true(unit_spikes(&u, 0, 500));
    assert_false(unit_spikes(&u, 1, 1));
    assert_false(unit_spikes(&u, 1, 1000)); /* no limit, no spike */
}

/* A factory's setting that somebody turns down must show within a slot of the device being back. */
static void a_device_that_comes_back_has_its_settings_read_in_its_next_slot(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    points[2].watch = true;
    points[2].period_ms = 3600000;
    unit_init(&u, &bus, &device, 0, 1);
    int setting = u.read_of[2];
    assert_int_not_equal(setting, u.read_of[0]);
    unit_start(&u, 1800000);
    assert_int_equal(u.reads[setting].next_ms, 3600000); /* as its period has it */
    assert_true(unit_take(&u, WHY_NONE, 0, 0));
    assert_int_equal(u.reads[setting].next_ms, u.reads[u.read_of[0]].next_ms);
    unit_slot_done(&u, setting, 1801000);
    assert_int_equal(u.reads[setting].next_ms, 1801000 + 3600000);
    assert_false(unit_take(&u, WHY_NONE, 0, 1000000)); /* still there: no hurry */
    assert_int_equal(u.reads[setting].next_ms, 1801000 + 3600000);
    unit_take(&u, WHY_NO_ANSWER, 0, 2000000);
    unit_take(&u, WHY_NO_ANSWER, 0, 6000000);
    assert_true(unit_take(&u, WHY_NONE, 0, 7000000));
    assert_int_equal(u.reads[setting].next_ms, unit_next_ms(&u));
    points[2].watch = false;
    points[2].period_ms = 0;
}

static void any_change_of_a_setting_is_asked_again_and_the_first_reading_too(void **state)
{
    (void)state;
    struct unit u = a_unit(0, 1);
    points[1].watch = true;
    assert_true(unit_spikes(&u, 1, 100));
    assert_false(unit_spikes(&u, 1, 100));
    assert_true(unit_spikes(&u, 1, 100.5));
    assert_false(unit_spikes(&u, 1, NAN));
    assert_false(unit_spikes(&u, 1, 100.5));
    assert_false(unit_spikes(&u, 0, 7)); /* what is measured, without a limit */
    points[1].watch = false;
}

static void the_answer_to_an_order_counts_unless_it_may_be_to_the_same_one_before(void **state)
{
    (void)state;
    enum { S = 1000000 };
    struct unit u = a_unit(0, 1);
    static const uint8_t on[FRAME_OBEYED] = {1, 5, 0, 7, 0xFF, 0}, off[FRAME_OBEYED] = {1, 5, 0, 7, 0, 0};
    assert_true(unit_answers_order(&u, on, WHY_NONE, 1 * S));
    assert_true(unit_answers_order(&u, on, WHY_NONE, 1 * S)); /* nothing is missing */
    assert_false(unit_answers_order(&u, on, WHY_NO_ANSWER, 2 * S));
    assert_true(unit_answers_order(&u, off, WHY_NONE, 2 * S)); /* looks otherwise */
    assert_false(unit_answers_order(&u, on, WHY_NONE, 3 * S)); /* and now its own is missing, maybe */
    assert_false(unit_answers_order(&u, on, WHY_NONE, 4 * S));
    assert_true(unit_answers_order(&u, on, WHY_NONE, 60 * S)); /* it does not come any more */
    for (int i = 0; i <= UNIT_ORDERED_MAX; i++) {
        const uint8_t other[FRAME_OBEYED] = {1, 6, 0, (uint8_t)i, 0, 1};
        assert_false(unit_answers_order(&u, other, WHY_NO_ANSWER, 61 * S));
    }
    assert_false(unit_answers_order(&u, on, WHY_NONE, 61 * S)); /* more than are remembered */
    u.tagged = true;
    assert_true(unit_answers_order(&u, on, WHY_NONE, 61 * S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_of_one_period_are_staggered_over_it),
        cmocka_unit_test(slots_stay_on_their_grid_however_late_a_reading_ends),
        cmocka_unit_test(missed_slots_leave_no_debt),
        cmocka_unit_test(a_clock_stepped_back_does_not_stop_the_polling),
        cmocka_unit_test(two_failures_and_three_seconds_quarantine_a_unit_and_it_is_said_once),
        cmocka_unit_test(a_quarantined_unit_is_probed_at_doubling_gaps_up_to_eight_seconds),
        cmocka_unit_test(one_good_answer_restores_a_unit_whole),
        cmocka_unit_test(no_two_answers_that_may_still_come_have_one_length),
        cmocka_unit_test(the_answer_to_an_order_counts_unless_it_may_be_to_the_same_one_before),
        cmocka_unit_test(an_exception_while_answers_are_missing_may_be_to_an_earlier_question),
        cmocka_unit_test(a_whole_answer_that_the_line_spoilt_does_not_come_again),
        cmocka_unit_test(a_unit_without_registers_beyond_its_own_is_read_in_parts_while_it_owes_an_answer),
        cmocka_unit_test(no_part_cuts_a_point_or_is_as_long_as_the_one_before),
        cmocka_unit_test(a_unit_that_refuses_parts_too_is_left_alone_until_no_answer_can_come),
        cmocka_unit_test(on_tcp_an_answer_says_what_it_answers),
        cmocka_unit_test(no_two_answers_of_a_unit_have_one_length),
        cmocka_unit_test(a_unit_that_refuses_registers_beyond_its_own_is_asked_for_these_only),
        cmocka_unit_test(points_with_a_period_of_their_own_have_their_own_reads),
        cmocka_unit_test(of_several_late_reads_the_one_with_the_shortest_period_comes_first),
        cmocka_unit_test(the_time_out_follows_how_long_the_unit_thinks_within_its_limits),
        cmocka_unit_test(an_answer_heard_late_makes_the_unit_waited_for_longer),
        cmocka_unit_test(what_another_master_may_still_be_answered_is_not_asked_for),
        cmocka_unit_test(a_value_far_from_the_one_before_is_a_spike),
        cmocka_unit_test(only_silence_ends_a_units_turn),
        cmocka_unit_test(exceptions_keep_a_unit_up_but_a_gateways_no_answer_does_not),
        cmocka_unit_test(a_lost_line_takes_its_units_down_but_is_not_held_against_them),
        cmocka_unit_test(a_refused_request_becomes_one_for_each_point),
        cmocka_unit_test(bits_of_one_register_keep_sharing_its_request),
        cmocka_unit_test(a_device_that_comes_back_has_its_settings_read_in_its_next_slot),
        cmocka_unit_test(any_change_of_a_setting_is_asked_again_and_the_first_reading_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
