# Debian armhf: gateways with a 32-bit ARM. Time has 64 bits here too, or 2038 would be the last year; base/clock.c asserts it.
# Debian 12's own libraries are built with 32: script/cross checks that no function of theirs that passes a time_t is called.
set(CMAKE_SYSTEM_PROCESSOR arm)
set(DUST_TRIPLE arm-linux-gnueabihf)
set(DUST_DEBIAN_ARCH armhf)
set(DUST_QEMU qemu-arm)
set(CMAKE_C_FLAGS_INIT "-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64")
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
