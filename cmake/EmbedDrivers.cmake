# Embeds what the code verifier runs in the sandbox, verifiers/code/*.py and *.hpp: CodeDriver() of
# verifiers/code/internal/drivers.h. This file is both included by CMakeLists.txt and run as the
# script that writes the source.
if(CMAKE_SCRIPT_MODE_FILE)
  set(text "// Generated from verifiers/code.\n#include \"verifiers/code/internal/drivers.h\"\n\n")
  string(APPEND text "namespace retort::verifiers {\n\n")
  string(APPEND text "std::string_view CodeDriver(std::string_view name) {\n")
  foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME)
    file(READ ${file} content)
    string(APPEND text "  if (name == \"${name}\") return R\"driver(${content})driver\";\n")
  endforeach()
  string(APPEND text "  return {};\n}\n\n}  // namespace retort::verifiers\n")
  file(WRITE ${OUT} "${text}")
else()
  file(GLOB drivers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/verifiers/code/*.py
       ${CMAKE_CURRENT_SOURCE_DIR}/verifiers/code/*.hpp)
  set(embedded ${CMAKE_CURRENT_BINARY_DIR}/code_drivers.cpp)
  add_custom_command(OUTPUT ${embedded}
    COMMAND ${CMAKE_COMMAND} -DOUT=${embedded} "-DFILES=${drivers}" -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${drivers} ${CMAKE_CURRENT_LIST_FILE} VERBATIM)
  target_sources(retort_verifiers_code PRIVATE ${embedded})
endif()
