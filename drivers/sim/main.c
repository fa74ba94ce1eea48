/* dustsim: a whole simulated site. The main thread reads options and the site file, starts a thread for each
 * bus and waits for a signal. */
#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/base/yaml.h"
#include "drivers/sim/simbus.h"
#include "drivers/sim/simlog.h"
#include "drivers/sim/site.h"
#include "drivers/sim/tally.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char help[] =
    "usage: dustsim [options] SITE.yaml\n"
    "Plays a construction site's Modbus units on pseudo terminals and loopback TCP ports. Prints where each\n"
    "bus is, then \"ready\", and runs until SIGINT or SIGTERM. SIGUSR1 writes the summary so far.\n"
    "\n"
    "  -c, --check              read and check the site file, start nothing\n"
    "  -d, --devices DIR        look for device profiles here first (repeatable). Then: devices/ and\n"
    "                           ../devices/ beside the site file, /etc/dustd/devices,\n"
    "                           " DUST_SHARE_DIR "/devices\n"
    "  -k, --links DIR          where relative links of buses lie (default: the current directory)\n"
    "  -l, --log FILE           append one JSON line for each poll and event\n"
    "  -r, --clock-rate N       site time runs N times as fast as the world (1 to 3600)\n"
    "  -s, --seed N             instead of the file's seed\n"
    "  -t, --clock-start STAMP  site time at the start, \"2026-05-01T08:00+08:00\"; default: now\n"
    "  -u, --clock-since US     that was, or will be, at this reading of the machine's monotonic clock: as "
    "dustd's\n"
    "  -h, --help\n"
    "  -V, --version\n"
    "\n"
    "Exit codes: 0 ok (also after a signal), 1 failed, 2 usage, 78 bad site file.\n"
    "The site file is explained by the comments of demo-site.yaml.\n";

enum { DIRS_MAX = 16, DIRS_FIXED = 5 };

struct options {
    const char *site, *links, *log;
    const char *dirs[DIRS_MAX];
    int ndirs;
    bool check, seeded, simulated;
    uint64_t seed;
    int64_t rate, start_ms, since_us; /* since_us 0: now */
};

static int read_rate(const char *text, int64_t *rate)
{
    return scalar_int(text, rate) == ERR_OK && *rate >= 1 && *rate <= 3600 ? ERR_OK : ERR_FORMAT;
}

/* ERR_OK; ERR_FORMAT for an option's bad value or an option we do not know. */
static int take_option(struct options *o, int letter)
{
    switch (letter) {
    case 'c': o->check = true; return ERR_OK;
    case 'd':
        if (o->ndirs == DIRS_MAX - DIRS_FIXED)
            return ERR_FORMAT;
        o->dirs[o->ndirs++] = optarg;
        return ERR_OK;
    case 'k': o->links = optarg; return ERR_OK;
    case 'l': o->log = optarg; return ERR_OK;
    case 'r': o->simulated = true; return read_rate(optarg, &o->rate);
    case 's': o->seeded = true; return scalar_raw(optarg, &o->seed);
    case 't': o->simulated = true; return clock_parse(optarg, &o->start_ms);
    case 'u': return scalar_int(optarg, &o->since_us);
    default: return ERR_FORMAT;
    }
}

/* Returns -1 to go on, or the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"check", no_argument, NULL, 'c'},
                                          {"clock-rate", required_argument, NULL, 'r'},
                                          {"clock-since", required_argument, NULL, 'u'},
                                          {"clock-start", required_argument, NULL, 't'},
                                          {"devices", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"links", required_argument, NULL, 'k'},
                                          {"log", required_argument, NULL, 'l'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"version", no_argument, NULL, 'V'},
                                          {0}};
    int letter;
    while ((letter = getopt_long(argc, argv, "cd:hk:l:r:s:t:u:V", longs, NULL)) != -1) {
        if (letter == 'h' || letter == 'V') {
            fputs(letter == 'h' ? help : "dustsim " DUST_VERSION "\n", stdout);
            return EXIT_OK;
        }
        if (take_option(o, letter) != ERR_OK) {
            if (letter != '?')
                fprintf(stderr, "dustsim: found \"%s\" for option -%c; see --help\n", optarg, letter);
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc) {
        fputs("dustsim: one site file is needed; see --help\n", stderr);
        return EXIT_USAGE;
    }
    if (o->since_us && !o->start_ms) {
        fputs("dustsim: --clock-since needs --clock-start; see --help\n", stderr);
        return EXIT_USAGE;
    }
    o->site = argv[optind];
    return -1;
}

/* Appends the directories beside the site file (`beside`, to be freed) and the installed ones. */
static void add_dirs(struct options *o, char *beside[static 2])
{
    const char *slash = strrchr(o->site, '/');
    int length = slash ? (int)(slash - o->site + 1) : 0;
    beside[0] = mem_printf("%.*sdevices", length, o->site);
    beside[1] = mem_printf("%.*s../devices", length, o->site);
    o->dirs[o->ndirs++] = beside[0];
    o->dirs[o->ndirs++] = beside[1];
    o->dirs[o->ndirs++] = "/etc/dustd/devices";
    o->dirs[o->ndirs++] = DUST_SHARE_DIR "/devices";
}

struct play {
    const struct site *site;
    struct simbus **buses;
    struct simlog *log;
};

/* A line on standard error and one in the log for each bus. */
static void summarise(const struct play *p)
{
    for (int i = 0; i < p->site->nbuses; i++) {
        const char *bus = p->site->buses[i].name;
        struct buf line = {0}, members = {0};
        tally_print(simbus_tally(p->buses[i]), false, &line);
        tally_print(simbus_tally(p->buses[i]), true, &members);
        log_info("summary: bus %s: %s", bus, line.data);
        simlog_event(p->log, "summary", bus, "%s", members.data);
        buf_finish(&line);
        buf_finish(&members);
    }
}

/* Waits for the signal that ends us; SIGUSR1 prints. */
static void serve(int signals, const struct play *p)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    int usr1 = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = usr1, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (loop_signal_next(usr1))
            summarise(p);
        int signal = loop_signal_next(signals);
        if (signal && signal != SIGHUP)
            break;
    }
    close(usr1);
}

static int start(const struct play *p, int stop_fd)
{
    for (int i = 0; i < p->site->nbuses; i++) {
        if (simbus_start(p->buses[i], stop_fd) != ERR_OK) {
            log_error("bus %s: cannot be opened: %s", p->site->buses[i].name, strerrordesc_np(errno));
            return EXIT_FAILED;
        }
        printf("bus %s: %s\n", p->site->buses[i].name, simbus_place(p->buses[i]));
    }
    puts("ready");
    fflush(stdout);
    return EXIT_OK;
}

static int play(const struct options *o, struct site *site, int signals)
{
    struct play p = {.site = site};
    if (simlog_open(o->log, site->world.zone_min, &p.log) != ERR_OK) {
        log_error("log %s: %s", o->log, strerrordesc_np(errno));
        return EXIT_FAILED;
    }
    int stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p.buses = mem_array((size_t)site->nbuses, sizeof(struct simbus *));
    for (int i = 0; i < site->nbuses; i++)
        p.buses[i] = simbus_create(site, i, o->links, p.log);
    int code = start(&p, stop_fd);
    if (code == EXIT_OK)
        serve(signals, &p);
    if (eventfd_write(stop_fd, 1) != 0)
        log_error("the buses cannot be stopped: %s", strerrordesc_np(errno));
    for (int i = 0; i < site->nbuses; i++)
        simbus_join(p.buses[i]);
    summarise(&p);
    for (int i = 0; i < site->nbuses; i++)
        simbus_destroy(p.buses[i]);
    mem_free(p.buses);
    simlog_close(p.log);
    close(stop_fd);
    return code;
}

int main(int argc, char **argv)
{
    struct options o = {.links = ".", .log = "", .rate = 1};
    int code = read_options(argc, argv, &o);
    if (code >= 0)
        return code;
    log_open("dustsim", LOG_LEVEL_INFO);
    if (o.since_us)
        clock_simulate_since(o.start_ms, (int)o.rate, o.since_us);
    else if (o.simulated)
        clock_simulate(o.start_ms, (int)o.rate);
    int signals = loop_signals();
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    if (signals < 0 || sigprocmask(SIG_BLOCK, &usr1, NULL) != 0) {
        log_error("signals cannot be had: %s", strerrordesc_np(errno));
        return EXIT_FAILED;
    }
    struct site site;
    struct complaint why = {""};
    char *beside[2];
    add_dirs(&o, beside);
    int rc = site_load(o.site, o.dirs, clock_site_ms(), o.seeded ? &o.seed : NULL, &site, &why);
    if (rc != ERR_OK) {
        fprintf(stderr, "%s\n", why.text);
        code = EXIT_CONFIG;
    } else {
        code = o.check ? EXIT_OK : play(&o, &site, signals);
        if (o.check)
            printf("%s: OK\n", o.site);
        site_finish(&site);
    }
    mem_free(beside[0]);
    mem_free(beside[1]);
    close(signals);
    return code;
}
