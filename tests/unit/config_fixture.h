/* For the tests of the configuration: a directory of the test's own and a small configuration to spoil. */
#ifndef DUST_CONFIG_FIXTURE_H
#define DUST_CONFIG_FIXTURE_H

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SHIPPED    "config/dustd.yaml"
#define LIMIT_HEAD "title: {zh: 限, en: Limit}\nstandard: x\nsource: test\nrules:\n"
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* The directory is searched before config/. */
struct fixture {
    char dir[32];
    char *file;
    const char *dirs[3];
};

static inline void write_file(const struct fixture *f, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", f->dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    mem_free(path);
}

static inline void make_dir(const struct fixture *f, const char *name)
{
    char *path = mem_printf("%s/%s", f->dir, name);
    mkdir(path, 0700);
    mem_free(path);
}

static inline int setup(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    strcpy(f->dir, "/tmp/dust-config-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    f->file = mem_printf("%s/f.yaml", f->dir);
    f->dirs[0] = f->dir;
    f->dirs[1] = "config";
    make_dir(f, "devices");
    make_dir(f, "limits");
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "f.yaml", "g.yaml", "devices/mine.yaml", "limits/mine.yaml", "devices", "limits", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = mem_printf("%s/%s", f->dir, names[i]);
        remove(path);
        mem_free(path);
    }
    mem_free(f->file);
    mem_free(f);
    return 0;
}

static inline char *printed(const struct config *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    config_print(c, out);
    fclose(out);
    return text; /* free() of open_memstream's own */
}

static inline struct config *load(const struct fixture *f, const char *file)
{
    struct config *c = NULL;
    struct complaint why;
    if (config_load(file, f->dirs, &c, &why))
        fail_msg("%s", why.text);
    return c;
}

static const char base[] = "site: {name: s, title: {zh: 工地, en: Site}}\n"                   /* 1 */
                           "buses:\n"                                                         /* 2 */
                           "  line: {path: /dev/ttyS0}\n"                                     /* 3 */
                           "  net: {transport: tcp, host: 127.0.0.1}\n"                       /* 4 */
                           "devices:\n"                                                       /* 5 */
                           "  a: {bus: line, profile: nova-sds069, unit_id: 1}\n"             /* 6 */
                           "  b: {bus: line, profile: nova-sds069, unit_id: 2}\n"             /* 7 */
                           "  c: {bus: net, profile: louvre-pm-weather, unit_id: 1}\n"        /* 8 */
                           "people:\n"                                                        /* 9 */
                           "  boss: {title: 经理, roles: [site, office], unix_user: clerk}\n" /* 10 */
                           "limits:\n"                                                        /* 11 */
                           "  shanxi-taiyuan: {person: boss}\n"                               /* 12 */
                           "mqtt:\n"                                                          /* 13 */
                           "  x: {host: broker.example.org}\n";                               /* 14 */

static inline char *replaced(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    if (!at)
        fail_msg("no \"%s\" in the base text", old);
    return mem_printf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static inline struct config *load_with(struct fixture *f, const char *old, const char *new)
{
    char *text = replaced(base, old, new);
    write_file(f, "f.yaml", text);
    mem_free(text);
    return load(f, f->file);
}

#endif
