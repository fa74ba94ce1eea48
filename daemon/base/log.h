/* Log lines on standard error, in English. Under systemd (JOURNAL_STREAM is set) each line starts with its
 * priority as "<3>". A decision is logged once, on the change of state, by whoever decides. Any thread. */
#ifndef DUST_LOG_H
#define DUST_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above `level` are dropped; `program` is a static string. Call before any thread starts. */
void log_open(const char *program, enum log_level level);

/* One line, cut at 1 KiB; control characters in it are shown as '?'. Keeps errno. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
