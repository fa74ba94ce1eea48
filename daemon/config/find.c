/* Finding the files that the site's file names, and saying what there is when one is not there. */
#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/loaded.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct names {
    char **list; /* NULL-ended */
    size_t count;
};

static void add_names(struct names *names, const char *dir, const char *kind)
{
    char *path = mem_printf("%s/%s", dir, kind);
    DIR *d = opendir(path);
    if (!d && errno == ENOMEM)
        mem_exhausted();
    mem_free(path);
    for (const struct dirent *e; d && (e = readdir(d));) {
        size_t length = strlen(e->d_name);
        if (length <= 5 || strcmp(e->d_name + length - 5, ".yaml") != 0)
            continue;
        names->list = mem_resize(names->list, names->count + 2, sizeof(*names->list));
        names->list[names->count++] = mem_string_n(e->d_name, length - 5);
        names->list[names->count] = NULL;
    }
    if (d)
        closedir(d);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum { LIST_BYTES = 200 };

/* As many as one line of a message can hold. */
static void list_names(const struct names *names, struct buf *list)
{
    size_t left = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (i > 0 && strcmp(names->list[i], names->list[i - 1]) == 0)
            continue;
        if (list->length < LIST_BYTES)
            buf_printf(list, " %s", names->list[i]);
        else
            left++;
    }
    if (left)
        buf_printf(list, " and %zu more", left);
}

static int refuse_name(const struct loading *l, const char *kind, const char *name,
                       const struct yaml_node *at)
{
    struct names names = {.list = mem_array(1, sizeof(char *))};
    for (const char *const *dir = l->dirs; dir && *dir; dir++)
        add_names(&names, *dir, kind);
    qsort(names.list, names.count, sizeof(*names.list), by_name);
    const char *near = schema_suggest(name, (const char *const *)names.list);
    struct buf list = {0};
    list_names(&names, &list);
    yaml_complain(l->doc, at, l->why, "found \"%s\", but no file %s/%s.yaml%s%s%s; allowed:%s", name, kind,
                  name, near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "",
                  list.data ? list.data : " none, no directory has such files");
    buf_finish(&list);
    for (size_t i = 0; i < names.count; i++)
        mem_free(names.list[i]);
    mem_free(names.list);
    return ERR_FORMAT;
}

int find_file(const struct loading *l, const char *kind, const char *name, const struct yaml_node *at,
              char **path)
{
    for (const char *const *dir = l->dirs; dir && *dir; dir++) {
        *path = mem_printf("%s/%s/%s.yaml", *dir, kind, name);
        if (access(*path, F_OK) == 0)
            return ERR_OK;
        mem_free(*path);
    }
    *path = NULL;
    return refuse_name(l, kind, name, at);
}
