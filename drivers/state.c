/* The words for states, and which of them mean trouble. */
#include "drivers/device.h"

const char *line_state_str(enum line_state state)
{
    static const char *const texts[] = {
        [LINE_UNKNOWN] = "unknown", [LINE_UP] = "up", [LINE_DOWN] = "down", [LINE_JAMMED] = "jammed"};
    return texts[state];
}

const char *device_state_str(enum device_state state)
{
    static const char *const texts[] = {[DEVICE_UNKNOWN] = "unknown",
                                        [DEVICE_UP] = "up",
                                        [DEVICE_DOWN] = "down",
                                        [DEVICE_QUARANTINED] = "quarantined"};
    return texts[state];
}

bool device_fails(enum device_state state)
{
    return state == DEVICE_DOWN || state == DEVICE_QUARANTINED;
}
