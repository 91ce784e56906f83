# LACOS_CUDA says what becomes of the CUDA backend:
#   EMULATED  its kernels are compiled for the host, into a library that only tests use
#   OFF       nothing of it is compiled
#   AUTO      EMULATED if there are tests and Boost.Context is installed, else OFF
set(LACOS_CUDA AUTO CACHE STRING "The CUDA backend: AUTO, OFF or EMULATED (see cmake/cuda.cmake)")
set_property(CACHE LACOS_CUDA PROPERTY STRINGS AUTO OFF EMULATED)

set(LACOS_CUDA_EMULATED OFF)
if(LACOS_CUDA STREQUAL "EMULATED")
  find_package(Boost 1.81 REQUIRED COMPONENTS context)
  set(LACOS_CUDA_EMULATED ON)
elseif(LACOS_CUDA STREQUAL "AUTO" AND LACOS_TESTS)
  find_package(Boost 1.81 QUIET COMPONENTS context)
  if(Boost_FOUND)
    set(LACOS_CUDA_EMULATED ON)
  endif()
endif()
