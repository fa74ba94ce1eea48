/* man_reference TEMPLATE PAGE: copies a manual page, and in place of a line ".\" REFERENCE name" writes the
 * settings of that table, so that the page cannot say anything else than the program does. Run by the build.
 */
#include "daemon/base/buf.h"
#include "daemon/config/loaded.h"
#include "drivers/profile.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const struct schema *schema;
} tables[] = {{"site", &config_schema},
              {"device", &profile_schema},
              {"limit", &limit_schema},
              {"requirement", &requirement_schema},
              {"wording", &wording_schema}};

static const struct schema *named(const char *line)
{
    char name[16];
    if (sscanf(line, ".\\\" REFERENCE %15s", name) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].name, name) == 0)
            return tables[i].schema;
    return NULL;
}

static int fill(FILE *in, FILE *out)
{
    char line[1024];
    while (fgets(line, sizeof line, in)) {
        struct buf text = {0};
        const struct schema *schema = named(line);
        if (schema)
            schema_reference(schema, &text);
        fputs(schema ? text.data : line, out);
        buf_finish(&text);
    }
    return ferror(in) || fflush(out) != 0 || ferror(out);
}

int main(int argc, char **argv)
{
    FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL, *out = in ? fopen(argv[2], "w") : NULL;
    if (!out) {
        fprintf(stderr, "usage: man_reference TEMPLATE PAGE\n");
        return 2;
    }
    int failed = fill(in, out);
    fclose(in);
    return fclose(out) != 0 || failed;
}
