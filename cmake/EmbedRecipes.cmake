# Embeds recipes/*.json in the program: ShippedRecipes() of recipes/recipe.h. This file is both included
# by CMakeLists.txt and run as the script that writes the source.
if(CMAKE_SCRIPT_MODE_FILE)
  set(text "// Generated from recipes/*.json.\n#include \"recipes/recipe.h\"\n\n")
  string(APPEND text "namespace retort::recipes {\n\n")
  string(APPEND text
    "const std::vector<std::pair<std::string, std::string>>& ShippedRecipes() {\n"
    "  static const std::vector<std::pair<std::string, std::string>> recipes{\n")
  foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} content)
    string(APPEND text "      {\"${name}\", R\"json(${content})json\"},\n")
  endforeach()
  string(APPEND text "  };\n  return recipes;\n}\n\n}  // namespace retort::recipes\n")
  file(WRITE ${OUT} "${text}")
else()
  file(GLOB recipes CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/recipes/*.json)
  set(embedded ${CMAKE_CURRENT_BINARY_DIR}/shipped_recipes.cpp)
  add_custom_command(OUTPUT ${embedded}
    COMMAND ${CMAKE_COMMAND} -DOUT=${embedded} "-DFILES=${recipes}" -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${recipes} ${CMAKE_CURRENT_LIST_FILE} VERBATIM)
  target_sources(retort_recipes PRIVATE ${embedded})
endif()
