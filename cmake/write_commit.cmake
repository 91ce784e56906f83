# Writes OUTPUT, a header with the commit that is built: the output of `git describe`, with "-dirty" after local changes,
# or an empty text outside a repository. An unchanged file is not written again. -DLACOS_COMMIT=..., for packagers,
# overrides the commit.
if(NOT COMMIT)
  find_program(GIT git)
  if(GIT)
    execute_process(COMMAND ${CMAKE_COMMAND} -E env GIT_OPTIONAL_LOCKS=0 ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=40 --match=-
                    OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define LACOS_COMMIT \"${COMMIT}\"\n")
