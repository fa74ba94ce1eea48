/* dustctl metrics: the status and the last readings in Prometheus' text format, for the node exporter's
 * textfile collector. What is not known has no sample: a reading that failed, or is old, is absent and not 0.
 */
#include "daemon/ctl/ctl.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A value older than this many periods, and this much, is no present value. */
enum { STALE_PERIODS = 3, STALE_MS = 60000 };

enum type { GAUGE, COUNTER };

/* One family: a sample for each object of a list, or the one of an object. */
struct family {
    const char *name, *help;
    enum type type;
    const char *of;           /* member of the status: a list, an object, or "" for the status itself */
    const char *member;       /* of each object: a number, or a bool as 1 and 0; absent: no sample */
    double unit;              /* what one of it is in the metric's unit */
    const char *label, *from; /* label and the member that it is taken from; NULL none */
    const char *label2, *from2;
};

static const struct family families[] = {
    {"site_time_seconds", "The site's time when this was written.", GAUGE, "", "now", 1e-3, 0, 0, 0, 0},
    {"start_time_seconds", "Site time at which this run of dustd began.", GAUGE, "", "since", 1e-3, 0, 0, 0,
     0},
    {"simulated", "1 for a simulation: no value is a measurement.", GAUGE, "", "simulated", 1, 0, 0, 0, 0},
    {"journal_rows", "Rows of the journal.", GAUGE, "", "seq", 1, 0, 0, 0, 0},
    {"journal_committed_rows", "Rows of the journal that are on the disk.", GAUGE, "", "committed", 1, 0, 0,
     0, 0},
    {"clock_synchronized", "1 if the system's clock is synchronised.", GAUGE, "timekeeping", "synced", 1, 0,
     0, 0, 0},
    {"clock_dated", "1 if the clock has been right since the boot.", GAUGE, "timekeeping", "dated", 1, 0, 0,
     0, 0},
    {"store_stuck", "1 while the disk takes no commit.", GAUGE, "store", "stuck", 1, 0, 0, 0, 0},
    {"store_waiting_batches", "Batches that wait for the disk.", GAUGE, "store", "waiting", 1, 0, 0, 0, 0},
    {"store_size_bytes", "Database and its WAL on the disk.", GAUGE, "store", "bytes", 1, 0, 0, 0, 0},
    {"store_wal_size_bytes", "The WAL on the disk.", GAUGE, "store", "wal_bytes", 1, 0, 0, 0, 0},
    {"disk_free_bytes", "Free on the disk of the database.", GAUGE, "store", "disk_free_bytes", 1, 0, 0, 0,
     0},
    {"disk_size_bytes", "Size of the disk of the database.", GAUGE, "store", "disk_bytes", 1, 0, 0, 0, 0},
    {"warning", "1 for each thing that somebody should look after.", GAUGE, "warnings", NULL, 1, "what",
     "what", "about", "about"},
    {"issues_open", "Issues that are not closed.", GAUGE, "issues", "open", 1, 0, 0, 0, 0},
    {"issues_overdue", "Open issues past a deadline.", GAUGE, "issues", "overdue", 1, 0, 0, 0, 0},
    {"late_samples_total", "Samples that came after their minute was closed.", COUNTER, "lost",
     "late_samples", 1, 0, 0, 0, 0},
    {"bus_up", "1 while the line is open and not jammed.", GAUGE, "buses", "up", 1, "bus", "name", 0, 0},
    {"bus_load_ratio", "Share of the last minute in which the line was busy.", GAUGE, "buses", "load", 1,
     "bus", "name", 0, 0},
    {"bus_needed_ratio", "Share of the line that the schedule needs, at what questions cost.", GAUGE, "buses",
     "needed", 1, "bus", "name", 0, 0},
    {"bus_wire_ratio", "Of that, what frames and silences alone take.", GAUGE, "buses", "wire", 1, "bus",
     "name", 0, 0},
    {"bus_requests_total", "Requests sent.", COUNTER, "buses", "requests", 1, "bus", "name", 0, 0},
    {"bus_answers_total", "Right answers.", COUNTER, "buses", "answers", 1, "bus", "name", 0, 0},
    {"bus_no_answers_total", "Requests that nobody answered in time.", COUNTER, "buses", "no_answer", 1,
     "bus", "name", 0, 0},
    {"bus_garbled_answers_total", "Answers that were none.", COUNTER, "buses", "garbled", 1, "bus", "name", 0,
     0},
    {"bus_exceptions_total", "Modbus exceptions.", COUNTER, "buses", "exceptions", 1, "bus", "name", 0, 0},
    {"bus_late_slots_total", "Readings that were skipped, the line being late.", COUNTER, "buses",
     "late_slots", 1, "bus", "name", 0, 0},
    {"bus_line_errors_total", "Losses of the line and failed tries to open it.", COUNTER, "buses",
     "line_errors", 1, "bus", "name", 0, 0},
    {"mqtt_connected", "1 while the broker is connected.", GAUGE, "mqtt", "connected", 1, "broker", "name", 0,
     0},
    {"mqtt_behind_rows", "Rows that the broker has not taken yet.", GAUGE, "mqtt", "behind", 1, "broker",
     "name", 0, 0},
    {"mqtt_oldest_unsent_seconds", "Age of the first row that the broker lacks.", GAUGE, "mqtt", "oldest_ms",
     1e-3, "broker", "name", 0, 0},
    {"mqtt_sent_messages_total", "Messages that the broker has taken.", COUNTER, "mqtt", "sent", 1, "broker",
     "name", 0, 0},
    {"mqtt_reconnects_total", "Connections after the first.", COUNTER, "mqtt", "reconnects", 1, "broker",
     "name", 0, 0},
    {"commands_carried_out_total", "What people asked for over MQTT and was done.", COUNTER, "commands",
     "carried_out", 1, 0, 0, 0, 0},
    {"commands_refused_total", "What they asked for and was refused.", COUNTER, "commands", "refused", 1, 0,
     0, 0, 0},
    {"certificate_expiry_timestamp_seconds", "When the first certificate of the file ends.", GAUGE,
     "certificates", "ends", 1e-3, "broker", "broker", "file", "file"},
    {"queue_depth", "Messages that wait.", GAUGE, "queues", "depth", 1, "queue", "name", 0, 0},
    {"queue_depth_max", "The most that ever waited.", GAUGE, "queues", "most", 1, "queue", "name", 0, 0},
    {"queue_capacity", "For how many there is room.", GAUGE, "queues", "room", 1, "queue", "name", 0, 0},
    {"queue_oldest_seconds", "How long the first has waited.", GAUGE, "queues", "oldest_ms", 1e-3, "queue",
     "name", 0, 0},
    {"queue_refused_total", "Messages that found the queue full.", COUNTER, "queues", "refused", 1, "queue",
     "name", 0, 0},
    {"resident_memory_bytes", "Memory of the process.", GAUGE, "process", "rss_bytes", 1, 0, 0, 0, 0},
    {"cpu_seconds_total", "Time of a core that the process took.", COUNTER, "process", "cpu_ms", 1e-3, 0, 0,
     0, 0},
    {"open_fds", "Descriptors of the process.", GAUGE, "process", "fds", 1, 0, 0, 0, 0},
    {"threads", "Threads of the process.", GAUGE, "process", "threads", 1, 0, 0, 0, 0},
};

/* ---- the format ---- */

static void put_head(struct buf *out, const char *name, const char *help, enum type type)
{
    buf_printf(out, "# HELP dustd_%s %s\n# TYPE dustd_%s %s\n", name, help, name,
               type == COUNTER ? "counter" : "gauge");
}

/* Backslash, quote and line feed are escaped in a label's value; nothing else may be. */
static void put_label(struct buf *out, bool first, const char *label, const char *value)
{
    buf_printf(out, "%s%s=\"", first ? "{" : ",", label);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            buf_printf(out, "\\%c", *value);
        else if (*value == '\n')
            buf_text(out, "\\n");
        else
            buf_add(out, value, 1);
    }
    buf_text(out, "\"");
}

/* Adds a sample with the labels, pairs of name and value ended by NULL. */
static void put_sample(struct buf *out, const char *name, const char *const *labels, double value)
{
    buf_printf(out, "dustd_%s", name);
    for (int i = 0; labels[i]; i += 2)
        put_label(out, i == 0, labels[i], labels[i + 1]);
    buf_printf(out, "%s %.15g\n", labels[0] ? "}" : "", value);
}

/* ---- the status ---- */

static bool value_of(const struct family *f, const json_t *object, double *value)
{
    const json_t *member = f->member ? json_object_get(object, f->member) : json_true();
    if (!json_is_number(member) && !json_is_boolean(member))
        return false;
    *value = json_is_number(member) ? json_number_value(member) * f->unit : json_is_true(member);
    return true;
}

static void put_object(struct buf *out, const struct family *f, const json_t *object, bool *headed)
{
    const char *labels[5] = {0};
    double value;
    int n = 0;
    if (!value_of(f, object, &value))
        return;
    if (!*headed)
        put_head(out, f->name, f->help, f->type);
    *headed = true;
    if (f->label) {
        labels[n++] = f->label;
        labels[n++] = text_of(object, f->from);
    }
    if (f->label2) {
        labels[n++] = f->label2;
        labels[n] = text_of(object, f->from2);
    }
    put_sample(out, f->name, labels, value);
}

static void put_family(struct buf *out, const struct family *f, const json_t *status)
{
    const json_t *of = f->of[0] ? json_object_get(status, f->of) : status;
    bool headed = false;
    size_t i;
    const json_t *object;
    if (json_is_object(of))
        put_object(out, f, of, &headed);
    json_array_foreach(of, i, object)
    {
        put_object(out, f, object, &headed);
    }
}

/* ---- devices and points ---- */

/* Calls `each` for every point of every device. */
typedef void (*point_put)(struct buf *out, int64_t now_ms, const json_t *device, const json_t *point);

static void put_value(struct buf *out, int64_t now_ms, const json_t *device, const json_t *point)
{
    const char *labels[] = {"device", text_of(device, "name"), "point", text_of(point, "name"),
                            "unit",   text_of(point, "unit"),  NULL};
    const json_t *value = json_object_get(point, "v");
    int64_t age_ms = now_ms - int_of(point, "ts");
    int64_t most_ms = STALE_PERIODS * int_of(device, "period_ms") + STALE_MS;
    if (json_is_number(value) && age_ms <= most_ms)
        put_sample(out, "point_value", labels, json_number_value(value));
}

static void put_quality(struct buf *out, int64_t now_ms, const json_t *device, const json_t *point)
{
    const char *labels[] = {"device",  text_of(device, "name"), "point", text_of(point, "name"),
                            "quality", text_of(point, "q"),     NULL};
    (void)now_ms;
    if (*labels[5])
        put_sample(out, "point_quality", labels, 1);
}

static void put_stamp(struct buf *out, int64_t now_ms, const json_t *device, const json_t *point)
{
    const char *labels[] = {"device", text_of(device, "name"), "point", text_of(point, "name"), NULL};
    (void)now_ms;
    if (json_object_get(point, "ts"))
        put_sample(out, "point_timestamp_seconds", labels, (double)int_of(point, "ts") / 1e3);
}

static const struct {
    const char *name, *help;
    point_put put;
} point_families[] = {
    {"point_value", "The last reading, in its unit; absent when it failed or is old.", put_value},
    {"point_quality", "1 for the data flag (HJ 212) of the last reading.", put_quality},
    {"point_timestamp_seconds", "Site time of the last reading, also of one that failed.", put_stamp},
};

static void put_points(struct buf *out, int64_t now_ms, const json_t *devices)
{
    size_t i, k;
    const json_t *device, *point;
    for (size_t f = 0; f < sizeof point_families / sizeof *point_families; f++) {
        put_head(out, point_families[f].name, point_families[f].help, GAUGE);
        json_array_foreach(devices, i, device)
        {
            json_array_foreach(json_object_get(device, "points"), k, point)
            {
                point_families[f].put(out, now_ms, device, point);
            }
        }
    }
}

/* A device that nobody has asked yet has neither. */
static void put_devices(struct buf *out, const json_t *devices)
{
    size_t i;
    const json_t *device;
    put_head(out, "device_up", "1 while the device answers.", GAUGE);
    json_array_foreach(devices, i, device)
    {
        const char *labels[] = {"device", text_of(device, "name"), "bus", text_of(device, "bus"), NULL};
        const char *state = text_of(device, "state");
        if (strcmp(state, "unknown") != 0)
            put_sample(out, "device_up", labels, strcmp(state, "up") == 0);
    }
    put_head(out, "device_round_trip_seconds", "Time from the last question to the end of its answer.",
             GAUGE);
    json_array_foreach(devices, i, device)
    {
        const char *labels[] = {"device", text_of(device, "name"), NULL};
        const json_t *rtt = json_object_get(device, "rtt_ms");
        if (json_is_number(rtt))
            put_sample(out, "device_round_trip_seconds", labels, json_number_value(rtt) / 1e3);
    }
}

/* ---- the verb ---- */

static void put_up(struct buf *out, bool up)
{
    const char *none[] = {NULL};
    put_head(out, "up", "1 if dustd answers.", GAUGE);
    put_sample(out, "up", none, up);
}

static int put_all(struct ctl *c, struct buf *out)
{
    json_t *status = ctl_result(c, json_pack("{s:s}", "do", "status"));
    json_t *devices = status ? ctl_result(c, json_pack("{s:s}", "do", "devices")) : NULL;
    put_up(out, devices != NULL);
    if (devices) {
        const char *version[] = {"version", text_of(status, "version"), "site",
                                 text_of(json_object_get(status, "site"), "name"), NULL};
        put_head(out, "build_info", "The program and the site that it serves.", GAUGE);
        put_sample(out, "build_info", version, 1);
        for (size_t i = 0; i < sizeof families / sizeof *families; i++)
            put_family(out, &families[i], status);
        put_devices(out, devices);
        put_points(out, int_of(status, "now"), devices);
    }
    int rc = devices ? EXIT_OK : EXIT_FAILED;
    json_decref(devices);
    json_decref(status);
    return rc;
}

/* Also when the daemon does not answer: the file then says that, and nothing of before. */
int verb_metrics(struct ctl *c)
{
    struct buf out = {0};
    int rc = put_all(c, &out);
    if (!c->out) {
        fputs(out.data, stdout);
    } else if (file_replace(c->out, out.data, out.length, 0644) != ERR_OK) {
        complain("%s: %s", c->out, strerror(errno));
        rc = EXIT_FAILED;
    }
    buf_finish(&out);
    return rc;
}
