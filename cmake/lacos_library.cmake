# lacos_library(NAME SOURCES a.cc ... DEPENDS other ... PRIVATE external ...) adds the static library of a folder.
# DEPENDS are lacos libraries of lower levels (public). PRIVATE are outside libraries that only this folder may include.
function(lacos_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(lacos_${name} STATIC ${ARG_SOURCES})
  target_include_directories(lacos_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  foreach(dependency IN LISTS ARG_DEPENDS)
    target_link_libraries(lacos_${name} PUBLIC lacos_${dependency})
  endforeach()
  target_link_libraries(lacos_${name} PUBLIC fmt::fmt Threads::Threads PRIVATE ${ARG_PRIVATE})
endfunction()

# lacos_test(NAME SOURCES a_test.cc ... DEPENDS lib ...) adds a GoogleTest program and registers it as one ctest case.
# NEEDS_PROGRAM says that the test runs the lacos program. test_paths.h has the paths of the program and the sources.
function(lacos_test name)
  cmake_parse_arguments(ARG "NEEDS_PROGRAM" "LABEL" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests
                                             ${PROJECT_BINARY_DIR}/generated)
  foreach(dependency IN LISTS ARG_DEPENDS)
    target_link_libraries(${name} PRIVATE lacos_${dependency})
  endforeach()
  target_link_libraries(${name} PRIVATE GTest::gmock GTest::gtest_main)
  if(ARG_NEEDS_PROGRAM)
    add_dependencies(${name} lacos)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set(timeout 600)
  if(CMAKE_CXX_FLAGS MATCHES "fsanitize|coverage")
    set(timeout 7200)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${timeout})
endfunction()
