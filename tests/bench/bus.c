/* How close a bus comes to what its wire allows.
 *
 *   bench_bus [--seconds N] [DUSTSIM]
 *
 * Method: dustsim (default: beside this program's directory) plays one dust meter of config/devices, four
 * 32 bit values in one request, that answers after 2 ms; its answers end when they would on a real line. A
 * bus thread whose site clock runs 100 times too fast has a slot due at every moment. After N seconds
 * (default 10) at 9600 and at 115200 baud the answers are counted, and dustsim says how many requests came
 * inside the 3.5 characters of silence. The wire's limit is the request, the 2 ms, the answer and one
 * silence, without any program. Run it in the source's root; nothing leaves a new directory under /tmp. */
#include "drivers/bus.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/ring.h"
#include "daemon/base/yaml.h"
#include "drivers/profile.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TURNAROUND_US = 2000, REQUEST_BYTES = 8, ANSWER_BYTES = 5 + 16, RATE = 100 };

struct bench {
    char dir[32], site[64], port[64], log[64];
    const char *dustsim;
    struct profile *profile;
    int seconds;
};

static void write_site(const struct bench *b, int baud)
{
    FILE *f = fopen(b->site, "w");
    if (!f)
        exit(EXIT_FAILED);
    fprintf(f,
            "buses:\n  line: {transport: rtu, link: port, baud: %d, format: 8N1}\n"
            "units:\n  meter:\n    bus: line\n    unit_id: 1\n    profile: nova-sds069\n"
            "    turnaround: %dms\n    points:\n      pm1: {constant: 20}\n      pm25: {constant: 40}\n"
            "      pm10: {constant: 80}\n      tsp: {constant: 120}\n",
            baud, TURNAROUND_US / 1000);
    fclose(f);
}

/* Starts dustsim and waits until its port is there. */
static pid_t start_dustsim(const struct bench *b)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen(b->log, "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
            _exit(EXIT_FAILED);
        execl(b->dustsim, "dustsim", "-d", "config/devices", "-k", b->dir, b->site, (char *)NULL);
        _exit(EXIT_FAILED);
    }
    for (int i = 0; i < 500 && access(b->port, F_OK) != 0; i++)
        poll(NULL, 0, 10);
    return pid;
}

/* What dustsim's summary says of `what`, -1 without one. */
static long summary(const struct bench *b, const char *what)
{
    char line[1024];
    long number = -1;
    FILE *f = fopen(b->log, "r");
    while (f && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, "summary") ? strstr(line, what) : NULL;
        if (at)
            number = strtol(at + strlen(what), NULL, 10);
    }
    if (f)
        fclose(f);
    return number;
}

static void drain(struct ring *ring, int64_t until_us)
{
    struct bus_message m;
    while (clock_wire_us() < until_us) {
        struct pollfd p = {.fd = ring_fd(ring), .events = POLLIN};
        poll(&p, 1, 100);
        ring_woken(ring);
        while (ring_pop(ring, &m) == ERR_OK)
            continue;
    }
}

/* Answers a second of a bus thread on `config`. */
static double measure(const struct bus_config *config, int seconds)
{
    struct ring *ring = ring_create(4096, sizeof(struct bus_message));
    struct bus *bus = bus_start(config, ring);
    if (!bus)
        exit(EXIT_FAILED);
    while (bus_count(bus).answers == 0)
        drain(ring, clock_wire_us() + 10000);
    uint64_t before = bus_count(bus).answers;
    int64_t start = clock_wire_us();
    drain(ring, start + (int64_t)seconds * 1000000);
    double answers = (double)(bus_count(bus).answers - before);
    double took = (double)(clock_wire_us() - start) / 1e6;
    bus_stop(bus);
    bus_join(bus);
    ring_destroy(ring);
    return answers / took;
}

static void run(const struct bench *b, int baud)
{
    struct device meter = {.name = "meter", .profile = b->profile, .unit_id = 1, .period_ms = 100};
    const struct device *devices[] = {&meter};
    struct bus_config config = {.name = "line",
                                .transport = TRANSPORT_RTU,
                                .path = b->port,
                                .baud = baud,
                                .parity = 'N',
                                .data_bits = 8,
                                .stop_bits = 1,
                                .timeout_ms = 200,
                                .devices = devices,
                                .ndevices = 1};
    write_site(b, baud);
    pid_t pid = start_dustsim(b);
    double polls = measure(&config, b->seconds), character_us = 10e6 / baud;
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    double silence_us = baud > 19200 ? 1750 : 3.5 * character_us;
    double limit = 1e6 / ((REQUEST_BYTES + ANSWER_BYTES) * character_us + TURNAROUND_US + silence_us);
    printf(
        "%6d baud: %7.2f polls/s, wire's limit %7.2f, ratio %.3f; %ld of %ld requests inside the silence\n",
        baud, polls, limit, polls / limit, summary(b, "hasty "), summary(b, "polls "));
}

int main(int argc, char **argv)
{
    struct bench b = {.dir = "/tmp/dust-bench-XXXXXX", .seconds = 10};
    struct complaint why;
    char beside[4096];
    snprintf(beside, sizeof beside, "%s", argv[0]);
    char *slash = strrchr(beside, '/');
    snprintf(slash ? slash : beside, 16, "/../dustsim");
    b.dustsim = beside;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            b.seconds = atoi(argv[++i]);
        else
            b.dustsim = argv[i];
    }
    if (profile_load("config/devices/nova-sds069.yaml", &b.profile, &why) != ERR_OK) {
        fprintf(stderr, "%s\n", why.text);
        return EXIT_FAILED;
    }
    if (access(b.dustsim, X_OK) != 0 || !mkdtemp(b.dir)) {
        perror(b.dustsim);
        return EXIT_FAILED;
    }
    snprintf(b.site, sizeof b.site, "%s/site.yaml", b.dir);
    snprintf(b.port, sizeof b.port, "%s/port", b.dir);
    snprintf(b.log, sizeof b.log, "%s/log", b.dir);
    clock_simulate(0, RATE);
    run(&b, 9600);
    run(&b, 115200);
    unlink(b.site);
    unlink(b.log);
    rmdir(b.dir);
    profile_free(b.profile);
    return EXIT_OK;
}
