#!/bin/bash
# Runs as init in the guest of test_remount.py, whose disk is dustd's state directory and whose root is the host's, of which
# nothing but the folder in $DUST_HERE is written. Tells what it finds, a line each: FACT name value. It judges nothing.
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t tmpfs tmp /run
mkdir -p /dev/pts && mount -t devpts pts /dev/pts
cd "$DUST_HERE" || poweroff -f
clock="--clock-rate 60 --clock-start 2026-03-05T08:00:00+08:00"

fact() { printf 'FACT %s %s\n' "$1" "$(tr '\n' '\037' <<<"$2")"; }
ctl() { "$DUST_BUILD/dustctl" --socket control.sock "$@" 2>/dev/null; }
# until_said SECONDS TEXT: as long as the status says no such thing.
until_said() {
    local left=$((SECONDS + $1))
    until ctl --json status | grep -qE "$2"; do
        [ $SECONDS -lt $left ] || return 1
        sleep 0.2
    done
}
# phase NAME: what the daemon says, what it holds open, what a question about old rows gets.
phase() {
    fact "$1.status" "$(ctl --json status)"
    fact "$1.open" "$(find "/proc/$daemon/fd" -lname "$PWD/state/*" | wc -l)"
    fact "$1.rows" "$(ctl export --rows | grep -c '"kind"')"
}

mount -o errors=remount-ro /dev/ubda state
# shellcheck disable=SC2086  # several arguments
"$DUST_BUILD/dustsim" --devices "$DUST_SOURCE/config/devices" $clock sim.yaml >sim.out 2>&1 &
until grep -q ready sim.out 2>/dev/null; do sleep 0.1; done
# shellcheck disable=SC2086
"$DUST_BUILD/dustd" -c dustd.yaml --data "$DUST_SOURCE/config" --simulated $clock >dustd.log 2>&1 &
daemon=$!
until_said 60 '"committed":[1-9][0-9]*'
sleep 2

echo u >/proc/sysrq-trigger
until_said 60 'read-only'
phase forced
mount -o remount,rw state
fact forced.remount $?
begun=$SECONDS
until_said 60 '"stuck":false'
fact forced.after $((SECONDS - begun))

echo 1 >/sys/fs/ext4/ubda/trigger_fs_error
until_said 60 'read-only'
phase error
umount state
fact error.umount $?
e2fsck -fy /dev/ubda >/dev/null 2>&1
mount /dev/ubda state
begun=$SECONDS
until_said 60 '"stuck":false'
fact error.after $((SECONDS - begun))
phase mended

kill "$daemon"
wait "$daemon"
fact stop.status $?
"$DUST_BUILD/dustctl" --db state/dust.db export --rows >rows.jsonl
fact verify "$("$DUST_BUILD/dustctl" --db state/dust.db verify)"
umount state
fact log "$(cat dustd.log)"
fact 'done' yes
poweroff -f
