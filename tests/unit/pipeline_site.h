/* The site of a pipeline_rig: two buses with a device and a point each, a limit, two persons, a broker. It
 * comes from no file, so what prints and finds in a configuration is here too. */
#ifndef DUST_PIPELINE_SITE_H
#define DUST_PIPELINE_SITE_H

#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/config/person.h"
#include "drivers/device.h"

#include <math.h>

enum { RIG_POINTS = 2, RIG_EVERY_MS = 5000 };

static struct point rig_point = {.name = "pm10",
                                 .title_zh = "",
                                 .title_en = "",
                                 .unit = "ug/m3",
                                 .role = "pm10",
                                 .table = TABLE_HOLDING,
                                 .type = TYPE_U16,
                                 .bit = -1,
                                 .scale = 1,
                                 .low = NAN,
                                 .high = NAN};
static struct profile rig_profile = {.name = "rig", .points = &rig_point, .npoints = 1, .max_registers = 125};
static struct device rig_devices[RIG_POINTS] = {
    {.name = "a", .title_zh = "", .title_en = "", .profile = &rig_profile, .unit_id = 1, .period_ms = 1000},
    {.name = "b",
     .title_zh = "",
     .title_en = "",
     .profile = &rig_profile,
     .unit_id = 2,
     .period_ms = 1000,
     .index = 1,
     .first_point = 1}};
static const struct device *const rig_on_bus[] = {&rig_devices[0], &rig_devices[1]};
static struct bus_config rig_buses[] = {
    {.name = "one", .host = "", .path = "", .devices = rig_on_bus, .ndevices = 1},
    {.name = "two", .host = "", .path = "", .devices = rig_on_bus + 1, .ndevices = 1, .index = 1}};
static struct config_point rig_points[] = {{&rig_devices[0], &rig_point, "a/pm10"},
                                           {&rig_devices[1], &rig_point, "b/pm10"}};
static struct limit rig_limit = {.id = "test/pm10-hour",
                                 .title_zh = "",
                                 .title_en = "",
                                 .standard = "",
                                 .source = "",
                                 .doubt = "",
                                 .role = "pm10",
                                 .window_ms = CLOCK_HOUR_MS,
                                 .compare = COMPARE_REACHES,
                                 .value = 250,
                                 .unit = "ug/m3",
                                 .over = OVER_EACH,
                                 .valid_from_ms = INT64_MIN,
                                 .valid_to_ms = INT64_MAX,
                                 .action_zh = "",
                                 .action_en = "",
                                 .person = "manager"};
static struct person rig_people[] = {{"manager", "项目经理", ROLE_SITE, "m", "", "", "", "", NULL, 0},
                                     {"officer", "办公室", ROLE_OFFICE, "", "", "", "", "", NULL, 0}};
static struct mqtt_config rig_mqtt = {.name = "broker",
                                      .host = "127.0.0.1",
                                      .client_id = "",
                                      .username = "",
                                      .password_file = "",
                                      .ca_file = "",
                                      .cert_file = "",
                                      .key_file = ""};
static struct config rig_config = {.file = "rig",
                                   .language = "en",
                                   .site = {.name = "example",
                                            .title_zh = "示例工地",
                                            .title_en = "Example Site",
                                            .community = "",
                                            .contractor = "",
                                            .authority = "",
                                            .address = "",
                                            .issue_prefix = "EX",
                                            .longitude = NAN,
                                            .latitude = NAN,
                                            .zone_min = 480},
                                   .store = {.dir = "",
                                             .commit_every_ms = RIG_EVERY_MS,
                                             .keep_raw_ms = 30 * (int64_t)CLOCK_DAY_MS,
                                             .keep_minutes_ms = 60 * (int64_t)CLOCK_DAY_MS,
                                             .max_size = 64000000},
                                   .control_socket = "",
                                   .live_every_ms = 10000,
                                   .health_every_ms = 10 * CLOCK_MINUTE_MS,
                                   .buses = rig_buses,
                                   .nbuses = 2,
                                   .devices = rig_devices,
                                   .ndevices = 2,
                                   .points = rig_points,
                                   .npoints = RIG_POINTS,
                                   .limits = &rig_limit,
                                   .nlimits = 1,
                                   .people = rig_people,
                                   .npeople = 2,
                                   .mqtt = &rig_mqtt,
                                   .nmqtt = 1};

/* The rig's configuration was not loaded from a file, so the real ones cannot print it. */
void config_print(const struct config *c, FILE *out)
{
    fprintf(out, "site: {name: %s}\n", c->site.name);
}

void config_hash(const struct config *c, char hex[static 65])
{
    uint8_t hash[HASH_SIZE];
    char *text = mem_printf("%s %s", c->site.name, c->file);
    hash_bytes(text, strlen(text), hash);
    mem_free(text);
    hash_hex(hash, hex);
}

#endif
