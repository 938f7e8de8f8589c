# Builds exec/launcher twice, as a program and as a library for a running interpreter, and embeds both
# in retort::exec. Neither has a sanitizer, exceptions or the C++ library: they run between processes.
file(GLOB launcher_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/exec/launcher/*.cpp)
list(FILTER launcher_sources EXCLUDE REGEX "/(main|serve)\\.cpp$")
add_library(retort_launcher_parts OBJECT ${launcher_sources})
add_executable(retort_launcher exec/launcher/main.cpp $<TARGET_OBJECTS:retort_launcher_parts>)
add_library(retort_serve MODULE exec/launcher/serve.cpp $<TARGET_OBJECTS:retort_launcher_parts>)
foreach(target IN ITEMS retort_launcher_parts retort_launcher retort_serve)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wno-sign-conversion
    -O2 -fno-exceptions -fno-rtti -fvisibility=hidden $<$<BOOL:${RETORT_WERROR}>:-Werror>)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON PREFIX "")
endforeach()
target_link_options(retort_launcher PRIVATE -static -s)
target_link_options(retort_serve PRIVATE -s -Wl,-z,now)  # else every child looks its symbols up
set(embedded ${CMAKE_CURRENT_SOURCE_DIR}/exec/embedded.cpp)
set_source_files_properties(${embedded} PROPERTIES
  COMPILE_DEFINITIONS "RETORT_LAUNCHER_PROGRAM=\"$<TARGET_FILE:retort_launcher>\";RETORT_LAUNCHER_LIBRARY=\"$<TARGET_FILE:retort_serve>\""
  OBJECT_DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/retort_launcher;${CMAKE_CURRENT_BINARY_DIR}/retort_serve.so")
add_dependencies(retort_exec retort_launcher retort_serve)
