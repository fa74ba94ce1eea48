/* The command line of dustd. Main thread. */
#ifndef DUST_OPTIONS_H
#define DUST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct complaint;
struct config;

struct options {
    const char *config_file, *data_dir;
    const char *adopt;   /* the export to take over; NULL: none */
    const char **replay; /* files of recorded samples, of the command line; NULL: none */
    const char **as;     /* COLUMN=POINT */
    int nreplay, nas;
    bool json;
    bool check, print, once, rebuild, simulated;
    int clock_rate;
    int64_t clock_start_ms;    /* 0: now */
    int64_t clock_since_us;    /* wire time of clock_start_ms; 0: now */
    int64_t unsynced_until_ms; /* simulated: the clock is right from then on; 0: always */
    const char *boot_id;       /* simulated: the boot's name; NULL: the kernel's */
};

/* Fills `o` and sets up log and clock; returns -1 to go on, else the exit code (0 after --help, 2 for bad
 * usage). */
int options_parse(int argc, char **argv, struct options *o);

/* Loads the configuration that the options name; with --simulated also refuses whatever is not a pty or
 * loopback. */
int options_load(const struct options *o, struct config **out, struct complaint *why);

#endif
