/* The only file that asks for the time. Two clocks:
 *   site time  ms since 1970 UTC: stamps, windows, polling, deadlines. In a simulation it starts where told
 * and runs `rate` times as fast as the world. wire time  us, monotonic, never scaled: character times,
 * time-outs, back-off, watchdog. Everything else takes `now` as an argument. Set up before any thread starts;
 * reading is for any thread. */
#ifndef DUST_CLOCK_H
#define DUST_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A simulated clock: site time is `start_ms` now (0: the real time) and runs at `rate` (1 to 3600). */
void clock_simulate(int64_t start_ms, int rate);

/* The same, but site time was `start_ms` at wire time `since_us` (CLOCK_MONOTONIC, one for the whole
 * machine): programs that are started again, or one after the other, live in the same simulated time. */
void clock_simulate_since(int64_t start_ms, int rate, int64_t since_us);

/* Simulated too: nobody synchronises the clock before site time `until_ms`, and the machine's boot is called
 * `boot_id` ("": the kernel's own; NULL: as it was). */
void clock_simulate_unsynced(int64_t until_ms, const char *boot_id);

/* Site time stands at `site_ms` until it is told again: for who goes through a record faster than any rate.
 * Wire time runs on. */
void clock_stand(int64_t site_ms);

/* How many times faster than the world site time runs; 1 in real use. */
int clock_rate(void);

/* Site time now, UTC ms, of stamps, windows and deadlines: the real clock, or the simulated one; while a boot
 * has no date (clock_undate) the ms since the boot. Wire time now, us of CLOCK_MONOTONIC: time-outs and
 * back-off. Any thread. */
int64_t clock_site_ms(void);
int64_t clock_wire_us(void);

/* Wire time from now until site time `at_ms`, never negative. */
int64_t clock_wire_until_us(int64_t at_ms);

/* Waits until wire time `at_us`, the last CLOCK_WAKE_US awake: a sleeper is woken late by about as much,
 * which is a thirtieth of the silence between two frames. Returns at once when that has passed. */
enum { CLOCK_WAKE_US = 60 };
void clock_wire_sleep_until(int64_t at_us);

/* Whether the system's clock is synchronised (adjtimex, read-only). */
bool clock_synced(void);

/* Whether it may be taken for the time: synchronised, if that is asked for, and not from before this program.
 */
bool clock_is_plausible(bool need_sync);

/* Where it may not, site time counts from the machine's boot until clock_date: a stamp below CLOCK_DATED_MS
 * is such a count, and no date. What must be added to one, as the system's clock stands now, is the offset.
 * Main decides; the other threads see it at their next reading. */
#define CLOCK_DATED_MS 315360000000 /* ten years since boot; 1979 */
bool clock_is_dated(int64_t at_ms);
void clock_undate(void);
void clock_date(void);
int64_t clock_offset_ms(void);

/* This boot of the machine: the kernel's name for it ("" unknown), and the time since, suspend included
 * (CLOCK_BOOTTIME), never scaled. */
enum { CLOCK_BOOT_ID_SIZE = 37 };
const char *clock_boot_id(void);
int64_t clock_boot_us(void);

/* Both at the same moment, to 10 ms: who compares them must not see a step where only a thread was held up.
 */
void clock_both(int64_t *site_ms, int64_t *boot_us);

/* Start of the day, of the hour, of any window of `length_ms` that holds `at_ms`, in a zone `zone_min`
 * minutes east of UTC (site zones without summer time: China Standard Time is 480). */
int64_t clock_window_start(int64_t at_ms, int64_t length_ms, int zone_min);

/* 1 January, 00:00, of the year that holds `at_ms`, in such a zone. */
int64_t clock_year_start(int64_t at_ms, int zone_min);

/* "2026-11-23T08:15:00.000+08:00" (29 characters and zero); returns `text`. */
char *clock_text(int64_t at_ms, int zone_min, char text[static 32]);

/* Reads "2026-11-23T08:15:00+08:00", "...Z", with or without fraction or seconds. ERR_FORMAT otherwise. */
int clock_parse(const char *text, int64_t *at_ms);

enum { CLOCK_SECOND_MS = 1000, CLOCK_MINUTE_MS = 60000, CLOCK_HOUR_MS = 3600000, CLOCK_DAY_MS = 86400000 };

#endif
