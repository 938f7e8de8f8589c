# retort_room(NAME [ROOMS …] [PUBLIC_LIBS …] [PRIVATE_LIBS …] [PROGRAM name] [WITHOUT_JSON])
#
# One folder = one target `retort::NAME`, made of the folder's .cpp files; a folder within another is
# a room of its own, `retort::OUTER_INNER`. ROOMS are the only rooms it may include; they must have
# been declared before, which is what makes the floors. Headers in NAME/internal are for the room and
# for tests. With PROGRAM, the folder's main.cpp becomes an executable of that name. WITHOUT_JSON: most
# files of the room use none.
#
# Leaves behind: RETORT_ROOMS (in order) and, per room, RETORT_<NAME>_ROOMS, RETORT_<NAME>_PUBLIC_LIBS
# and RETORT_<NAME>_PRIVATE_LIBS, from which the layering test and the installed package are made.
add_library(retort_flags INTERFACE)
target_compile_options(retort_flags INTERFACE
  -Wall -Wextra -Wconversion -Wno-sign-conversion -ffp-contract=off
  $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>  # for ccache
  # g++ collects its garbage from 128 MiB on; a precompiled header is 100 of them.
  $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=262144>
  # g++ 12 sees overlaps and overflows in std::string's own code where there are none (GCC bug 105329).
  $<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow>
  $<$<BOOL:${RETORT_WERROR}>:-Werror>)
if(RETORT_SANITIZE)
  target_compile_options(retort_flags INTERFACE -fsanitize=${RETORT_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(retort_flags INTERFACE -fsanitize=${RETORT_SANITIZE})
endif()

# What nearly every file includes and takes most of its time to read. Files include what they use all
# the same: CMAKE_DISABLE_PRECOMPILE_HEADERS=ON. A file that does not use the library of JSON pays half
# a second for it: its header calls templates, which g++ instantiates again in every file.
set(RETORT_PRECOMPILED <filesystem> <functional> <map> <memory> <string>)
set(RETORT_PRECOMPILED_WITH_JSON <nlohmann/json.hpp> ${RETORT_PRECOMPILED})

# Compiles `ARGN` for the first target of a `group`; the others reuse that. Their flags must be the
# same.
function(retort_precompile TARGET GROUP)
  get_property(first GLOBAL PROPERTY RETORT_PRECOMPILED_${GROUP})
  if(first)
    target_precompile_headers(${TARGET} REUSE_FROM ${first})
  else()
    target_precompile_headers(${TARGET} PRIVATE ${ARGN})
    set_property(GLOBAL PROPERTY RETORT_PRECOMPILED_${GROUP} ${TARGET})
  endif()
endfunction()

set(RETORT_ROOMS "")

function(retort_room NAME)
  cmake_parse_arguments(ROOM "WITHOUT_JSON" "PROGRAM" "ROOMS;PUBLIC_LIBS;PRIVATE_LIBS" ${ARGN})
  foreach(room IN LISTS ROOM_ROOMS)
    if(NOT room IN_LIST RETORT_ROOMS)
      message(FATAL_ERROR "room ${NAME}: '${room}' is not on a lower floor")
    endif()
  endforeach()
  string(REPLACE "/" "_" name ${NAME})
  set(target retort_${name})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${NAME}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(${target} STATIC ${sources})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_NAME ${name})
  add_library(retort::${name} ALIAS ${target})
  if(CLI11::CLI11 IN_LIST ROOM_PRIVATE_LIBS)
    retort_precompile(${target} cli ${RETORT_PRECOMPILED_WITH_JSON} <CLI/CLI.hpp>)
    # Every file that sees CLI11 compiles all of it, 8 s each; several of ours together do so once.
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  elseif(ROOM_WITHOUT_JSON)
    retort_precompile(${target} rooms_without_json ${RETORT_PRECOMPILED})
  else()
    retort_precompile(${target} rooms ${RETORT_PRECOMPILED_WITH_JSON})
  endif()
  list(TRANSFORM ROOM_ROOMS REPLACE "/" "_" OUTPUT_VARIABLE rooms)
  list(TRANSFORM rooms PREPEND retort_)
  target_link_libraries(${target} PUBLIC ${rooms} ${ROOM_PUBLIC_LIBS}
                        PRIVATE ${ROOM_PRIVATE_LIBS} $<BUILD_INTERFACE:retort_flags>)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/retort>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  if(ROOM_PROGRAM)
    add_executable(${ROOM_PROGRAM} ${NAME}/main.cpp)
    target_link_libraries(${ROOM_PROGRAM} PRIVATE ${target} ${ROOM_PRIVATE_LIBS}
                          $<BUILD_INTERFACE:retort_flags>)
  endif()
  set(RETORT_ROOMS ${RETORT_ROOMS} ${NAME} PARENT_SCOPE)
  set(RETORT_${NAME}_ROOMS ${ROOM_ROOMS} PARENT_SCOPE)
  set(RETORT_${NAME}_PUBLIC_LIBS ${ROOM_PUBLIC_LIBS} PARENT_SCOPE)
  set(RETORT_${NAME}_PRIVATE_LIBS ${ROOM_PRIVATE_LIBS} PARENT_SCOPE)
endfunction()
