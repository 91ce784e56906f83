# With LACOS_UNITY, files are compiled in groups, so that the headers of a group are parsed once. The generated files of
# all build folders beside each other are the same ones, so that ccache gives the Python package the program's objects.
cmake_path(GET PROJECT_BINARY_DIR PARENT_PATH lacos_unity_folder)
if(NOT lacos_unity_folder STREQUAL "${PROJECT_SOURCE_DIR}/build")
  set(lacos_unity_folder ${PROJECT_BINARY_DIR})
endif()
string(APPEND lacos_unity_folder /unity)

# lacos_sources(TARGET FOLDER a.cc b.cc ...) gives a target its sources, whose folder is FOLDER below the include path.
function(lacos_sources target folder)
  list(LENGTH ARGN count)
  if(NOT LACOS_UNITY OR count EQUAL 1)
    target_sources(${target} PRIVATE ${ARGN})
    return()
  endif()
  math(EXPR groups "(${count} + 8) / 9")  # groups of at most 9 files
  math(EXPR size "(${count} + ${groups} - 1) / ${groups}")
  foreach(begin RANGE 0 ${count} ${size})
    if(begin EQUAL count)
      break()
    endif()
    list(SUBLIST ARGN ${begin} ${size} group)
    list(TRANSFORM group REPLACE "(.+)" "#include \"${folder}/\\1\"")
    list(JOIN group "\n" text)
    set(file ${lacos_unity_folder}/${target}_${begin}.cc)
    file(CONFIGURE OUTPUT ${file} CONTENT "${text}\n" @ONLY)
    target_sources(${target} PRIVATE ${file})
  endforeach()
endfunction()

# lacos_library(NAME [SEPARATE] [COLD] SOURCES a.cc ... DEPENDS other ... PRIVATE external ...) adds the static library of a folder.
# DEPENDS are lacos libraries of lower levels (public). PRIVATE are outside libraries that only this folder may include.
# SEPARATE says that its files cannot be compiled in groups, COLD that it computes so little that -O1, which compiles a
# third faster than -O3, is enough.
function(lacos_library name)
  cmake_parse_arguments(ARG "SEPARATE;COLD" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(lacos_${name} STATIC)
  if(ARG_SEPARATE)
    target_sources(lacos_${name} PRIVATE ${ARG_SOURCES})
  else()
    cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src OUTPUT_VARIABLE folder)
    lacos_sources(lacos_${name} ${folder} ${ARG_SOURCES})
  endif()
  if(ARG_COLD AND CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(lacos_${name} PRIVATE -O1)
  endif()
  target_include_directories(lacos_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  foreach(dependency IN LISTS ARG_DEPENDS)
    target_link_libraries(lacos_${name} PUBLIC lacos_${dependency})
  endforeach()
  target_link_libraries(lacos_${name} PUBLIC fmt::fmt Threads::Threads PRIVATE ${ARG_PRIVATE})
endfunction()

# The seconds after which a test is ended.
set(lacos_test_timeout 600)
if(CMAKE_CXX_FLAGS MATCHES "fsanitize|coverage")
  set(lacos_test_timeout 7200)
endif()

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
  # GCC 12 has false warnings about the insides of std::string, which it does not leave out if the header is precompiled.
  target_compile_options(${name} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess;-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>)
  target_precompile_headers(${name} REUSE_FROM lacos_test_headers)
  if(ARG_NEEDS_PROGRAM)
    add_dependencies(${name} lacos)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${lacos_test_timeout})
endfunction()

# Tests of the emulated GPU, whose kernels run in one thread. So `make test` runs several of them at once.
function(lacos_emulated_tests)
  set_property(TEST ${ARGN} APPEND PROPERTY LABELS emulated)
  set_property(TEST ${ARGN} APPEND PROPERTY ENVIRONMENT OMP_NUM_THREADS=1)
endfunction()
