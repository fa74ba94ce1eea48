#include "daemon/base/err.h"
#include "daemon/ctl/ctl.h"

#include <stdio.h>

/* The daemon's refusal names file, line and column: it has been shown by then. */
int verb_reload(struct ctl *c)
{
    json_t *request = json_pack("{s:s}", "do", "reload");
    json_t *result = ctl_result_as(c, request);
    if (!result)
        return EXIT_FAILED;
    if (c->json) {
        print_json(result);
    } else {
        const json_t *buses = json_object_get(result, "buses"), *mqtt = json_object_get(result, "mqtt");
        puts(is_true(result, "changed") ? say(c, "新配置已生效", "the new settings are in force")
                                        : say(c, "配置没有变化", "the settings have not changed"));
        printf(say(c, "不中断：总线 %lld/%lld，MQTT %lld/%lld\n",
                   "not interrupted: buses %lld of %lld, MQTT %lld of %lld\n"),
               (long long)int_of(buses, "kept"), (long long)int_of(buses, "of"),
               (long long)int_of(mqtt, "kept"), (long long)int_of(mqtt, "of"));
    }
    json_decref(result);
    return EXIT_OK;
}
