#include "daemon/options.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/dustd.h"
#include "drivers/device.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: dustd [-c FILE] [--check | --print | --once | --rebuild | --adopt FILE | --replay FILE...] "
    "[--simulated "
    "[--clock-rate N] "
    "[--clock-start "
    "STAMP]]\n"
    "  -c, --config FILE    configuration (default /etc/dustd/dustd.yaml)\n"
    "      --check          check the configuration and exit (78: bad configuration)\n"
    "      --print          print the configuration in force and exit; it loads to the same\n"
    "      --once           read every device once, print the values, exit; touches no database\n"
    "      --rebuild        make the ledger anew from a stopped dustd's journal alone, check its photos, and "
    "exit\n"
    "      --adopt FILE     take over a replaced gateway's export, into a new state directory, and exit\n"
    "      --replay FILE    judge recorded samples (an export, CSV, …; more files may follow) and exit; "
    "touches\n"
    "                       no device, broker, control socket or database\n"
    "      --as COLUMN=POINT[,UNIT]  replay: which point a column of a file is, or: COLUMN=time\n"
    "      --json           replay: JSON lines, the rows that there would have been; rebuild: the issues\n"
    "      --simulated      devices on ptys and loopback only; marks every row\n"
    "      --clock-rate N   simulated: site time runs N times as fast (1 to 3600)\n"
    "      --clock-start S  simulated: site time starts at S, as 2026-03-05T08:00:00+08:00\n"
    "      --clock-since US simulated: that was at this reading of the machine's monotonic clock (default: "
    "now)\n"
    "      --data DIR       look for devices/ and limits/ in DIR too\n"
    "      --debug          log more\n"
    "      --version, --help\n";

enum long_option {
    OPT_CHECK = 256,
    OPT_PRINT,
    OPT_ONCE,
    OPT_REBUILD,
    OPT_ADOPT,
    OPT_REPLAY,
    OPT_AS,
    OPT_JSON,
    OPT_SIMULATED,
    OPT_RATE,
    OPT_START,
    OPT_SINCE,
    OPT_UNSYNCED,
    OPT_BOOT,
    OPT_DATA,
    OPT_DEBUG,
    OPT_VERSION,
    OPT_HELP
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPT_CHECK},
    {"print", no_argument, NULL, OPT_PRINT},
    {"once", no_argument, NULL, OPT_ONCE},
    {"rebuild", no_argument, NULL, OPT_REBUILD},
    {"adopt", required_argument, NULL, OPT_ADOPT},
    {"replay", required_argument, NULL, OPT_REPLAY},
    {"as", required_argument, NULL, OPT_AS},
    {"json", no_argument, NULL, OPT_JSON},
    {"simulated", no_argument, NULL, OPT_SIMULATED},
    {"clock-rate", required_argument, NULL, OPT_RATE},
    {"clock-start", required_argument, NULL, OPT_START},
    {"clock-since", required_argument, NULL, OPT_SINCE},
    {"unsynced-until", required_argument, NULL, OPT_UNSYNCED}, /* these two are for tests: simulated only */
    {"boot-id", required_argument, NULL, OPT_BOOT},
    {"data", required_argument, NULL, OPT_DATA},
    {"debug", no_argument, NULL, OPT_DEBUG},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int bad(const char *what, const char *value)
{
    fprintf(stderr, "dustd: %s: %s\n%s", what, value, usage);
    return EXIT_USAGE;
}

static bool read_rate(const char *text, int *rate)
{
    char *end;
    long n = strtol(text, &end, 10);
    *rate = (int)n;
    return *text && !*end && n >= 1 && n <= 3600;
}

static bool read_since(const char *text, int64_t *us)
{
    char *end;
    *us = strtoll(text, &end, 10);
    return *text && !*end && *us > 0;
}

static void add_text(const char ***list, int *n, const char *text)
{
    *list = mem_resize(*list, (size_t)*n + 1, sizeof **list);
    (*list)[(*n)++] = text;
}

static int take_option(int opt, struct options *o, enum log_level *level)
{
    switch (opt) {
    case 'c': o->config_file = optarg; break;
    case OPT_CHECK: o->check = true; break;
    case OPT_PRINT: o->print = true; break;
    case OPT_ONCE: o->once = true; break;
    case OPT_REBUILD: o->rebuild = true; break;
    case OPT_ADOPT: o->adopt = optarg; break;
    case OPT_REPLAY: add_text(&o->replay, &o->nreplay, optarg); break;
    case OPT_AS: add_text(&o->as, &o->nas, optarg); break;
    case OPT_JSON: o->json = true; break;
    case OPT_SIMULATED: o->simulated = true; break;
    case OPT_DATA: o->data_dir = optarg; break;
    case OPT_DEBUG: *level = LOG_LEVEL_DEBUG; break;
    case OPT_RATE:
        if (!read_rate(optarg, &o->clock_rate))
            return bad("--clock-rate takes 1 to 3600", optarg);
        break;
    case OPT_START:
        if (clock_parse(optarg, &o->clock_start_ms) != ERR_OK)
            return bad("--clock-start takes a stamp as 2026-03-05T08:00:00+08:00", optarg);
        break;
    case OPT_SINCE:
        if (!read_since(optarg, &o->clock_since_us))
            return bad("--clock-since takes microseconds", optarg);
        break;
    case OPT_UNSYNCED:
        if (clock_parse(optarg, &o->unsynced_until_ms) != ERR_OK)
            return bad("--unsynced-until takes a stamp as 2026-03-05T08:00:00+08:00", optarg);
        break;
    case OPT_BOOT: o->boot_id = optarg; break;
    case OPT_VERSION: printf("dustd %s\n", DUST_VERSION); return EXIT_OK;
    case OPT_HELP: fputs(usage, stdout); return EXIT_OK;
    default: fputs(usage, stderr); return EXIT_USAGE;
    }
    return -1;
}

int options_parse(int argc, char **argv, struct options *o)
{
    enum log_level level = LOG_LEVEL_INFO;
    *o = (struct options){.config_file = "/etc/dustd/dustd.yaml"};
    for (int opt; (opt = getopt_long(argc, argv, "c:", options, NULL)) != -1;) {
        int code = take_option(opt, o, &level);
        if (code >= 0)
            return code;
    }
    while (o->replay && optind < argc)
        add_text(&o->replay, &o->nreplay, argv[optind++]);
    if (optind < argc)
        return bad("not an option", argv[optind]);
    if (o->check + o->print + o->once + o->rebuild + (o->adopt != NULL) + (o->replay != NULL) > 1)
        return bad("only one of", "--check --print --once --rebuild --adopt --replay");
    if (o->nas && !o->replay)
        return bad("needs --replay", "--as");
    if (o->json && !o->replay && !o->rebuild)
        return bad("needs --replay or --rebuild", "--json");
    if (o->replay && o->simulated)
        return bad("a back-test has no clock of its own", "--simulated");
    if ((o->clock_rate || o->clock_start_ms) && !o->simulated)
        return bad("needs --simulated", o->clock_rate ? "--clock-rate" : "--clock-start");
    if ((o->unsynced_until_ms || o->boot_id) && !o->simulated)
        return bad("needs --simulated", o->boot_id ? "--boot-id" : "--unsynced-until");
    log_open("dustd", level);
    if (o->clock_since_us && !o->clock_start_ms)
        return bad("needs --clock-start", "--clock-since");
    int rate = o->clock_rate ? o->clock_rate : 1;
    if (o->clock_since_us)
        clock_simulate_since(o->clock_start_ms, rate, o->clock_since_us);
    else if (o->simulated)
        clock_simulate(o->clock_start_ms, rate);
    if (o->unsynced_until_ms || o->boot_id)
        clock_simulate_unsynced(o->unsynced_until_ms, o->boot_id ? o->boot_id : "");
    return -1;
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

/* A path that is, or links to, a pty that exists now: start the simulator first. */
static bool is_pty(const char *path)
{
    char *real = realpath(path, NULL);
    if (!real && errno == ENOMEM)
        mem_exhausted(); /* not a mistake in the configuration */
    bool pty = real && strncmp(real, "/dev/pts/", 9) == 0;
    free(real);
    return pty;
}

static int refuse_real(const struct config *c, struct complaint *why)
{
    for (int i = 0; i < c->nbuses; i++) {
        const struct bus_config *b = &c->buses[i];
        bool fine = b->transport == TRANSPORT_RTU ? is_pty(b->path) : is_loopback(b->host);
        if (!fine) {
            snprintf(why->text, sizeof why->text,
                     "%s: bus %s: --simulated takes ptys and loopback only, found %s", c->file, b->name,
                     b->transport == TRANSPORT_RTU ? b->path : b->host);
            return ERR_FORMAT;
        }
    }
    for (int i = 0; i < c->nmqtt; i++)
        if (!is_loopback(c->mqtt[i].host)) {
            snprintf(why->text, sizeof why->text, "%s: mqtt %s: --simulated takes loopback only, found %s",
                     c->file, c->mqtt[i].name, c->mqtt[i].host);
            return ERR_FORMAT;
        }
    for (int i = 0; i < c->nchannels; i++) /* of the others the address stands in a file: alert_http.c */
        if (c->channels[i].kind == CHANNEL_SMTP && !is_loopback(c->channels[i].host)) {
            snprintf(why->text, sizeof why->text, "%s: channel %s: --simulated takes loopback only, found %s",
                     c->file, c->channels[i].name, c->channels[i].host);
            return ERR_FORMAT;
        }
    return ERR_OK;
}

int options_load(const struct options *o, struct config **out, struct complaint *why)
{
    char *copy = mem_string(o->config_file);
    const char *dirs[5] = {dirname(copy), "/etc/dustd", o->data_dir ? o->data_dir : DUST_SHARE_DIR,
                           o->data_dir ? DUST_SHARE_DIR : NULL, NULL};
    int rc = config_load(o->config_file, dirs, out, why);
    mem_free(copy);
    bool says_itself = o->check || o->replay;
    for (int i = 0; rc == ERR_OK && !says_itself && i < (*out)->nunjudged; i++)
        log_warning("limit %s is not judged: no point has the role %s", (*out)->unjudged[i].id,
                    (*out)->unjudged[i].role);
    if (rc == ERR_OK && o->simulated && refuse_real(*out, why) != ERR_OK) {
        config_free(*out);
        rc = ERR_FORMAT;
    }
    return rc;
}
