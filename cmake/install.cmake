# What `make install` puts where, and what goes into the Python wheel (component python, which a plain install leaves out).
include(GNUInstallDirs)

if(LACOS_PROGRAM)
  install(TARGETS lacos RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS lacos_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/lacos.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(FILES examples/embed.c examples/embed.py DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# The .pc file finds the prefix from where it lies, so that a moved or staged tree works: `cmake --install --prefix` may name any.
file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(cmake/lacos.pc.in ${CMAKE_BINARY_DIR}/lacos.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/lacos.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# One file under one name: a wheel holds no symbolic links.
install(FILES $<TARGET_FILE:lacos_shared> DESTINATION lacos RENAME liblacos.so COMPONENT python EXCLUDE_FROM_ALL)
