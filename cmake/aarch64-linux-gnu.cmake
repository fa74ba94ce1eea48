# Debian arm64: gateways with a 64-bit ARM.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(DUST_TRIPLE aarch64-linux-gnu)
set(DUST_DEBIAN_ARCH arm64)
set(DUST_QEMU qemu-aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/debian-cross.cmake)
