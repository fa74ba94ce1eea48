/* A public notice (通报): who answers for what, by when, and how it stands; nothing by which a person could
 * be found. */
#include "daemon/ctl/report.h"

#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/mask.h"

#include <string.h>

/* People, and what they wrote for the ledger's own readers. */
static const char *const personal[] = {"person", "phone", "reviewer", "closer", "note"};
/* Written by people too, but a notice needs it. */
static const char *const masked[] = {"place", "problem", "basis", "measure", "result"};

/* A lead against somebody is no finding before a person has confirmed it; a false alarm is none at all. */
static bool is_told(const json_t *issue)
{
    const char *state = text_of(issue, "state");
    return strcmp(state, "found") != 0 && strcmp(state, "dismissed") != 0;
}

static void clean(json_t *issue, const char *const *names, int n, bool zh)
{
    for (size_t i = 0; i < sizeof personal / sizeof *personal; i++)
        json_object_set_new(issue, personal[i], json_string(""));
    for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) {
        char *text = mask_text(text_of(issue, masked[i]), names, n, zh);
        json_object_set_new(issue, masked[i], json_string(text));
        mem_free(text);
    }
}

void report_to_notice(const struct gathered *g, json_t *report, bool zh)
{
    size_t i;
    json_t *issue, *kept = json_array(), *person;
    const char *name, **names = mem_array(json_object_size(g->people) + 1, sizeof *names);
    int n = 0, left_out = 0;
    json_object_foreach(g->people, name, person) names[n++] = text_of(person, "title");
    json_array_foreach(json_object_get(report, "issues"), i, issue)
    {
        if (!is_told(issue)) {
            left_out++;
            continue;
        }
        clean(issue, names, n, zh);
        json_object_set_new(issue, "no", json_sprintf("%d", (int)json_array_size(kept) + 1));
        json_array_append(kept, issue);
    }
    json_object_set_new(report, "issues", kept);
    json_object_set_new(report, "left_out", json_integer(left_out));
    mem_free(names);
}
