/* Escalation under random hands: issues, steps, restarts and a clock that jumps, against what must hold of it
 * whatever happens. DUST_SEED, DUST_STORM=1 for more. */
#include "tests/unit/an_escalation.h"

#include <stdio.h>
#include <string.h>

enum { MOVES = 300, ISSUES_MOST = 12 };

static uint64_t dice_state;

static int dice(int sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (int)((dice_state >> 33) % (unsigned)sides);
}

/* The row's step, issue, deadline and person: what may come once. */
static void key_of(const struct ladder *l, int row, char key[static 200])
{
    json_t *body = json_loads(l->rows[row], 0, NULL);
    const char *person = json_string_value(json_object_get(body, "person"));
    snprintf(key, 200, "%s %s %lld %s", l->subjects[row], json_string_value(json_object_get(body, "step")),
             (long long)json_integer_value(json_object_get(body, "due")), person ? person : "");
    json_decref(body);
}

static void nothing_was_said_twice(const struct ladder *l, int from)
{
    char one[200], other[200];
    for (int i = from; i < l->n; i++) {
        key_of(l, i, one);
        for (int k = 0; k < i; k++) {
            key_of(l, k, other);
            if (strcmp(one, other) == 0)
                fail_msg("said twice: %s", one);
        }
    }
}

static bool is_end(const struct ladder *l, int row)
{
    return strncmp(l->said[row], "ended ", 6) == 0;
}

/* The last of an issue is its end, once it is over, to all who were told. */
static void every_end_is_told_to_all_who_were_told(const struct ladder *l, const struct bench *b)
{
    for (int i = 0; i < l->n; i++) {
        bool open = issue_is_open(ledger_issue(b->ledger, l->subjects[i]));
        int end = -1;
        for (int k = 0; k < l->n; k++)
            if (is_end(l, k) && strcmp(l->subjects[k], l->subjects[i]) == 0)
                end = k;
        if (open ? end >= 0 : end < i)
            fail_msg("%s, row %d: open %d, its end is row %d", l->said[i], i, open, end);
        for (const char *p = strchr(l->said[i], ':'); !open && *p; p += strcspn(p, " ")) {
            char name[40];
            p += strspn(p, ": ");
            snprintf(name, sizeof name, " %.*s", (int)strcspn(p, " "), p);
            if (!strstr(l->said[end], name))
                fail_msg("%s: not told to%s", l->said[end], name);
        }
    }
}

static void somebody_does_something(struct bench *b)
{
    char id[32], cause[16];
    if (dice(3) == 0 && ledger_count(b->ledger) < ISSUES_MOST) {
        static const char *const kinds[] = {"limit", "data", "requirement"};
        snprintf(cause, sizeof cause, "p%d", dice(8));
        find(b, kinds[dice(3)], "subject", cause);
    } else if (ledger_count(b->ledger)) {
        snprintf(id, sizeof id, "%s", ledger_at(b->ledger, dice(ledger_count(b->ledger)))->id);
        enum verb verb = (enum verb)(VERB_CONFIRM + dice(VERB_NOTE - VERB_CONFIRM));
        try_act(b, id, verb, (enum who)dice(BOTH));
    }
}

static void time_goes(struct bench *b)
{
    static const int64_t steps_ms[] = {MINUTE, HOUR, 5 * HOUR, DAY, 4 * (int64_t)DAY, -2 * (int64_t)HOUR};
    b->now += steps_ms[dice(6)];
}

static void whatever_happens_each_step_is_said_once_and_the_end_to_all(void **state)
{
    struct bench *b = *state;
    struct ladder l;
    ladder_open(&l, &b->config);
    for (int move = 0; move < MOVES && l.n < SAYINGS_MAX - 100; move++) {
        int before = l.n;
        somebody_does_something(b);
        look(&l, b);
        time_goes(b);
        look(&l, b);
        if (dice(4) == 0)
            ladder_restart(&l);
        assert_int_equal(look(&l, b), 0);
        nothing_was_said_twice(&l, before);
        every_end_is_told_to_all_who_were_told(&l, b);
    }
    ladder_close(&l);
}

int main(void)
{
    const char *seed = getenv("DUST_SEED"), *storm = getenv("DUST_STORM");
    int rounds = storm && strcmp(storm, "1") == 0 ? 500 : 10, failed = 0;
    dice_state = seed ? strtoul(seed, NULL, 10) : (unsigned long)clock_wire_us();
    printf("DUST_SEED=%llu\n", (unsigned long long)dice_state);
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        whatever_happens_each_step_is_said_once_and_the_end_to_all, bench_setup, bench_teardown)};
    for (int i = 0; i < rounds && !failed; i++)
        failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
