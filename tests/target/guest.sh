#!/bin/bash
# Runs inside the guest of test_boot.py, started by systemd when it is up: installs, breaks, upgrades and removes the
# package, and tells what it finds on the console, a line each: FACT name value. It judges nothing.
exec >/dev/console 2>&1
cd /boot-test || exit

fact() { printf 'FACT %s %s\n' "$1" "$(tr '\n' '\037' <<<"$2")"; }
pid() { systemctl show -p MainPID --value dustd; }
# until SECONDS COMMAND...: as often as it takes.
until_true() {
    local left=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $left ] || return 1
        sleep 0.3
    done
}
rows() { dustctl --json status 2>/dev/null | grep -oE '"committed": *[0-9]+' | grep -oE '[0-9]+$' || echo 0; }
more_than() { [ "$(rows)" -gt "$1" ]; }
measured() { dustctl --json devices 2>/dev/null | grep -qE '"v": *-?[0-9]'; }
has_minute() { dustctl export --rows 2>/dev/null | grep -q '"kind": *"minute"'; }
state() { fact "$1.active" "$(systemctl is-active dustd)" && fact "$1.version" "$(dustctl --json status)"; }

# Things that only a sandbox keeps from dustd.
mkdir -m 777 /etc/loose /usr/loose /var/lib/loose
install -m 644 /dev/null /home/loose
mknod -m 666 /dev/loose-zero c 1 11 # the kernel's log
mknod -m 666 /dev/loose-disk b 98 0 # the disk we run on

# install
dpkg -i old.deb
fact install.status $?
fact install.enabled "$(systemctl is-enabled dustd)"
until_true 20 systemctl -q is-active dustd
fact install.active "$(systemctl is-active dustd)"
cp site.yaml /etc/dustd/dustd.yaml
systemctl restart dustd
fact start.status $?
until_true 60 measured
fact start.devices "$(dustctl --json devices)"
fact start.process "$(grep -E '^(Uid|Gid|Groups|NoNewPrivs|Seccomp|CapEff|CapBnd):' "/proc/$(pid)/status")"
fact start.show "$(systemctl show dustd -p NoNewPrivileges -p ProtectSystem -p ProtectHome -p PrivateTmp -p DevicePolicy \
    -p MemoryDenyWriteExecute -p RestrictNamespaces -p CapabilityBoundingSet -p NRestarts -p StatusText -p WatchdogUSec)"
fact start.modes "$(stat -c '%a %U:%G %n' /var/lib/dustd /run/dustd /run/dustd/control.sock /etc/dustd/dustd.yaml)"

# killed
before=$(pid)
[ "$before" -gt 1 ] && kill -9 "$before"
until_true 30 sh -c "[ \"\$(systemctl show -p MainPID --value dustd)\" != $before ] && systemctl -q is-active dustd"
until_true 20 measured
state killed

# upgrade with data
until_true 90 has_minute
dustctl export --rows >before.jsonl
fact upgrade.before "$(wc -l <before.jsonl)"
sum=$(sha256sum /etc/dustd/dustd.yaml) old=$(pid)
fact upgrade.old "$(dpkg-query -W -f '${Version}' dustd)"
dpkg --force-confold -i new.deb
fact upgrade.status $?
until_true 20 systemctl -q is-active dustd
until_true 20 measured
fact upgrade.new "$(dpkg-query -W -f '${Version}' dustd)"
fact upgrade.restarted "$([ "$(pid)" != "$old" ] && echo yes)"
fact upgrade.config "$(sha256sum /etc/dustd/dustd.yaml | cmp -s - <(echo "$sum") && echo kept)"
state upgrade
seen=$(rows)
until_true 30 more_than "$seen"
fact upgrade.more "$([ "$(rows)" -gt "$seen" ] && echo yes)"
dustctl export --rows >after.jsonl
# the rows of before, without the first and the last line of the export, are the first ones of after
sed '1d;$d' before.jsonl >rows-before
fact upgrade.kept "$(sed '1d;$d' after.jsonl | head -n "$(wc -l <rows-before)" | cmp -s - rows-before && echo yes)"
# the reports' units: both kinds as their timers would start them, and the timers themselves
reports=/var/lib/dustd-reports
for kind in weekly half-month; do
    systemctl start "dustd-report@$kind.service"
    fact "report.$kind.status" $?
    fact "report.$kind.result" "$(systemctl show -p Result -p ExecMainStatus "dustd-report@$kind.service")"
    systemctl enable --now "dustd-report-$kind.timer"
    fact "report.$kind.timer" "$(systemctl is-active "dustd-report-$kind.timer"; systemctl show -p NextElapseUSecRealtime "dustd-report-$kind.timer")"
    systemctl disable --now "dustd-report-$kind.timer"
done
fact report.journal "$(journalctl -u 'dustd-report@*' --no-pager -o cat | tail -n 20)"
fact report.files "$(cd $reports && stat -c '%a %U:%G %n' -- *)"
fact report.pages "$(grep -c '</html>' $reports/*.html)"
fact report.tables "$(for table in $reports/*.csv; do head -c 3 "$table" | od -An -tx1; done)"
fact report.heads "$(head -qn 1 $reports/*.csv | grep -c 序号)"
fact report.rows "$(dustctl export --rows | grep -c '"kind":"report"')"
systemctl stop dustd
fact stop.result "$(systemctl show -p Result -p ExecMainStatus dustd)"
journal=$(head -n 1 before.jsonl | grep -oE '[0-9a-f]{32}' | head -n 1)
sed "s/^{/{\"journal\":\"$journal\",/" rows-before >heads.jsonl
fact verify.said "$(dustctl --db /var/lib/dustd/dust.db verify --heads heads.jsonl; echo "status $?")"
# The same sandbox, another program; dustd itself, which is stopped, would let nobody else use its line.
sed -e 's,/usr/sbin/dustd\( --config.*\)\?,/usr/lib/unit_probe,' -e 's/^Type=.*/Type=oneshot/' \
    -e '/^\(WatchdogSec\|Restart\|ExecReload\|NotifyAccess\|RestartPreventExitStatus\)/d' \
    -e '/^\[Service\]/a StandardOutput=file:/run/probe.txt\nRuntimeDirectoryPreserve=yes\nRemainAfterExit=no' \
    /usr/lib/systemd/system/dustd.service >/run/systemd/system/dust-probe.service
cp -r /usr/lib/systemd/system/dustd.service.d /run/systemd/system/dust-probe.service.d
cp unit_probe /usr/lib/unit_probe
systemctl daemon-reload
systemctl start dust-probe
fact probe.inside "$(cat /run/probe.txt)"
fact probe.outside "$(setpriv --reuid dustd --regid dustd --groups dialout /usr/lib/unit_probe)"
rm -f /var/lib/dustd/probe /run/dustd/probe
fact probe.security "$(systemd-analyze security --no-pager dustd.service | tail -n 1)"
systemctl start dustd

# remove, purge
dpkg -r dustd
fact remove.status $?
fact remove.active "$(systemctl is-active dustd)"
fact remove.left "$(ls -d /usr/sbin/dustd /usr/bin/dustctl /usr/lib/systemd/system/dustd.service /etc/dustd/dustd.yaml \
    /var/lib/dustd/dust.db 2>/dev/null)"
dpkg -P dustd
fact purge.status $?
fact purge.left "$(ls -d /etc/dustd /var/lib/dustd /run/dustd /usr/share/dustd /usr/lib/systemd/system/dustd* \
    /etc/systemd/system/*/dustd* 2>/dev/null)"
fact journal "$(journalctl -u dustd --no-pager -o cat | head -c 6000)"
fact failed "$(systemctl --failed --no-legend --plain | grep -v systemd-modules-load)"
fact 'done' yes
systemctl poweroff
