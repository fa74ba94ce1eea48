# What `cmake --install` puts where, and what `cpack -G DEB` makes of it (preset "package": prefix /usr).
set(DUST_MAINTAINER "dustd maintainers <maintainers@dustd.invalid>" CACHE STRING "Who answers for the package")
set(DUST_SBIN_DIR ${CMAKE_INSTALL_FULL_SBINDIR})
set(DUST_BIN_DIR ${CMAKE_INSTALL_FULL_BINDIR})
set(DUST_DOC_DIR ${CMAKE_INSTALL_FULL_DOCDIR})
set(made ${CMAKE_BINARY_DIR}/packaging)

# systemd and its tools look below /usr and /usr/local, whatever the libraries' directory is called.
configure_file(systemd/dustd.service.in ${made}/dustd.service @ONLY)
install(FILES ${made}/dustd.service DESTINATION lib/systemd/system)
configure_file(systemd/dustd-report@.service.in ${made}/dustd-report@.service @ONLY)
install(FILES ${made}/dustd-report@.service systemd/dustd-report-weekly.timer systemd/dustd-report-half-month.timer
    DESTINATION lib/systemd/system)
install(FILES systemd/clock.conf DESTINATION lib/systemd/system/dustd.service.d)
install(FILES systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME dustd.conf)
install(FILES systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME dustd.conf)
install(FILES systemd/modules-load.conf DESTINATION lib/modules-load.d RENAME dustd.conf)
install(FILES systemd/udev.rules DESTINATION lib/udev/rules.d RENAME 60-dustd.rules)

install(DIRECTORY config/devices config/limits config/requirements config/sim config/wording DESTINATION ${CMAKE_INSTALL_DATADIR}/dustd)
install(FILES docs/adding-a-device.md docs/interface.md docs/operations.md README.md README.zh.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/schema DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY systemd/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/systemd)
install(FILES config/dustd.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# The site's own configuration: a package brings the example as its first one and never overwrites it (conffile);
# an install from source does not touch /etc.
option(DUST_INSTALL_ETC "Install the example configuration as /etc/dustd/dustd.yaml (packages)" OFF)
if(DUST_INSTALL_ETC)
    install(FILES config/dustd.yaml DESTINATION /etc/dustd)
endif()

# gzip -n: the same source gives the same package.
find_program(GZIP gzip)
function(dust_install_gzipped file name destination)
    add_custom_command(OUTPUT ${made}/${name}.gz COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
        COMMAND ${GZIP} -9nc ${file} > ${made}/${name}.gz DEPENDS ${file} VERBATIM)
    string(MAKE_C_IDENTIFIER gzip_${name} target)
    add_custom_target(${target} ALL DEPENDS ${made}/${name}.gz)
    install(FILES ${made}/${name}.gz DESTINATION ${destination})
endfunction()
file(GLOB pages CONFIGURE_DEPENDS docs/man/*.[1-8])
foreach(page ${pages})
    get_filename_component(name ${page} NAME)
    string(REGEX MATCH "[0-9]$" section ${name})
    dust_install_gzipped(${page} ${name} ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
configure_file(packaging/debian/changelog.in ${made}/changelog @ONLY)
dust_install_gzipped(${made}/changelog changelog ${CMAKE_INSTALL_DOCDIR})
install(FILES packaging/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME dustd)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${DUST_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"dustd reads dust meters and weather stations over Modbus (RS-485 or TCP),
judges the readings against dated dust limits, records every breach as an
issue in a ledger with a person and a deadline, and publishes everything
over MQTT.

It is made for the gateway of a construction site: a small box without a
screen, with a bad serial line, a bad network and a bad power supply. The
package holds the daemon, dustctl to ask it, and dustsim, a simulated site.")
set(CPACK_SET_DESTDIR ON) # /etc is not below the prefix
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libcurl4 (>= 7.88.1), procps, systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "systemd-timesyncd | time-daemon")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(control ${CMAKE_SOURCE_DIR}/packaging/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${control}/conffiles ${control}/postinst ${control}/prerm ${control}/postrm)
include(CPack)
