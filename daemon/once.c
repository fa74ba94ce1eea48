/* dustd --once: every device once, its values with units and quality, and nothing else: no database, no
 * broker. */
#include "daemon/once.h"
#include "daemon/base/err.h"
#include "daemon/config/config.h"
#include "daemon/dustd.h"
#include "drivers/bus.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct once {
    const struct config *config;
    int read, failed;
};

static void print_sample(const struct sample *s, void *arg)
{
    struct once *once = arg;
    const struct config_point *p = &once->config->points[s->point];
    bool zh = strcmp(once->config->language, "zh") == 0;
    const char *title = zh ? p->point->title_zh : p->point->title_en;
    if (isnan(s->value))
        printf("%-28s %12s %-8s %c  %s", p->name, "-", p->point->unit, s->quality, title);
    else
        printf("%-28s %12.*f %-8s %c  %s", p->name, p->point->decimals, s->value, p->point->unit, s->quality,
               title);
    if (s->why == WHY_EXCEPTION)
        printf("  (%s %u)", why_str(s->why), s->exception);
    else if (s->why)
        printf("  (%s)", why_str(s->why));
    printf("\n");
    once->read += s->nreg > 0;
    once->failed += s->nreg == 0;
}

int once_run(const struct config *c)
{
    struct once once = {.config = c};
    for (int i = 0; i < c->nbuses; i++) {
        const struct bus_config *b = &c->buses[i];
        if (bus_once(b, print_sample, &once) != ERR_OK) {
            fprintf(stderr, "bus %s: %s: %s\n", b->name, b->transport == TRANSPORT_RTU ? b->path : b->host,
                    strerror(errno));
            once.failed++;
        }
    }
    return once.failed ? EXIT_FAILED : EXIT_OK;
}
