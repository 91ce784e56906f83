# Finds liblinear (https://www.csie.ntu.edu.tw/~cjlin/liblinear), which has no CMake or pkg-config file, and defines the
# target Linear::linear.
find_library(LINEAR_LIBRARY linear)
find_path(LINEAR_INCLUDE_DIR linear.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Linear REQUIRED_VARS LINEAR_LIBRARY LINEAR_INCLUDE_DIR)
mark_as_advanced(LINEAR_LIBRARY LINEAR_INCLUDE_DIR)
if(Linear_FOUND AND NOT TARGET Linear::linear)
  add_library(Linear::linear UNKNOWN IMPORTED)
  set_target_properties(Linear::linear PROPERTIES IMPORTED_LOCATION ${LINEAR_LIBRARY}
                                                  INTERFACE_INCLUDE_DIRECTORIES ${LINEAR_INCLUDE_DIR})
endif()
