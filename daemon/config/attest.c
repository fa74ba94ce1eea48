/* Checks that a person's look answers. */
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"

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

bool config_attests(const struct check *c, unsigned roles)
{
    return (c->by & ROLES_UNIT || !(roles & ROLES_UNIT)) && roles & c->by;
}
