# What the toolchain files share. Before: DUST_TRIPLE, DUST_DEBIAN_ARCH, DUST_QEMU. The foreign libraries are Debian's own
# packages, unpacked below build/ by script/cross; nothing foreign is installed on this machine.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${DUST_TRIPLE}-gcc)
set(CMAKE_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot/${DUST_DEBIAN_ARCH}/tree)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE ${DUST_TRIPLE})
set(CMAKE_CROSSCOMPILING_EMULATOR ${DUST_QEMU} -L ${CMAKE_SYSROOT})
# the tree has no linker cache: libraries that our libraries need are found by this
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${CMAKE_SYSROOT}/usr/lib/${DUST_TRIPLE}:${CMAKE_SYSROOT}/lib/${DUST_TRIPLE}")
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/${DUST_TRIPLE}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
