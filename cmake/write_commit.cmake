# Writes OUTPUT, a header with the commit that is being built (`git describe`, "-dirty" with local changes, empty outside
# a repository), only where that has changed. A packager's -DLACOS_COMMIT=... takes its place.
if(NOT COMMIT)
  find_program(GIT git)
  if(GIT)
    execute_process(COMMAND ${CMAKE_COMMAND} -E env GIT_OPTIONAL_LOCKS=0 ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=40 --match=-
                    OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define LACOS_COMMIT \"${COMMIT}\"\n")
