/* An adapter that is pulled out at every phase of a transaction and put back, under its own name or another
 * behind the same link, as in /dev/serial/by-id: the line comes back by itself, soon, with as many
 * descriptors and as much memory as before, and no value is wrong. DUST_UNPLUGS (20; in the storm 1000);
 * DUST_SEED. influxdata/telegraf#9253, edgex#636. */
#include "bus_rig.h"

#include <dirent.h>
#include <malloc.h>
#include <semaphore.h>
#include <termios.h>

enum { PROMISED_MS = 5000, TIMEOUT_MS = 300, WAIT_MS = 60000, LONG_MS = 15000, LONG_EVERY = 100 };

enum phase {
    IDLE,     /* nobody asks */
    ASKED,    /* the question has come, no answer yet */
    ANSWERS,  /* half of the answer is out */
    ANSWERED, /* all of it, and the silence before the next question has begun */
    SETTLES,  /* after a broken answer, while the line is listened to */
    ORDERED,  /* an order to write has come */
    OPENS,    /* opened again, and listened to for the first time */
    PHASES
};

static const char *const names[PHASES] = {"idle",     "asked",   "answers", "answered",
                                          "settling", "ordered", "opening"};

static struct rig rig;
static atomic_int armed; /* the phase in which the slave holds still, PHASES: in none */
static sem_t reached;

static bool storming(void)
{
    const char *storm = getenv("DUST_STORM");
    return storm && strcmp(storm, "1") == 0;
}

static int rounds(void)
{
    const char *text = getenv("DUST_UNPLUGS");
    return text ? atoi(text) : storming() ? 1000 : 20;
}

static unsigned draw(unsigned below)
{
    static uint64_t random;
    const char *text = getenv("DUST_SEED");
    if (!random)
        random = text ? strtoull(text, NULL, 10) | 1 : 20261126;
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((random >> 33) % below);
}

/* Holds still until it is unplugged. */
static void hold(struct slave *s)
{
    struct pollfd p = {.fd = s->stop_fd, .events = POLLIN};
    atomic_store(&armed, PHASES);
    sem_post(&reached);
    poll(&p, 1, -1);
}

static void answer(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    int phase = atomic_load(&armed);
    if (request[1] == 6) { /* an order is answered with itself */
        if (phase == ORDERED)
            hold(s);
        else
            slave_write(s, request, 8);
        return;
    }
    int n = slave_answer(request, frame);
    switch (phase) {
    case ASKED: n = 0; break;
    case ANSWERS: n /= 2; break;
    case ANSWERED: break;
    case SETTLES: frame[n - 1] ^= 0x5A; break;
    default: slave_good(s, request, number); return;
    }
    slave_write(s, frame, n);
    hold(s);
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Waits for a message after `*at` that `fits`; *at moves behind it. */
static void await(int *at, const char *what, bool (*fits)(const struct bus_message *m))
{
    for (int64_t end = clock_wire_us() + 1000 * (int64_t)WAIT_MS; clock_wire_us() < end;
         rig_listen(&rig, 10)) {
        rig_drain(&rig);
        while (*at < rig.ngot)
            if (fits(&rig.got[(*at)++]))
                return;
    }
    fail_msg("no %s in %d ms", what, WAIT_MS);
}

static bool goes_down(const struct bus_message *m)
{
    return m->kind == BUS_LINE && m->u.line.state == LINE_DOWN;
}

static bool comes_up(const struct bus_message *m)
{
    return m->kind == BUS_LINE && m->u.line.state == LINE_UP;
}

static bool is_value(const struct bus_message *m)
{
    return m->kind == BUS_SAMPLE && m->u.sample.why == WHY_NONE;
}

static void await_phase(enum phase phase)
{
    struct timespec until;
    if (phase == IDLE || phase == OPENS)
        return;
    if (phase == ORDERED) {
        struct bus_order order = {.id = 1, .order = {.function = ORDER_REGISTER, .address = 7, .count = 1}};
        assert_int_equal(bus_order(rig.bus, &order), ERR_OK);
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    assert_int_equal(sem_timedwait(&reached, &until), 0);
}

/* Until the driver has set the terminal's speed, which it does when it opens it. */
static void await_opened(void)
{
    struct termios now;
    int64_t end = clock_wire_us() + 1000 * (int64_t)WAIT_MS;
    do {
        assert_int_equal(tcgetattr(rig.slave.held, &now), 0);
        assert_true(clock_wire_us() < end);
        slave_sleep_ms(1);
    } while (cfgetospeed(&now) != B115200);
}

/* Pulls it out and puts it back: at once, when its loss was said, or some tries to open it later. */
static void replug(int *at, int64_t outage_ms, bool other_name, char old[static 64], char new[static 64])
{
    assert_true(readlink(rig.slave.path, old, 63) > 0);
    slave_unplug(&rig.slave);
    if (outage_ms >= 0) {
        await(at, "loss of the line", goes_down);
        rig_listen(&rig, (int)outage_ms);
    }
    int taken_master = -1, taken = -1;
    if (other_name) /* somebody else has the old name now */
        assert_int_equal(openpty(&taken_master, &taken, NULL, NULL, NULL), 0);
    slave_plug(&rig.slave);
    if (other_name) {
        close(taken_master);
        close(taken);
    }
    assert_true(readlink(rig.slave.path, new, 63) > 0);
}

/* One round; how long it took from the replugging to the first value, in ms. */
static int64_t pull_out(enum phase phase, int64_t outage_ms, bool other_name, int *renamed)
{
    char old[64] = "", new[64] = "";
    int at = rig.ngot = 0;
    atomic_store(&armed, phase);
    await_phase(phase);
    if (phase == OPENS) {
        replug(&at, 0, false, old, new);
        await_opened();
        outage_ms = 0;
        slave_unplug(&rig.slave);
        rig_listen(&rig, 50);
        slave_plug(&rig.slave);
    } else {
        replug(&at, outage_ms, other_name, old, new);
    }
    *renamed += strcmp(old, new) != 0;
    int64_t from_us = clock_wire_us();
    if (outage_ms < 0)
        await(&at, "loss of the line", goes_down);
    await(&at, "return of the line", comes_up);
    await(&at, "value", is_value);
    int64_t took_ms = (clock_wire_us() - from_us) / 1000;
    rig_assert_no_wrong_value(&rig);
    return took_ms;
}

static void an_adapter_that_is_pulled_out_in_any_phase_comes_back_within_5_s(void **state)
{
    (void)state;
    int wanted = rounds(), descriptors = 0, renamed = 0;
    size_t bytes = 0, most_bytes = 0;
    int64_t longest_ms[PHASES] = {0};
    mallopt(M_ARENA_MAX, 1); /* so that mallinfo2 sees all threads' */
    sem_init(&reached, 0, 0);
    atomic_store(&armed, PHASES);
    rig_build(&rig, 1, 2);
    rig.config.timeout_ms = TIMEOUT_MS; /* long enough to be pulled out before it is over */
    rig_start(&rig, answer);
    rig_await(&rig, 0, WHY_NONE, 2, WAIT_MS);
    for (int i = 0; i < wanted; i++) {
        static const int outages_ms[] = {-1, 0, 300};
        bool is_long = storming() && i % LONG_EVERY == LONG_EVERY - 1;
        enum phase phase = (enum phase)(i % PHASES);
        int64_t took_ms = pull_out(phase, is_long ? LONG_MS : outages_ms[draw(3)], draw(2), &renamed);
        longest_ms[phase] = took_ms > longest_ms[phase] ? took_ms : longest_ms[phase];
        assert_in_range(took_ms, 0, storming() ? PROMISED_MS : 3 * PROMISED_MS);
        struct mallinfo2 heap = mallinfo2();
        if (i == PHASES - 1 || i == wanted - 1)
            print_message("RESULT after %d: %d descriptors, %zu bytes\n", i + 1, open_descriptors(),
                          heap.uordblks);
        if (i == PHASES - 1) { /* the first of each phase warms up */
            descriptors = open_descriptors();
            bytes = heap.uordblks;
        }
        if (i >= PHASES)
            assert_int_equal(open_descriptors(), descriptors);
        most_bytes = heap.uordblks > most_bytes ? heap.uordblks : most_bytes;
    }
    for (int i = 0; i < PHASES; i++)
        print_message("RESULT pulled out while %s: back after at most %lld ms\n", names[i],
                      (long long)longest_ms[i]);
    print_message("RESULT %d rounds, %d under another name\n", wanted, renamed);
    rig_stop(&rig);
    assert_true(renamed > 0 || wanted < 10);
    assert_true(most_bytes <= bytes + 1024 || wanted < PHASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapter_that_is_pulled_out_in_any_phase_comes_back_within_5_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
