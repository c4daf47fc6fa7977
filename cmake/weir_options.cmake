# Compiler settings shared by every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
if(WEIR_SHARED)
  # What leaves the library is what the public headers declare, which the linker is told.
  set(CMAKE_CXX_VISIBILITY_PRESET default)
  add_compile_options(-fno-semantic-interposition)
else()
  set(CMAKE_CXX_VISIBILITY_PRESET hidden)
endif()

find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${WEIR_CCACHE})
endif()

# Within somebody else's project flags, build type and warnings are theirs to choose.
if(PROJECT_IS_TOP_LEVEL)
  set_property(GLOBAL PROPERTY GLOBAL_DEPENDS_NO_CYCLES ON)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
  endif()
  # -O2 with line tables: a crash report names lines, and the build stays quick.
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -g1")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -fno-omit-frame-pointer")
  # By itself g++ collects garbage from 128 MB on, again and again: this takes a tenth less CPU, and 80 to 230 MB more memory.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(--param=ggc-min-heapsize=400000)
  endif()
endif()

# Some libraries ask for it, and what is precompiled takes the same flags everywhere.
add_compile_options(-pthread)

set(WEIR_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize takes them")
add_library(weir_warnings INTERFACE)
target_compile_options(weir_warnings INTERFACE -Wall -Wextra $<$<BOOL:${PROJECT_IS_TOP_LEVEL}>:-Werror> -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these for code inside its own standard library after inlining.
  target_compile_options(weir_warnings INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict -Wno-stringop-overread -Wno-dangling-pointer)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Clang reports the buffer inside g++ 12's std::stable_sort; what we ourselves use, g++ reports.
  target_compile_options(weir_warnings INTERFACE -Wno-deprecated-declarations)
endif()
if(WEIR_SANITIZE)
  add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEIR_SANITIZE})
endif()
