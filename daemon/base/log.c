#include "daemon/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *program;
    enum log_level level;
    int under_systemd;
} sink = {"dust", LOG_LEVEL_INFO, 0};

void log_open(const char *program, enum log_level level)
{
    sink.program = program;
    sink.level = level;
    sink.under_systemd = getenv("JOURNAL_STREAM") != NULL;
}

static size_t log_head(char *line, size_t size, enum log_level level)
{
    static const char *const names[] = {
        [LOG_LEVEL_ERROR] = "error",
        [LOG_LEVEL_WARNING] = "warning",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_DEBUG] = "debug",
    };
    if (sink.under_systemd)
        return (size_t)snprintf(line, size, "<%d>", (int)level);
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, size, "%H:%M:%S", &utc);
    return n + (size_t)snprintf(line + n, size - n, ".%03ldZ %s %s: ", now.tv_nsec / 1000000, sink.program,
                                names[level]);
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level > sink.level)
        return;
    int saved = errno;
    char line[1024];
    size_t head = log_head(line, sizeof line, level);
    va_list ap;
    va_start(ap, format);
    vsnprintf(line + head, sizeof line - head - 1, format, ap);
    va_end(ap);
    size_t n = strlen(line);
    for (size_t i = head; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0) {
        /* nowhere left to say it */
    }
    errno = saved;
}
