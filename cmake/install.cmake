# The files for `make install`, and those for the Python wheel (component python, excluded from a plain install).
include(GNUInstallDirs)

if(LACOS_PROGRAM)
  install(TARGETS lacos RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS lacos_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/lacos.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(FILES examples/embed.c examples/embed.py DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# The .pc file finds the prefix relative to its own place, so that a moved or staged tree works with any
# `cmake --install --prefix`.
file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(cmake/lacos.pc.in ${CMAKE_BINARY_DIR}/lacos.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/lacos.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# A wheel cannot contain symbolic links, so the library is installed as one file under one name.
install(FILES $<TARGET_FILE:lacos_shared> DESTINATION lacos RENAME liblacos.so COMPONENT python EXCLUDE_FROM_ALL)
