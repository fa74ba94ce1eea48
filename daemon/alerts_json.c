#include "daemon/dustd.h"

#include "daemon/alert/outbox.h"
#include "daemon/base/clock.h"
#include "daemon/config/config.h"

json_t *alerts_channels_json(const struct dustd *d, int64_t now_ms)
{
    json_t *list = json_array();
    for (int i = 0; i < d->config->nchannels; i++) {
        const struct channel_config *c = &d->config->channels[i];
        struct outbox_channel s = outbox_channel(d->alerts.outbox, i);
        json_t *j =
            json_pack("{s:s,s:s,s:b,s:i,s:i,s:I,s:I}", "name", c->name, "kind", channel_kind_str(c->kind),
                      "fine", s.failed == 0, "waiting", s.waiting, "urgent", s.urgent, "taken",
                      (json_int_t)s.taken, "refused", (json_int_t)s.refused);
        if (s.waiting && clock_is_dated(s.oldest_ms) && now_ms >= s.oldest_ms)
            json_object_set_new(j, "oldest_ms", json_integer(now_ms - s.oldest_ms));
        if (s.why[0])
            json_object_set_new(j, "why", json_string(s.why));
        int64_t next_ms = s.next_ms - clock_wire_us() / 1000;
        if (s.failed && !s.sending)
            json_object_set_new(j, "next_try_ms", json_integer(next_ms > 0 ? next_ms : 0));
        json_array_append_new(list, j);
    }
    return list;
}

json_t *alerts_queues_json(const struct dustd *d)
{
    json_t *list = json_array();
    struct outbox_queue q;
    for (int i = 0; outbox_queue(d->alerts.outbox, i, &q); i++) {
        json_t *j = json_pack("{s:s,s:s,s:i,s:i}", "person", q.person, "channel", q.channel, "waiting",
                              q.waiting, "urgent", q.urgent);
        if (q.waiting && clock_is_dated(q.oldest_ms))
            json_object_set_new(j, "oldest", json_integer(q.oldest_ms));
        json_array_append_new(list, j);
    }
    return list;
}

void alerts_warn(const struct dustd *d, json_t *list)
{
    for (int i = 0; d->alerts.outbox && i < d->config->nchannels; i++)
        if (outbox_channel(d->alerts.outbox, i).failed)
            json_array_append_new(list, json_pack("{s:s,s:s}", "what", "alerts_not_taken", "about",
                                                  d->config->channels[i].name));
}
