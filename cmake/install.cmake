# The files for `make install`, and those for the Python wheel (component python, excluded from a plain install).
include(GNUInstallDirs)

if(LACOS_PROGRAM)
  install(TARGETS lacos RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS lacos_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/lacos.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
# The data of `lacos demo`, which the program finds relative to its own place. The build tree has links to it there.
set(demo_data LICENSE.snli-cad README.md sentences.txt snli-cad-train.tsv.gz stsb-captions-dev.tsv stsb-captions-test.tsv)
list(TRANSFORM demo_data PREPEND examples/data/)
install(DIRECTORY examples/bloom-nano DESTINATION ${CMAKE_INSTALL_DATADIR}/lacos/demo)
install(FILES ${demo_data} DESTINATION ${CMAKE_INSTALL_DATADIR}/lacos/demo/data)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share/lacos/demo)
foreach(folder bloom-nano data)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/examples/${folder} ${CMAKE_BINARY_DIR}/share/lacos/demo/${folder} SYMBOLIC)
endforeach()
install(FILES examples/embed.c examples/embed.py DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# The .pc file finds the prefix relative to its own place, so that a moved or staged tree works with any
# `cmake --install --prefix`.
file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(cmake/lacos.pc.in ${CMAKE_BINARY_DIR}/lacos.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/lacos.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The Python wheel: the program, its demo and the library lie in the package's own folder.
if(LACOS_PROGRAM)
  install(TARGETS lacos RUNTIME DESTINATION lacos/bin COMPONENT python EXCLUDE_FROM_ALL)
endif()
install(DIRECTORY examples/bloom-nano DESTINATION lacos/share/lacos/demo COMPONENT python EXCLUDE_FROM_ALL)
install(FILES ${demo_data} DESTINATION lacos/share/lacos/demo/data COMPONENT python EXCLUDE_FROM_ALL)
# A wheel cannot contain symbolic links, so the library is installed as one file under one name.
install(FILES $<TARGET_FILE:lacos_shared> DESTINATION lacos RENAME liblacos.so COMPONENT python EXCLUDE_FROM_ALL)
