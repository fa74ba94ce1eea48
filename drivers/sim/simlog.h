/* What the simulator did, as JSON lines: what a test compares with what the master saw. Any thread. */
#ifndef DUST_SIM_SIMLOG_H
#define DUST_SIM_SIMLOG_H

#include <stdint.h>

struct simlog;

/* Appends to `file`; "" logs nothing. ERR_IO with errno. */
int simlog_open(const char *file, int zone_min, struct simlog **out);

struct simlog_entry {
    const char *bus;
    const struct station_setup *unit;
    uint8_t function;
    uint16_t address, count;
    int64_t site_ms, wire_us; /* when the last byte of the answer left, or when none was to leave */
    const char *outcome;      /* "answer", "exception", "spoilt", "silent", "broadcast", "lost" */
    const struct station_poll *poll;
};

/* {"event":"poll","site":"2026-05-01T08:00:00.000+08:00","site_ms":…,"wire_us":…,"bus":"meters","unit":"dust",
 *  "unit_id":1,"poll":7,"function":3,"address":16,"count":8,"outcome":"answer","exception":0,"line":1234,
 *  "damaged":false,"faults":["stuck"],"registers":[0,81,…]}
 * poll counts the unit's requests; line is of the replayed file (0: none); bits are registers of 0 or 1. */
void simlog_poll(struct simlog *log, const struct simlog_entry *entry);

/* {"event":<event>,"site":…,"site_ms":…,"wire_us":…,"bus":…,<the printed members>}. */
void simlog_event(struct simlog *log, const char *event, const char *bus, const char *members, ...)
    __attribute__((format(printf, 4, 5)));

/* Accepts NULL. */
void simlog_close(struct simlog *log);

#endif
