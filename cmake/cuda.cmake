# LACOS_CUDA says what becomes of the CUDA backend:
#   ON        nvcc compiles it, and programs and libraries contain it
#   OFF       they do not contain it (kernels/no_cuda.cc)
#   AUTO      ON if this machine has an NVIDIA GPU and nvcc 12.8 or newer, for this GPU alone; else OFF
#   EMULATED  as OFF, and Boost.Context must be there: tests run the kernels in the emulator
# Without ON, tests run the kernels in the emulator wherever Boost.Context is installed.
# Nothing of CUDA is needed at run time: the CUDA runtime is linked statically, and cuBLASLt is loaded when a GPU is used.
set(LACOS_CUDA AUTO CACHE STRING "The CUDA backend: AUTO, ON, OFF or EMULATED (see cmake/cuda.cmake)")
set_property(CACHE LACOS_CUDA PROPERTY STRINGS AUTO ON OFF EMULATED)
set(LACOS_CUDA_ARCHITECTURES "" CACHE STRING
    "Compute capabilities to compile for, such as \"90\" or \"80;89;90\"; empty: this machine's GPU with AUTO, all with ON")
# Each also runs on newer GPUs of its generation: code for 8.0 on 8.6 and 8.9, for 10.0 on 10.3, for 12.0 on 12.1.
set(lacos_all_cuda_architectures 80 90 100 120)
set(lacos_oldest_nvcc 12.8)

# Sets LACOS_NVCC and LACOS_NVCC_VERSION, or the latter to nothing.
function(lacos_find_nvcc)
  find_program(LACOS_NVCC nvcc HINTS ${PROJECT_SOURCE_DIR}/build/cuda/bin ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES bin
               DOC "NVIDIA's CUDA compiler")
  set(version "")
  if(LACOS_NVCC)
    execute_process(COMMAND ${LACOS_NVCC} --version OUTPUT_VARIABLE text ERROR_QUIET)
    if(text MATCHES "release ([0-9]+\\.[0-9]+)")
      set(version ${CMAKE_MATCH_1})
    endif()
  endif()
  set(LACOS_NVCC_VERSION "${version}" PARENT_SCOPE)
endfunction()

set(LACOS_CUDA_BUILT OFF)
set(LACOS_CUDA_EMULATED OFF)
if(LACOS_CUDA STREQUAL "AUTO" AND EXISTS /dev/nvidia0)
  lacos_find_nvcc()
  if(NOT LACOS_NVCC_VERSION)
    message(STATUS "CUDA: off, since this machine has a GPU but no nvcc; tools/install_cuda.sh installs it")
  elseif(LACOS_NVCC_VERSION VERSION_LESS ${lacos_oldest_nvcc})
    message(STATUS "CUDA: off, since nvcc is ${LACOS_NVCC_VERSION} and not ${lacos_oldest_nvcc} or newer; tools/install_cuda.sh installs one")
  else()
    set(LACOS_CUDA_BUILT ON)
    set(lacos_cuda_architectures ${LACOS_CUDA_ARCHITECTURES})
    if(NOT lacos_cuda_architectures)
      execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader OUTPUT_VARIABLE text ERROR_QUIET)
      string(REGEX MATCHALL "[0-9]+\\.[0-9]" lacos_cuda_architectures "${text}")
      list(TRANSFORM lacos_cuda_architectures REPLACE "\\." "")
      list(REMOVE_DUPLICATES lacos_cuda_architectures)
    endif()
  endif()
elseif(LACOS_CUDA STREQUAL "ON")
  lacos_find_nvcc()
  if(NOT LACOS_NVCC_VERSION)
    message(FATAL_ERROR "LACOS_CUDA=ON: nvcc was not found; expected it in PATH, in CUDA_HOME/bin, in /usr/local/cuda/bin or in "
                        "build/cuda/bin; install it with tools/install_cuda.sh, which takes NVIDIA's wheels from PyPI "
                        "(nvidia-cuda-nvcc, nvidia-nvvm, nvidia-cuda-crt, nvidia-cuda-runtime, nvidia-cuda-cccl)")
  elseif(LACOS_NVCC_VERSION VERSION_LESS ${lacos_oldest_nvcc})
    message(FATAL_ERROR "LACOS_CUDA=ON: ${LACOS_NVCC} is version ${LACOS_NVCC_VERSION}; expected ${lacos_oldest_nvcc} or newer; install one "
                        "with tools/install_cuda.sh, or set LACOS_NVCC")
  endif()
  set(LACOS_CUDA_BUILT ON)
  set(lacos_cuda_architectures ${LACOS_CUDA_ARCHITECTURES})
elseif(LACOS_CUDA STREQUAL "EMULATED")
  find_package(Boost 1.81 REQUIRED COMPONENTS context)
  set(LACOS_CUDA_EMULATED ON)
elseif(NOT LACOS_CUDA MATCHES "^(AUTO|OFF)$")
  message(FATAL_ERROR "LACOS_CUDA=${LACOS_CUDA}: expected AUTO, ON, OFF or EMULATED; set one of them")
endif()

if(LACOS_CUDA_BUILT)
  if(NOT lacos_cuda_architectures)
    set(lacos_cuda_architectures ${lacos_all_cuda_architectures})
  endif()
  list(SORT lacos_cuda_architectures COMPARE NATURAL)
  # The toolkit's folder is named by nvcc itself, since nvcc may be a link.
  get_filename_component(nvcc_file ${LACOS_NVCC} REALPATH)
  get_filename_component(lacos_cuda_toolkit ${nvcc_file} DIRECTORY)
  get_filename_component(lacos_cuda_toolkit ${lacos_cuda_toolkit} DIRECTORY)
  find_path(lacos_cuda_include cuda_runtime_api.h PATHS ${lacos_cuda_toolkit} PATH_SUFFIXES include targets/x86_64-linux/include
            NO_DEFAULT_PATH NO_CACHE REQUIRED)
  find_library(lacos_cudart_static cudart_static PATHS ${lacos_cuda_toolkit} PATH_SUFFIXES lib64 lib targets/x86_64-linux/lib
               NO_DEFAULT_PATH NO_CACHE REQUIRED)
  list(JOIN lacos_cuda_architectures ", " text)
  message(STATUS "CUDA: on, with nvcc ${LACOS_NVCC_VERSION} for compute capability ${text}")
elseif(LACOS_TESTS AND NOT LACOS_CUDA_EMULATED)
  find_package(Boost 1.81 QUIET COMPONENTS context)
  if(Boost_FOUND)
    set(LACOS_CUDA_EMULATED ON)
  endif()
endif()

# lacos_cuda_objects(TARGET a.cu ...) compiles files with nvcc and gives the objects to a target. Files are compiled in two
# groups, so that the headers are read twice and not once a file. It does not use CMake's CUDA language, whose search for a
# toolkit does not know the layout of the wheels.
function(lacos_cuda_objects target)
  set(flags -std=c++20 -O3 -fmad=false --compress-mode=size -I${PROJECT_SOURCE_DIR}/src -Xcompiler=-fPIC,-Wall,-Wextra,-ffp-contract=off)
  list(APPEND flags -Xcompiler=-Wno-missing-field-initializers)
  if(LACOS_WERROR)
    list(APPEND flags -Werror=all-warnings -Xcompiler=-Werror)
  endif()
  # The front end and the optimizer run once, for the lowest of the compute capabilities, and the assembler for each. No kernel
  # asks for more than 8.0 has; registers are those of a run for each.
  list(GET lacos_cuda_architectures 0 lowest)
  list(TRANSFORM lacos_cuda_architectures PREPEND sm_ OUTPUT_VARIABLE codes)
  if("${lacos_cuda_architectures}" STREQUAL "${lacos_all_cuda_architectures}")
    list(APPEND codes compute_${lowest})  # for GPUs that do not exist yet
  endif()
  list(JOIN codes "," codes)
  list(APPEND flags "-gencode=arch=compute_${lowest},code=[${codes}]")
  list(LENGTH ARGN count)
  math(EXPR size "(${count} + 1) / 2")
  math(EXPR last "${count} - 1")
  foreach(begin RANGE 0 ${last} ${size})
    list(SUBLIST ARGN ${begin} ${size} group)
    list(TRANSFORM group REPLACE "(.+)" "#include \"lacos/kernels/cuda/\\1\"")
    list(JOIN group "\n" text)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/group_${begin}.cu)
    file(CONFIGURE OUTPUT ${file} CONTENT "${text}\n" @ONLY)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/group_${begin}.o)
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${LACOS_NVCC} ${flags} -MD -MF ${object}.d -c ${file} -o ${object}
      DEPENDS ${file}
      DEPFILE ${object}.d
      COMMENT "Compiling CUDA kernels for ${lacos_cuda_architectures}"
      VERBATIM)
    target_sources(${target} PRIVATE ${object})
  endforeach()
endfunction()
