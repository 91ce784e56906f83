# Finds toml++ (https://marzer.github.io/tomlplusplus) and defines the header-only target TomlPlusPlus::headers.
# Debian 12's pkg-config file names the compiled library, which lacos does not use.
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TomlPlusPlus REQUIRED_VARS TOMLPLUSPLUS_INCLUDE_DIR)
mark_as_advanced(TOMLPLUSPLUS_INCLUDE_DIR)
if(TomlPlusPlus_FOUND AND NOT TARGET TomlPlusPlus::headers)
  add_library(TomlPlusPlus::headers INTERFACE IMPORTED)
  set_target_properties(TomlPlusPlus::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${TOMLPLUSPLUS_INCLUDE_DIR})
endif()
