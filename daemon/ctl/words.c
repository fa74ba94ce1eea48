#include "daemon/ctl/words.h"

#include <stddef.h>
#include <string.h>

struct word {
    const char *name, *zh, *en;
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *look_up(const struct word *table, size_t count, const char *name, bool zh)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return zh ? table[i].zh : table[i].en;
    return name;
}

const char *word_quality(const char *letter, bool zh)
{
    static const struct word table[] = {
        {"B", "无通信", "no communication"},
        {"C", "校准", "calibration"},
        {"D", "故障", "fault"},
        {"F", "停运", "stopped"},
        {"M", "维护", "maintenance"},
        {"N", "正常", "normal"},
        {"S", "手工", "manual"},
        {"T", "超量程", "over range"},
    };
    return look_up(table, COUNT(table), letter, zh);
}

const char *word_verdict(const char *verdict, bool zh)
{
    static const struct word table[] = {
        {"breach", "不达标", "breach"}, {"pass", "达标", "pass"}, {"unknown", "不可判定", "unknown"}};
    return look_up(table, COUNT(table), verdict, zh);
}

const char *word_outcome(const char *outcome, bool zh)
{
    static const struct word table[] = {{"changed", "有变化", "changed"},
                                        {"excused", "免除", "excused"},
                                        {"failed", "未做到", "failed"},
                                        {"met", "做到", "met"},
                                        {"unknown", "无证据", "unknown"}};
    return look_up(table, COUNT(table), outcome, zh);
}

const char *word_why(const char *why, bool zh)
{
    static const struct word table[] = {
        {"below range", "低于量程", "below range"},
        {"bus lent", "总线已借出", "bus lent"},
        {"connection refused", "对方拒绝连接", "connection refused"},
        {"exception", "设备返回异常", "exception"},
        {"garbled answer", "应答有误", "garbled answer"},
        {"hung up", "对方断开", "hung up"},
        {"invalid value", "无效值", "invalid value"},
        {"its driver cannot switch the direction", "驱动不能切换收发方向",
         "its driver cannot switch the direction"},
        {"line gone", "线路断开", "line gone"},
        {"line jammed", "线路被占住", "line jammed"},
        {"spike", "单点突变", "spike"},
        {"no answer", "无应答", "no answer"},
        {"no answer from the host", "主机无应答", "no answer from the host"},
        {"no permission", "没有权限", "no permission"},
        {"no such port", "没有这个串口", "no such port"},
        {"no way to the host", "网络不通", "no way to the host"},
        {"not a number", "不是数值", "not a number"},
        {"not a serial port", "不是串口", "not a serial port"},
        {"over range", "超出量程", "over range"},
        {"taken by another program", "被其他程序占用", "taken by another program"},
        {"too many open files", "打开的文件太多", "too many open files"},
        {"unplugged", "已拔出", "unplugged"},
    };
    return look_up(table, COUNT(table), why, zh);
}

const char *word_line(const char *state, bool zh)
{
    static const struct word table[] = {
        {"down", "断开", "gone"},
        {"jammed", "被占住，不停有数据", "jammed"},
        {"unknown", "未知", "unknown"},
        {"up", "已打开", "open"},
    };
    return look_up(table, COUNT(table), state, zh);
}

const char *word_place(const char *cause, bool zh)
{
    static const struct word table[] = {{"max", "各测点中最高的", "the highest of the points"},
                                        {"mean", "各测点平均", "the mean of the points"}};
    return look_up(table, COUNT(table), cause, zh);
}

const char *word_state(const char *state, bool zh)
{
    static const struct word table[] = {
        {"assigned", "已交办", "assigned"},
        {"closed", "已销号", "closed"},
        {"confirmed", "已确认", "confirmed"},
        {"data", "数据异常", "data"},
        {"critical", "重大", "critical"},
        {"device", "设备故障", "device"},
        {"dismissed", "误报", "dismissed"},
        {"down", "离线", "down"},
        {"doubt", "数据存疑", "doubt"},
        {"finding", "人员发现问题", "finding"},
        {"found", "疑似", "found"},
        {"general", "一般", "general"},
        {"green", "绿灯", "green"},
        {"jammed", "线路被占住", "jammed"},
        {"limit", "扬尘超标", "limit"},
        {"major", "较大", "major"},
        {"quarantined", "隔离", "quarantined"},
        {"red", "红灯", "red"},
        {"requirement", "六个百分之百不到位", "requirement"},
        {"review", "待复核", "review"},
        {"unknown", "未知", "unknown"},
        {"up", "在线", "up"},
        {"wash", "车辆未冲洗", "wash"},
        {"working", "整改中", "working"},
        {"yellow", "黄灯", "yellow"},
    };
    return look_up(table, COUNT(table), state, zh);
}

const char *word_warning(const char *what, bool zh)
{
    static const struct word table[] = {
        {"alerts_not_taken", "提醒发不出去", "alerts are not taken"},
        {"commands_refused", "不接受指令（权限未分开）", "commands are refused"},
        {"broker_down", "MQTT 未连接", "broker not connected"},
        {"bus_busy", "总线负荷过高", "bus too busy"},
        {"bus_down", "总线断开", "bus gone"},
        {"bus_jammed", "总线被占住，不停有数据", "bus jammed"},
        {"bus_stuck", "总线线程停滞", "the bus thread stands still"},
        {"calibration_due", "校准将在 30 天内到期", "calibration due within 30 days"},
        {"calibration_over", "校准已过期", "calibration is over"},
        {"certificate_ended", "证书已过期", "certificate has ended"},
        {"certificate_ends", "证书将在 30 天内到期", "certificate ends within 30 days"},
        {"certificate_unreadable", "证书读不出", "certificate cannot be read"},
        {"clock_undated", "开机后时钟尚未校准，数据暂存", "clock not right since the boot, data are held"},
        {"clock_unsynced", "时钟未同步", "clock not synchronised"},
        {"device_down", "设备离线或被隔离", "device down or quarantined"},
        {"disk_low", "磁盘空间不足", "disk nearly full"},
        {"no_key", "没有网关密钥，日志未签名", "no key, the journal is not signed"},
        {"store_stuck", "磁盘写不进去", "the disk cannot be written"},
    };
    return look_up(table, COUNT(table), what, zh);
}

const char *word_certificate(const char *what, bool zh)
{
    static const struct word table[] = {{"ca", "CA 证书", "CA"}, {"client", "客户端证书", "client"}};
    return look_up(table, COUNT(table), what, zh);
}

/* The machine's verbs stand last: nobody may ask for them. */
static const struct word verbs[] = {
    {"accept", "接办", "accept"},   {"answer", "回复", "answer"},       {"assign", "交办", "assign"},
    {"close", "销号", "close"},     {"confirm", "确认", "confirm"},     {"dismiss", "认定为误报", "dismiss"},
    {"note", "备注", "note"},       {"rectify", "整改完成", "rectify"}, {"return", "复核退回", "return"},
    {"inspect", "复查", "inspect"}, {"photo", "照片", "photo"},         {"evidence", "新增证据", "evidence"},
    {"open", "发现", "open"},       {"recover", "自动恢复", "recover"},
};

enum { PERSONS_VERBS = 11 };

const char *word_verb(const char *verb, bool zh)
{
    return look_up(verbs, COUNT(verbs), verb, zh);
}

bool word_is_verb(const char *verb)
{
    for (size_t i = 0; i < PERSONS_VERBS; i++)
        if (strcmp(verbs[i].name, verb) == 0)
            return true;
    return false;
}

/* By a part of what the daemon says; the first that fits counts. */
static const struct {
    const char *part, *zh;
} refusals[] = {
    {"'open' makes a new issue", "新发现的问题用 dustctl issue open 登记"},
    {"may not 'open'", "此人的角色不能登记新问题"},
    {"there is no category", "没有这个类别，可用的类别见后"},
    {"needs a place", "请写明地点"},
    {"the place has", "地点太长（至多约 31 个汉字），或含有 |"},
    {"'open' needs a text", "请写明发现了什么（至多约 133 个汉字）"},
    {"needs how it was found",
     "请写明发现方式：inspection 检查 spot 抽查 unannounced 暗访 visit 观摩 complaint 群众"},
    {"there is no level", "等级只能是 general 一般 major 较大 critical 重大"},
    {"is open for this category", "这个类别和地点已有未销号的问题，请在那里加备注或照片"},
    {"takes a photo of before", "须先有整改前的照片"},
    {"takes a photo of after", "须先有整改后的照片"},
    {"takes a fresh inspection", "销号前须复查（inspect）"},
    {"windows that were kept", "销号前达标的时段还不够"},
    {"a photo of after is possible", "整改中或待复核时才有整改后的照片"},
    {" photos; allowed", "这个问题的照片已满"},
    {"has passed; allowed", "期限已过，请写将来的时间"},
    {"ten years away", "期限太远"},
    {"is after the campaign's phase", "期限晚于专项行动本阶段的最后一天"},
    {" is possible from ", "问题在当前状态下不能办理这一步"},
    {" may not '", "此人的角色无权办理这一步；责任单位不能给自己确认、退回、销号"},
    {"busy", "dustd 正忙，请稍后再试"},
    {"is not of the site or the contractor", "只能交办给工地或施工单位的人员"},
    {"is the machine's", "这一步只由系统自动办理"},
    {"needs a person", "请用 --person 写明交办给谁"},
    {"needs a text", "请写明情况、措施或理由"},
    {"no such issue", "没有这个编号的问题"},
    {"only root may act", "只有 root 能用 --as"},
    {"reloading is for root", "只有 root、工地人员和领导小组办公室能重新读取配置"},
    {"lending a bus is for root", "只有 root、工地人员和领导小组办公室能借用总线"},
    {"lent already", "这条总线已经借出"},
    {"could not be switched off", "喷淋输出关不掉，总线不借出"},
    {"a loan would have no row", "磁盘写不进去，借用无法记录，总线不借出"},
    {"root acts for a person", "root 须用 --as 写明以谁的名义办理"},
    {"the text has", "说明文字太长，或含有控制字符"},
    {"the text is not valid", "说明文字不是有效的 UTF-8"},
    {"there is no issue", "没有这个编号的问题"},
    {"there is no person", "配置中没有这个人"},
    {"too many clients", "连接太多，请稍后再试"},
    {"your user is no person", "您的系统用户不在本工地的人员名单中，只能查看"},
};

const char *word_refusal(const char *error)
{
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (strstr(error, refusals[i].part))
            return refusals[i].zh;
    return NULL;
}
