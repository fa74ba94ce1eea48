#include "daemon/base/clock.h"

#include "daemon/base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

static_assert(sizeof(time_t) == 8,
              "time must not end in 2038: on a 32-bit processor build with -D_TIME_BITS=64");

/* No clock stood before this when the program was made: 2026-01-01T00:00Z. */
static const int64_t earliest_us = 1767225600000000;

/* Site time = site_ms + (wire - wire_us) / 1000 * rate while simulated, CLOCK_REALTIME otherwise. */
static struct {
    bool simulated, stands;
    int rate;
    int64_t site_ms, wire_us, synced_ms;
} sim = {.rate = 1, .synced_ms = INT64_MIN};

/* Of this boot. Main writes, every thread reads. */
static struct {
    atomic_bool undated;
    atomic_llong offset_us; /* of when the clock was last believed */
    char id[CLOCK_BOOT_ID_SIZE];
} boot;

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_simulate(int64_t start_ms, int rate)
{
    clock_simulate_since(start_ms ? start_ms : read_us(CLOCK_REALTIME) / 1000, rate,
                         read_us(CLOCK_MONOTONIC));
}

void clock_simulate_since(int64_t start_ms, int rate, int64_t since_us)
{
    sim.simulated = true;
    sim.rate = rate < 1 ? 1 : rate;
    sim.wire_us = since_us;
    sim.site_ms = start_ms;
}

void clock_stand(int64_t site_ms)
{
    sim.simulated = sim.stands = true;
    sim.site_ms = site_ms;
}

void clock_simulate_unsynced(int64_t until_ms, const char *boot_id)
{
    sim.synced_ms = until_ms;
    if (boot_id)
        snprintf(boot.id, sizeof boot.id, "%s", boot_id);
}

int clock_rate(void)
{
    return sim.rate;
}

int64_t clock_wire_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

/* A clock that was right once and is set to before this program goes on as it was: there are no such dates.
 */
static int64_t real_us(void)
{
    if (atomic_load(&boot.undated))
        return read_us(CLOCK_BOOTTIME);
    int64_t us = read_us(CLOCK_REALTIME);
    return us >= earliest_us ? us : read_us(CLOCK_BOOTTIME) + atomic_load(&boot.offset_us);
}

/* Where the simulation's site time counts from. */
static int64_t sim_origin_ms(void)
{
    return atomic_load(&boot.undated) ? 0 : sim.site_ms;
}

int64_t clock_site_ms(void)
{
    if (!sim.simulated)
        return real_us() / 1000;
    if (sim.stands)
        return sim.site_ms;
    return sim_origin_ms() + (read_us(CLOCK_MONOTONIC) - sim.wire_us) * sim.rate / 1000;
}

int64_t clock_wire_until_us(int64_t at_ms)
{
    if (!sim.simulated) {
        int64_t us = at_ms * 1000 - real_us();
        return us > 0 ? us : 0;
    }
    /* rounded up, so that site time has reached at_ms when the wait is over */
    int64_t due = sim.wire_us + ((at_ms - sim_origin_ms()) * 1000 + sim.rate - 1) / sim.rate;
    int64_t us = due - read_us(CLOCK_MONOTONIC);
    return us > 0 ? us : 0;
}

void clock_wire_sleep_until(int64_t at_us)
{
    int64_t us = at_us - CLOCK_WAKE_US;
    struct timespec t = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
    while (us > 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
    while (clock_wire_us() < at_us)
        continue;
}

bool clock_synced(void)
{
    if (sim.simulated)
        return sim.site_ms + (read_us(CLOCK_MONOTONIC) - sim.wire_us) * sim.rate / 1000 >= sim.synced_ms;
    struct timex t = {0};
    return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

bool clock_is_plausible(bool need_sync)
{
    if (!sim.simulated && read_us(CLOCK_REALTIME) < earliest_us)
        return false;
    return !need_sync || clock_synced();
}

bool clock_is_dated(int64_t at_ms)
{
    return at_ms >= CLOCK_DATED_MS;
}

void clock_undate(void)
{
    atomic_store(&boot.undated, true);
}

void clock_date(void)
{
    atomic_store(&boot.offset_us, read_us(CLOCK_REALTIME) - read_us(CLOCK_BOOTTIME));
    atomic_store(&boot.undated, false);
}

int64_t clock_offset_ms(void)
{
    return sim.simulated ? sim.site_ms : (read_us(CLOCK_REALTIME) - read_us(CLOCK_BOOTTIME)) / 1000;
}

const char *clock_boot_id(void)
{
    if (boot.id[0])
        return boot.id;
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f && fscanf(f, "%36[0-9a-f-]", boot.id) != 1)
        boot.id[0] = 0;
    if (f)
        fclose(f);
    return boot.id;
}

int64_t clock_boot_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

void clock_both(int64_t *site_ms, int64_t *boot_us)
{
    enum { SAME_US = 10000, TRIES = 10 };
    int64_t after_us = INT64_MAX;
    for (int i = 0; i < TRIES && (i == 0 || after_us - *boot_us > SAME_US); i++) {
        *boot_us = read_us(CLOCK_BOOTTIME);
        *site_ms = clock_site_ms();
        after_us = read_us(CLOCK_BOOTTIME);
    }
}

int64_t clock_window_start(int64_t at_ms, int64_t length_ms, int zone_min)
{
    int64_t shift = (int64_t)zone_min * CLOCK_MINUTE_MS;
    int64_t local = at_ms + shift;
    int64_t rest = local % length_ms;
    if (rest < 0)
        rest += length_ms;
    return at_ms - rest;
}

int64_t clock_year_start(int64_t at_ms, int zone_min)
{
    int64_t shift = (int64_t)zone_min * CLOCK_MINUTE_MS;
    time_t day = (time_t)(clock_window_start(at_ms + shift, CLOCK_DAY_MS, 0) / CLOCK_SECOND_MS);
    struct tm tm;
    gmtime_r(&day, &tm);
    return ((int64_t)day - (int64_t)tm.tm_yday * (CLOCK_DAY_MS / CLOCK_SECOND_MS)) * CLOCK_SECOND_MS - shift;
}

char *clock_text(int64_t at_ms, int zone_min, char text[static 32])
{
    int64_t local = at_ms + (int64_t)zone_min * CLOCK_MINUTE_MS;
    time_t seconds = (time_t)(local / 1000);
    int ms = (int)(local % 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    int zone = zone_min < 0 ? -zone_min : zone_min;
    size_t n = strftime(text, 20, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, 32 - n, ".%03d%c%02d:%02d", ms % 1000, zone_min < 0 ? '-' : '+', (zone / 60) % 100,
             zone % 60);
    return text;
}

/* Reads "Z", "+08:00" or "-0300" into minutes; false when it is neither. */
static bool read_zone(const char *text, int *zone_min)
{
    int hours = 0, minutes = 0, n = 0;
    if (strcmp(text, "Z") == 0) {
        *zone_min = 0;
        return true;
    }
    if (text[0] != '+' && text[0] != '-')
        return false;
    if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 || text[1 + n] || hours > 14 || minutes > 59)
        return false;
    *zone_min = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
    return true;
}

int clock_parse(const char *text, int64_t *at_ms)
{
    struct tm tm = {0};
    int n = 0, ms = 0, zone_min = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &n) != 5)
        return ERR_FORMAT;
    text += n;
    if (text[0] == ':' && sscanf(text, ":%2d%n", &tm.tm_sec, &n) == 1)
        text += n;
    if (text[0] == '.' && sscanf(text, ".%3d%n", &ms, &n) == 1)
        text += n;
    bool legal = tm.tm_mon >= 1 && tm.tm_mon <= 12 && tm.tm_mday >= 1 && tm.tm_mday <= 31 &&
                 tm.tm_hour < 24 && tm.tm_min < 60 && tm.tm_sec < 61;
    if (!legal || !read_zone(text, &zone_min))
        return ERR_FORMAT;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *at_ms = (int64_t)timegm(&tm) * 1000 + ms - (int64_t)zone_min * CLOCK_MINUTE_MS;
    return ERR_OK;
}
