/* Checks that a person's look answers. */
#include "daemon/base/mem.h"
#include "daemon/base/schema.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"

#include <stdio.h>
#include <string.h>

const struct check *config_attest(const struct config *c, const char *name)
{
    for (int i = 0; i < c->requirements.n; i++) {
        const struct requirement *r = &c->requirements.list[i];
        size_t length = strlen(r->name);
        for (int k = 0; k < r->nchecks; k++)
            if (r->checks[k].kind == CHECK_ATTEST && strncmp(name, r->name, length) == 0 &&
                name[length] == '/' && strcmp(name + length + 1, r->checks[k].name) == 0)
                return &r->checks[k];
    }
    return NULL;
}

bool config_attest_near(const struct config *c, const char *name, char near[static 64])
{
    int n = 0;
    char **names = mem_array(1, sizeof *names);
    for (int i = 0; i < c->requirements.n; i++)
        for (int k = 0; k < c->requirements.list[i].nchecks; k++) {
            const struct requirement *r = &c->requirements.list[i];
            if (r->checks[k].kind != CHECK_ATTEST)
                continue;
            names = mem_resize(names, (size_t)n + 2, sizeof *names);
            names[n++] = mem_printf("%s/%s", r->name, r->checks[k].name);
            names[n] = NULL;
        }
    const char *found = schema_suggest(name, (const char *const *)names);
    snprintf(near, 64, "%s", found ? found : "");
    for (int i = 0; i < n; i++)
        mem_free(names[i]);
    mem_free(names);
    return near[0] != 0;
}

bool config_attests(const struct check *c, unsigned roles)
{
    return (c->by & ROLES_UNIT || !(roles & ROLES_UNIT)) && roles & c->by;
}
