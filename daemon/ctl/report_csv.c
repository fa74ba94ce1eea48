#include "daemon/ctl/report.h"

#include "daemon/ctl/csv.h"
#include "daemon/ctl/ctl.h"

enum { COLUMNS = 27 };

void report_csv(const struct ctl *c, const json_t *report, struct buf *out)
{
    const char *cells[COLUMNS];
    char times[COLUMNS][32];
    size_t i;
    const json_t *issue;
    csv_begin(out);
    for (int k = 0; k < COLUMNS; k++)
        cells[k] = say(c, report_columns[k].zh, report_columns[k].en);
    csv_line(out, cells, COLUMNS);
    json_array_foreach(json_object_get(report, "issues"), i, issue)
    {
        for (int k = 0; k < COLUMNS; k++)
            cells[k] = report_cell(c, issue, &report_columns[k], times[k]);
        csv_line(out, cells, COLUMNS);
    }
}
