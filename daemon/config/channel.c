/* Names of channels and of their kinds. */
#include "daemon/config/channel.h"
#include "daemon/config/loaded.h"
#include "daemon/config/lookup.h"

#include <string.h>

const struct word channel_kind_words[] = {{"wecom", CHANNEL_WECOM},
                                          {"dingtalk", CHANNEL_DINGTALK},
                                          {"feishu", CHANNEL_FEISHU},
                                          {"webhook", CHANNEL_WEBHOOK},
                                          {"smtp", CHANNEL_SMTP},
                                          {"mqtt", CHANNEL_MQTT},
                                          {0}};

const char *channel_kind_str(enum channel_kind k)
{
    return channel_kind_words[k].text;
}

const struct channel_config *config_channel(const struct config *c, const char *name)
{
    for (int i = 0; i < c->nchannels; i++)
        if (strcmp(c->channels[i].name, name) == 0)
            return &c->channels[i];
    return NULL;
}
