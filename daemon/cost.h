/* What a configuration will cost, before anything runs: the load of each bus, the disk of a year, what each
 * broker's line carries in a month. Messages and rows are built by the functions that build them at work,
 * from made-up readings, and their bytes are counted; only the topic health, which tells of what runs, is
 * reckoned. What happens now and then (devices down, issues, commands) is not in it, but for alerts, of which
 * a number is supposed. Nothing here opens or sends anything. Main thread. */
#ifndef DUST_COST_H
#define DUST_COST_H

#include "daemon/config/channel.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct bus_config;
struct config;
struct mqtt_config;

struct cost_bus {
    double requests_per_s;
    double load;      /* share of the wire's time, if every unit answers at once; 1 is all of it */
    double answer_ms; /* what units may think on the average before the bus falls behind; not if load >= 1 */
    int enough_baud;  /* the least speed at which the load is below 0.8, above the line's own; 0 none */
};
void cost_bus(const struct bus_config *b, struct cost_bus *out);

/* One kind of message or row, with readings from every point. */
struct cost_message {
    char topic[96]; /* below dust/1/<site>/ */
    double per_day;
    int qos;
    size_t payload;    /* bytes of the message */
    size_t row, block; /* bytes of its row's body and of its raw block in the database; 0: no row */
};

/* Every kind there is: mem_free. */
int cost_messages(const struct config *c, struct cost_message **out);

/* Bytes that the rows and raw blocks of 365 days take in the database. */
int64_t cost_disk_year(const struct cost_message *m, int n);

/* Days until the database has grown to `size` bytes when raw blocks older than keep_raw_ms are deleted. */
double cost_days_until(const struct cost_message *m, int n, int64_t size, int64_t keep_raw_ms);

/* Bytes that 30 days take on a broker's line, IPv4, TCP, TLS and the answers included. */
struct cost_uplink {
    int64_t rows, live, rest, all; /* rest: what is retained, and keep-alive */
};
void cost_uplink(const struct mqtt_config *b, const char *site, const struct cost_message *m, int n,
                 struct cost_uplink *out);

/* Bytes that 30 days of alerts take, if each person is told so many times a day on each of his channels
 * [proposal]: nobody knows before. Messages are built as at work. A robot and a mail server get a connection
 * of their own for each: what that takes is reckoned from the exchange, not measured. */
enum { COST_ALERTS_A_DAY = 10 };
struct cost_channel {
    int people;
    int64_t all;
};
void cost_channel(const struct config *c, const struct channel_config *k, struct cost_channel *out);

/* Of the channels that go over this broker's line: they are in its data_plan. */
int64_t cost_alerts(const struct config *c, const struct mqtt_config *b);

/* dustd --check: all of it as tables, then what there is to warn of. `now_ms` is site time. */
void cost_print(const struct config *c, int64_t now_ms, FILE *out);

#endif
