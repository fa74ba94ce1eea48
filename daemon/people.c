#include "daemon/dustd.h"

#include "daemon/base/log.h"
#include "daemon/base/mem.h"

#include <errno.h>
#include <pwd.h>

void people_lookup(struct dustd *d)
{
    mem_free(d->person_uid);
    d->person_uid = mem_array((size_t)d->config->npeople, sizeof *d->person_uid);
    for (int i = 0; i < d->config->npeople; i++) {
        const char *user = d->config->people[i].unix_user;
        errno = 0;
        const struct passwd *entry = user[0] ? getpwnam(user) : NULL;
        if (!entry && errno == ENOMEM)
            mem_exhausted();
        d->person_uid[i] = entry ? entry->pw_uid : (uid_t)-1;
        if (user[0] && !entry)
            log_warning("person %s: there is no user %s on this machine", d->config->people[i].name, user);
    }
}
