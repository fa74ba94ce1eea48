#include "daemon/config/stage.h"
#include "daemon/config/stage_words.h"

const struct word stage_words[] = {{"demolition", STAGE_DEMOLITION},
                                   {"earthwork", STAGE_EARTHWORK},
                                   {"foundation", STAGE_FOUNDATION},
                                   {"structure", STAGE_STRUCTURE},
                                   {"finishing", STAGE_FINISHING},
                                   {"suspended", STAGE_SUSPENDED},
                                   {0}};

const char *stage_str(enum stage stage)
{
    for (const struct word *w = stage_words; w->text; w++)
        if (w->value == (long)stage)
            return w->text;
    return "unknown";
}
