# The files for `make install` and for Debian packages (cmake/package.cmake), by the package that has them: components
# program, library and development. Component python, excluded from a plain install, has those for the wheel.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)
if(LACOS_PROGRAM)
  install(TARGETS lacos RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(TARGETS lacos-serve RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/lacos)  # `lacos serve` runs it
endif()
install(TARGETS lacos_shared EXPORT lacosTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development)
install(FILES include/lacos.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(DIRECTORY include/lacos DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The pages lie below README.md, as in the sources, so that their links to each other lead somewhere.
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
install(FILES examples/embed.c examples/embed.cc examples/embed.py DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
        COMPONENT development)
install(DIRECTORY examples/serve DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
# tools/make_man_pages.py makes them with the program; `make install` and `make deb` run it.
install(DIRECTORY ${CMAKE_BINARY_DIR}/man/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} OPTIONAL)
install(DIRECTORY ${CMAKE_BINARY_DIR}/man/completions DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion OPTIONAL)
foreach(package program:lacos library:liblacos0 development:liblacos-dev)
  string(REPLACE ":" ";" package ${package})
  list(GET package 0 component)
  list(GET package 1 name)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${name} RENAME copyright COMPONENT ${component}
          EXCLUDE_FROM_ALL)
endforeach()

# The data of `lacos demo`, which the program finds relative to its own place. The build tree has links to it there.
set(demo_data LICENSE.snli-cad README.md sentences.txt snli-cad-train.tsv.gz stsb-captions-dev.tsv stsb-captions-test.tsv)
list(TRANSFORM demo_data PREPEND examples/data/)
install(DIRECTORY examples/bloom-nano DESTINATION ${CMAKE_INSTALL_DATADIR}/lacos/demo)
install(FILES ${demo_data} DESTINATION ${CMAKE_INSTALL_DATADIR}/lacos/demo/data)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share/lacos/demo)
foreach(folder bloom-nano data)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/examples/${folder} ${CMAKE_BINARY_DIR}/share/lacos/demo/${folder} SYMBOLIC)
endforeach()

# The .pc file finds the prefix relative to its own place, so that a moved or staged tree works with any
# `cmake --install --prefix`.
file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(cmake/lacos.pc.in ${CMAKE_BINARY_DIR}/lacos.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/lacos.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# find_package(lacos 0.1). The files find the prefix relative to their own place too. Before 1.0, a new minor version may
# change the C++ interface.
include(CMakePackageConfigHelpers)
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/lacos)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/lacosConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/lacosConfig.cmake ${CMAKE_BINARY_DIR}/lacosConfigVersion.cmake DESTINATION ${config_folder}
        COMPONENT development)
install(EXPORT lacosTargets NAMESPACE lacos:: DESTINATION ${config_folder} COMPONENT development)

# The Python wheel: the program, its demo and the library lie in the package's own folder.
if(LACOS_PROGRAM)
  install(TARGETS lacos lacos-serve RUNTIME DESTINATION lacos/bin COMPONENT python EXCLUDE_FROM_ALL)
endif()
install(DIRECTORY examples/bloom-nano DESTINATION lacos/share/lacos/demo COMPONENT python EXCLUDE_FROM_ALL)
install(FILES ${demo_data} DESTINATION lacos/share/lacos/demo/data COMPONENT python EXCLUDE_FROM_ALL)
# A wheel cannot contain symbolic links, so the library is installed as one file under one name.
install(FILES $<TARGET_FILE:lacos_shared> DESTINATION lacos RENAME liblacos.so COMPONENT python EXCLUDE_FROM_ALL)
