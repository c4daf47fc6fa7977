# The standard headers that nearly every file includes, parsed once for all targets of a kind, which are compiled with the same
# flags: a file of the broker takes a quarter to a third less CPU. What ccache keeps then serves one working tree alone: who has
# several that should share it says -DWEIR_PCH=OFF.
option(WEIR_PCH "Precompile the standard headers" ON)
set(WEIR_PRECOMPILED <algorithm> <atomic> <chrono> <cstdint> <functional> <map> <memory> <mutex> <optional> <span> <string>
  <string_view> <tuple> <unordered_map> <utility> <variant> <vector>)

# weir_precompile(<target> <kind> [options...]): compiles the target with these options, as all of its kind.
function(weir_precompile target kind)
  target_compile_options(${target} PRIVATE ${ARGN})
  if(NOT WEIR_PCH)
    return()
  endif()
  # Fuzz targets add flags to the modules that they look into.
  if(WEIR_FUZZ AND NOT kind STREQUAL tests)
    target_precompile_headers(${target} PRIVATE ${WEIR_PRECOMPILED})
    return()
  endif()
  set(holder weir_precompiled_for_${kind})
  if(NOT TARGET ${holder})
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${holder}.cpp CONTENT "")
    add_library(${holder} OBJECT ${PROJECT_BINARY_DIR}/${holder}.cpp)
    target_link_libraries(${holder} PRIVATE weir_warnings)
    target_compile_features(${holder} PUBLIC cxx_std_20)
    target_compile_options(${holder} PRIVATE ${ARGN})
    target_precompile_headers(${holder} PRIVATE ${WEIR_PRECOMPILED})
    get_target_property(independent ${target} POSITION_INDEPENDENT_CODE)
    if(independent)
      set_target_properties(${holder} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${holder})
endfunction()

# Neighbouring files are compiled together: what they include is parsed once, and so are the templates they share compiled. It
# halves the time of a whole build, and a change still compiles few files. Names in unnamed namespaces have to differ within a
# module for that. In the debug preset each file is compiled alone; clang-tidy and editors look at them that way.
set(WEIR_UNITY 4 CACHE STRING "How many neighbouring files are compiled together; 0: each alone")
if(NOT WEIR_UNITY MATCHES "^[0-9]+$")
  message(FATAL_ERROR "WEIR_UNITY=${WEIR_UNITY}: a number of files, or 0 for each alone")
endif()
function(weir_unite target)
  if(WEIR_UNITY EQUAL 0)
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)  # whatever CMAKE_UNITY_BUILD says in the project around
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${WEIR_UNITY})
  # g++ takes the files of one compilation for headers of it.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()

# weir_module(<name> [FUZZED] SOURCES ... [DEPENDS modules...] [PRIVATE_LINK libs...] [LINK libs...])
# One static library `weir_<name>` with the alias weir::<name>. Its public headers are below include/, its private ones
# beside the sources; target_link_libraries here is the only place a dependency is stated.
function(weir_module name)
  cmake_parse_arguments(arg "FUZZED" "" "SOURCES;DEPENDS;LINK;PRIVATE_LINK" ${ARGN})
  add_library(weir_${name} STATIC ${arg_SOURCES})
  add_library(weir::${name} ALIAS weir_${name})
  target_include_directories(weir_${name} PUBLIC include PRIVATE src)
  target_compile_features(weir_${name} PUBLIC cxx_std_20)
  target_link_libraries(weir_${name} PRIVATE weir_warnings)
  foreach(dep IN LISTS arg_DEPENDS)
    target_link_libraries(weir_${name} PUBLIC weir::${dep})
  endforeach()
  target_link_libraries(weir_${name} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK})
  set_target_properties(weir_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  # With sanitizers optimising takes more than half of the build, and pays only where fuzzers try millions of inputs.
  if(WEIR_SANITIZE AND NOT arg_FUZZED)
    weir_precompile(weir_${name} unoptimised_modules -O0)
  else()
    weir_precompile(weir_${name} modules)
  endif()
  weir_unite(weir_${name})
endfunction()

# Tests are many, and each links most of the code: gold takes half the time of ld.
find_program(WEIR_GOLD ld.gold)

# weir_test(<name> SOURCES ... DEPENDS modules... [LABELS ...] [ARGS ...] [TIMEOUT s])
# One doctest binary per module; its main is compiled once, in tests/support.
function(weir_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPENDS;LABELS;ARGS;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE weir_warnings weir_test_main ${arg_LINK})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  # What is tested is optimised as usual; the tests themselves compile in half of the time, and run in the same. A check that
  # fails names its line by itself; who wants to step through tests has the debug preset.
  weir_precompile(${name} tests $<$<CONFIG:Release,RelWithDebInfo>:-O0> $<$<CONFIG:Release>:-g0>)
  weir_unite(${name})
  if(WEIR_GOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_link_options(${name} PRIVATE -fuse-ld=gold)
  endif()
  foreach(dep IN LISTS arg_DEPENDS)
    target_link_libraries(${name} PRIVATE weir::${dep})
  endforeach()
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(WEIR_SANITIZE)
    math(EXPR arg_TIMEOUT "4 * ${arg_TIMEOUT}")
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "unit;${arg_LABELS}")
endfunction()

# Adds each folder that is there, in the given order.
macro(weir_add_subdirectories)
  foreach(dir ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/CMakeLists.txt)
      add_subdirectory(${dir})
    endif()
  endforeach()
endmacro()
