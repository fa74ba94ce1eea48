#include "drivers/sim/simlog.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "drivers/sim/station.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A line is one write to a file opened for appending: the system keeps lines of several threads apart. */
struct simlog {
    int fd; /* -1: nothing is logged */
    int zone_min;
    atomic_bool failed; /* said once */
};

int simlog_open(const char *file, int zone_min, struct simlog **out)
{
    int fd = -1;
    if (*file) {
        fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0)
            return ERR_IO;
    }
    *out = mem_new(struct simlog);
    **out = (struct simlog){.fd = fd, .zone_min = zone_min};
    return ERR_OK;
}

static void begin(const struct simlog *log, struct buf *b, const char *event, int64_t site_ms,
                  int64_t wire_us)
{
    char stamp[32];
    buf_printf(b, "{\"event\":\"%s\",\"site\":\"%s\",\"site_ms\":%" PRId64 ",\"wire_us\":%" PRId64, event,
               clock_text(site_ms, log->zone_min, stamp), site_ms, wire_us);
}

static void end(struct simlog *log, struct buf *b)
{
    buf_text(b, "}\n");
    if (write(log->fd, b->data, b->length) != (ssize_t)b->length && !atomic_exchange(&log->failed, true))
        log_error("the log cannot be written: %s", strerrordesc_np(errno));
    buf_finish(b);
}

static void add_faults(struct buf *b, unsigned faults)
{
    const char *comma = "";
    buf_text(b, ",\"faults\":[");
    for (int k = 1; k < FAULT__COUNT; k++) {
        if (!(faults & 1u << k))
            continue;
        buf_printf(b, "%s\"%s\"", comma, fault_str((enum fault_kind)k));
        comma = ",";
    }
    buf_text(b, "]");
}

void simlog_poll(struct simlog *log, const struct simlog_entry *e)
{
    struct buf b = {0};
    const struct station_poll *p = e->poll;
    if (log->fd < 0)
        return;
    begin(log, &b, "poll", e->site_ms, e->wire_us);
    buf_printf(&b, ",\"bus\":\"%s\",\"unit\":\"%s\",\"unit_id\":%d,\"poll\":%" PRId64, e->bus, e->unit->name,
               e->unit->unit_id, p->poll);
    buf_printf(&b, ",\"function\":%d,\"address\":%d,\"count\":%d,\"outcome\":\"%s\",\"exception\":%d",
               e->function, e->address, e->count, e->outcome, p->exception);
    buf_printf(&b, ",\"line\":%ld,\"damaged\":%s", p->line, p->damaged ? "true" : "false");
    add_faults(&b, p->faults);
    buf_text(&b, ",\"registers\":[");
    for (int i = 0; i < p->nvalues; i++)
        buf_printf(&b, i ? ",%d" : "%d", p->values[i]);
    buf_text(&b, "]");
    end(log, &b);
}

void simlog_event(struct simlog *log, const char *event, const char *bus, const char *members, ...)
{
    struct buf b = {0};
    char text[1024];
    va_list args;
    if (log->fd < 0)
        return;
    va_start(args, members);
    vsnprintf(text, sizeof text, members, args);
    va_end(args);
    begin(log, &b, event, clock_site_ms(), clock_wire_us());
    buf_printf(&b, ",\"bus\":\"%s\"%s%s", bus, *text ? "," : "", text);
    end(log, &b);
}

void simlog_close(struct simlog *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    mem_free(log);
}
