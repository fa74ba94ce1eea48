/* dustd: start, one loop, stop. Threads do I/O; main decides. */
#include "daemon/dustd.h"

#include "daemon/adopt.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/batches.h"
#include "daemon/bus_now.h"
#include "daemon/casework.h"
#include "daemon/commands.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/control.h"
#include "daemon/cost.h"
#include "daemon/device_now.h"
#include "daemon/judging.h"
#include "daemon/libraries.h"
#include "daemon/now.h"
#include "daemon/once.h"
#include "daemon/options.h"
#include "daemon/people.h"
#include "daemon/photo.h"
#include "daemon/pipeline.h"
#include "daemon/rebuild.h"
#include "daemon/registers.h"
#include "daemon/reload.h"
#include "daemon/replay/replay.h"
#include "daemon/restore.h"
#include "daemon/rows.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"
#include "daemon/watch.h"

#include <errno.h>
#include <libgen.h>
#include <mosquitto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL_GROUP "dustd"

/* Everything main can wake up for; one ring a bus, one an uplink, one a channel follow WAKE_RINGS. */
enum wake { WAKE_SIGNAL, WAKE_TIMER, WAKE_CONTROL, WAKE_STORE, WAKE_PHOTO, WAKE_RINGS };

enum {
    STOP_US = 4000000,   /* what a stop may take in all */
    SETTLE_US = 800000,  /* of that, for alerts that are on their way to be answered */
    COMMIT_US = 1500000, /* of that, for the last rows to reach the disk */
    TELL_US = 2500000,   /* and for the brokers to be told of them */
    PHOTO_MS = 300,      /* for a photo that is on its way */
    LOOK_US = 50000,     /* between two looks whether a broker's thread has ended, or takes more issues */
};

static int no_thread(void)
{
    log_error("no thread or descriptor is to be had for the buses, brokers and channels (%s)",
              err_str(ERR_IO));
    return ERR_IO;
}

static int start_buses(struct dustd *d)
{
    const struct config *c = d->config;
    d->buses = mem_array((size_t)c->nbuses, sizeof *d->buses);
    for (int i = 0; i < c->nbuses; i++) {
        struct bus_now *b = &d->buses[i];
        b->ring = ring_create(bus_ring_room(&c->buses[i]), sizeof(struct bus_message));
        b->bus = b->ring ? bus_start(&c->buses[i], b->ring) : NULL;
        if (!b->bus)
            return no_thread();
        b->held = config_keep(d->config);
    }
    return ERR_OK;
}

static int start_uplinks(struct dustd *d)
{
    const struct config *c = d->config;
    for (int i = 0; i < c->nmqtt; i++) {
        struct uplink_now *u = &d->uplinks[i];
        u->ring = ring_create(MQTT_RING, sizeof(struct mqtt_event));
        u->own = &c->mqtt[i];
        u->asker = ASKER_UPLINK | ++d->uplinks_started;
        u->mqtt = u->ring ? mqtt_start(u->own, c->site.name, d->head.id, u->taken, u->ring) : NULL;
        if (!u->mqtt)
            return no_thread();
        u->held = config_keep(d->config);
        mqtt_committed(u->mqtt, d->committed);
    }
    return ERR_OK;
}

/* The cursors, before anything is committed: the store still answers by itself. */
static void make_room(struct dustd *d)
{
    const struct config *c = d->config;
    judging_open(d);
    alerts_create(d);
    d->now = mem_array((size_t)c->npoints, sizeof *d->now);
    for (int i = 0; i < c->npoints; i++)
        d->now[i].value = __builtin_nan("");
    d->said_bad = mem_array((size_t)c->npoints, sizeof *d->said_bad);
    d->registers = mem_array((size_t)c->npoints, sizeof *d->registers);
    d->devices = mem_array((size_t)c->ndevices, sizeof *d->devices);
    d->uplinks = mem_array((size_t)c->nmqtt, sizeof *d->uplinks);
}

/* In a directory that is made when missing, as systemd would; for the group dustd, where there is one. */
static int open_control(struct dustd *d)
{
    const char *path = d->config->control_socket;
    char *copy = mem_string(path);
    mkdir(dirname(copy), 0755);
    mem_free(copy);
    errno = 0;
    d->photos = photo_open();
    int rc = control_open(path, verb_request, d, &d->control);
    if (rc != ERR_OK)
        log_error("%s: %s", path, rc == ERR_IO && errno ? strerror(errno) : err_str(rc));
    else if (control_give(d->control, CONTROL_GROUP) == ERR_DENIED)
        log_warning("%s: not given to the group %s, of which this process is no member", path, CONTROL_GROUP);
    return rc;
}

static int start(struct dustd *d)
{
    make_room(d);
    people_lookup(d);
    int rc = restore_all(d, start_buses);
    if (rc != ERR_OK)
        return rc;
    seal_head(d, clock_site_ms());
    health_open(d);
    rc = open_control(d);
    if (rc == ERR_OK)
        rc = start_uplinks(d);
    return rc == ERR_OK && alerts_start(d) != ERR_OK ? no_thread() : rc;
}

static int64_t next_wake_us(const struct dustd *d)
{
    int64_t at_ms = d->minute_ms + CLOCK_MINUTE_MS;
    at_ms = d->next_chunk_ms < at_ms ? d->next_chunk_ms : at_ms;
    at_ms = d->next_live_ms < at_ms ? d->next_live_ms : at_ms;
    int64_t us = clock_wire_until_us(at_ms);
    int64_t most_us = d->nleaving || now_issues_wait(d) ? LOOK_US : 1000000;
    return us < 10000 ? 10000 : us > most_us ? most_us : us;
}

static void take_signal(struct dustd *d, int fd)
{
    for (int signal = loop_signal_next(fd); signal; signal = loop_signal_next(fd)) {
        if (signal == SIGHUP) {
            reload(d, &(struct author){.name = "SIGHUP"}, &(struct reloaded){0}, &(struct complaint){0});
            continue;
        }
        log_info("%s: stopping", signal == SIGTERM ? "SIGTERM" : "SIGINT");
        d->stopping = true;
    }
}

/* Made anew each turn: a reload may have changed what there is to wait for. */
static nfds_t fill_polls(struct dustd *d, int signals, int timer, struct pollfd **out)
{
    size_t room =
        WAKE_RINGS + (size_t)d->config->nbuses + (size_t)d->config->nmqtt + (size_t)d->config->nchannels;
    struct pollfd *polls = *out = mem_resize(*out, room, sizeof *polls);
    nfds_t n = WAKE_RINGS;
    polls[WAKE_SIGNAL].fd = signals;
    polls[WAKE_TIMER].fd = timer;
    polls[WAKE_CONTROL].fd = control_fd(d->control);
    polls[WAKE_STORE].fd = ring_fd(store_ring(d->store));
    polls[WAKE_PHOTO].fd = photo_fd(d->photos);
    for (int i = 0; i < d->config->nbuses; i++)
        polls[n++].fd = ring_fd(d->buses[i].ring);
    for (int i = 0; i < d->config->nmqtt; i++)
        polls[n++].fd = ring_fd(d->uplinks[i].ring);
    for (int i = 0; i < d->config->nchannels; i++)
        polls[n++].fd = alerts_fd(d, i);
    for (nfds_t i = 0; i < n; i++)
        polls[i].events = POLLIN;
    return n;
}

/* Last of all what may be a reload: it changes what the polls are about. */
static void take_all(struct dustd *d, const struct pollfd *polls)
{
    const struct pollfd *p = &polls[WAKE_RINGS];
    for (int i = 0; i < d->config->nbuses; i++, p++)
        if (p->revents)
            pipeline_bus(d, i);
    if (polls[WAKE_STORE].revents)
        batch_store(d);
    for (int i = 0; i < d->config->nmqtt; i++, p++)
        if (p->revents)
            now_uplink(d, i);
    for (int i = 0; i < d->config->nchannels; i++, p++)
        if (p->revents)
            alerts_take(d, i);
    if (polls[WAKE_PHOTO].revents)
        photo_kept(d);
    if (polls[WAKE_CONTROL].revents)
        control_step(d->control, clock_wire_us());
    if (polls[WAKE_SIGNAL].revents)
        take_signal(d, polls[WAKE_SIGNAL].fd);
}

static void turn(struct dustd *d)
{
    int64_t now_ms, boot_us;
    clock_both(&now_ms, &boot_us);
    pipeline_turn(d, now_ms, boot_us);
}

static void run(struct dustd *d, int signals, int timer)
{
    struct pollfd *polls = NULL;
    while (!d->stopping) {
        nfds_t n = fill_polls(d, signals, timer, &polls);
        loop_timer_set(timer, next_wake_us(d));
        if (poll(polls, n, -1) < 0)
            continue;
        if (polls[WAKE_TIMER].revents)
            loop_timer_woken(timer);
        take_all(d, polls);
        reload_turn(d);
        turn(d);
        lend_turn(d, clock_wire_us());
        seal_turn(d, clock_site_ms());
        alerts_turn(d);
        commands_turn(d);
        now_issues_turn(d, clock_site_ms());
        batch_flush(d);
        watch_turn(d, clock_wire_us());
        health_turn(d, clock_site_ms(), clock_wire_us());
        denied_turn(d, clock_site_ms(), clock_wire_us());
    }
    mem_free(polls);
}

static void stop_buses(struct dustd *d)
{
    for (int i = 0; d->buses && i < d->config->nbuses; i++)
        bus_stop(d->buses[i].bus);
    for (int i = 0; d->buses && i < d->config->nbuses; i++) {
        bus_join(d->buses[i].bus);
        pipeline_bus(d, i);
    }
}

/* The last rows: what came in, a stop row; waits until they are on the disk, but not for ever. */
static void last_rows(struct dustd *d, int64_t until_us)
{
    turn(d);
    int64_t now_ms = clock_site_ms(); /* not before: the turn may have given it a date */
    batch_chunk(d);
    denied_end(d, now_ms);
    seal_head(d, now_ms);
    row_append(d, now_ms, "stop", "", row_begin(d, now_ms, "stop", ""));
    batch_flush(d);
    while ((d->committed < d->head.seq || d->nhanded) && clock_wire_us() < until_us) {
        struct pollfd p = {.fd = ring_fd(store_ring(d->store)), .events = POLLIN};
        poll(&p, 1, 50);
        batch_store(d);
    }
}

static bool broker_waits(const struct dustd *d)
{
    for (int i = 0; i < d->config->nmqtt; i++)
        if (d->uplinks[i].connected && d->uplinks[i].taken < d->committed)
            return true;
    return false;
}

/* What the brokers that are there have not been told yet, the stop row last of all; not for ever. */
static void last_messages(struct dustd *d, int64_t until_us)
{
    while (broker_waits(d) && clock_wire_us() < until_us) {
        poll(NULL, 0, 5);
        batch_store(d);
        for (int i = 0; i < d->config->nmqtt; i++)
            now_uplink(d, i);
        batch_flush(d);
    }
}

static void stop(struct dustd *d)
{
    int64_t from_us = clock_wire_us();
    bool whole = true;
    notify_stopping(&d->notify);
    lend_stop(d);
    stop_buses(d);
    alerts_settle(d, from_us + SETTLE_US);
    last_rows(d, from_us + COMMIT_US);
    last_messages(d, from_us + TELL_US);
    for (int i = 0; i < d->config->nmqtt; i++)
        mqtt_stop(d->uplinks[i].mqtt);
    for (int i = 0; i < d->config->nmqtt; i++) {
        int64_t wait_us = from_us + STOP_US - 1000000 - clock_wire_us();
        bool ended = mqtt_join(d->uplinks[i].mqtt, wait_us > 0 ? (int)(wait_us / 1000) : 0);
        d->uplinks[i].mqtt = NULL; /* freed, or left to its thread */
        d->uplinks[i].connected = false;
        if (ended)
            now_last(d, &d->uplinks[i]);
        whole = whole && ended;
    }
    int64_t left_us = from_us + STOP_US - 1000000 - clock_wire_us();
    whole = alerts_end(d, left_us > 0 ? (int)(left_us / 1000) : 0) && whole;
    left_us = from_us + STOP_US - 1000000 - clock_wire_us();
    whole = reload_end(d, left_us > 0 ? (int)(left_us / 1000) : 0) && whole;
    batch_flush(d);
    left_us = from_us + STOP_US - clock_wire_us();
    store_stop(d->store, left_us > 0 ? (int)(left_us / 1000) : 0);
    control_close(d->control);
    photo_close(d->photos, PHOTO_MS);
    log_info("stopped");
    if (!whole)
        _exit(d->exit_code); /* a thread hangs in a name server: nothing of ours is open any more */
}

static void destroy(struct dustd *d)
{
    for (int i = 0; d->buses && i < d->config->nbuses; i++) {
        ring_destroy(d->buses[i].ring);
        config_free(d->buses[i].held);
    }
    for (int i = 0; i < d->config->nmqtt; i++) {
        ring_destroy(d->uplinks[i].ring);
        config_free(d->uplinks[i].held);
    }
    for (int i = 0; i < d->nremoved; i++)
        mem_free(d->removed[i]);
    mem_free(d->removed);
    mem_free(d->leaving);
    mem_free(d->cursors);
    judging_close(d);
    alerts_free(d);
    seal_close(d);
    health_close(d);
    batch_finish(&d->batch);
    page_free(d->hold.page);
    again_finish(&d->again);
    reported_finish(&d->reported);
    clean_finish(&d->clean);
    unsaid_finish(&d->unsaid);
    json_decref(d->last_run);
    mem_free(d->buses);
    mem_free(d->uplinks);
    mem_free(d->devices);
    mem_free(d->now);
    mem_free(d->said_bad);
    mem_free(d->registers);
    mem_free(d->samples);
    mem_free(d->handed);
    mem_free(d->heads);
    for (int i = 0; i < d->ntold; i++)
        mem_free(d->told[i].reply);
    mem_free(d->told);
    mem_free(d->person_uid);
    notify_close(&d->notify);
}

/* A start that failed half-way: threads may run, so what is committed is kept and the process is left. */
static _Noreturn void give_up(struct dustd *d, int rc)
{
    store_stop(d->store, COMMIT_US / 1000);
    control_close(d->control);
    _exit(rc == ERR_VERSION ? EXIT_CONFIG : EXIT_FAILED); /* starting it again would not help */
}

static int daemon_run(struct dustd *d)
{
    int signals = loop_signals(), timer = loop_timer();
    if (signals < 0 || timer < 0)
        return EXIT_FAILED;
    notify_open(&d->notify);
    int rc = start(d);
    if (rc != ERR_OK)
        give_up(d, rc);
    notify_ready(&d->notify);
    log_info("%s %s runs: %d devices on %d buses, journal %.8s at row %lld", "dustd", DUST_VERSION,
             d->config->ndevices, d->config->nbuses, d->head.id, (long long)d->head.seq);
    libraries_settle();
    run(d, signals, timer);
    stop(d);
    destroy(d);
    return libraries_leave(d->exit_code);
}

int main(int argc, char **argv)
{
    struct dustd d = {0};
    struct complaint why;
    libraries_start();
    store_memory();
    int code = options_parse(argc, argv, &d.options);
    if (code >= 0)
        return code;
    if (options_load(&d.options, &d.config, &why) != ERR_OK) {
        fprintf(stderr, "%s\n", why.text);
        return EXIT_CONFIG;
    }
    if (d.options.check)
        cost_print(d.config, clock_site_ms(), stdout);
    else if (d.options.print)
        config_print(d.config, stdout);
    else if (d.options.once)
        code = once_run(d.config);
    else if (d.options.replay)
        code = replay_run(&d.options, d.config);
    else if (d.options.rebuild)
        code = rebuild_run(&d.options, d.config);
    else if (d.options.adopt)
        code = adopt_run(&d.options, d.config);
    else
        code = daemon_run(&d);
    config_free(d.config);
    mem_free(d.options.replay);
    mem_free(d.options.as);
    return code < 0 ? EXIT_OK : code;
}
