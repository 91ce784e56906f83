# find_package(lacos 0.1) defines the target lacos::lacos: liblacos.so with the headers lacos.h and lacos/*.h.
include("${CMAKE_CURRENT_LIST_DIR}/lacosTargets.cmake")
