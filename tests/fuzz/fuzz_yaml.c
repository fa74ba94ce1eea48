/* Any bytes as a YAML file: a tree or a message, never a crash; and the tree can be walked. */
#include "daemon/base/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct yaml_node *node, int depth)
{
    if (depth > 16 || node->line < 1 || node->column < 1)
        abort();
    if (node->kind == YAML_SCALAR && strlen(node->text) > 256 * 1024)
        abort();
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_MAP && !yaml_get(node, node->keys[i].text))
            abort();
        walk(&node->items[i], depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_doc *doc = NULL;
    struct complaint why = {{0}};
    int error = yaml_parse("fuzz", (const char *)data, size, &doc, &why);
    if (error && (doc || strncmp(why.text, "fuzz:", 5) != 0))
        abort();
    if (!error)
        walk(yaml_root(doc), 0);
    yaml_close(doc);
    return 0;
}
