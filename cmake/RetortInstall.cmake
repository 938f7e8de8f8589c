# Installs the program, the rooms' headers under include/retort, their libraries, and the package that
# find_package(retort) reads. Each room is a component of its own, so that a project that wants the
# verifiers alone needs neither a BLAS nor a database. `cli` and `bench` are the program, not a library.
include(CMakePackageConfigHelpers)
set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/retort)

if(TARGET retort)
  install(TARGETS retort RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # Completions and the manual page, which the program makes of its own flags.
  function(install_written destination name)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/share/${name})
    install(CODE "execute_process(COMMAND $<TARGET_FILE:retort> ${ARGN} OUTPUT_FILE \"${file}\"
                  COMMAND_ERROR_IS_FATAL ANY)")
    install(FILES ${file} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/${destination})
  endfunction()
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/share)
  install_written(bash-completion/completions retort completion bash)
  install_written(zsh/site-functions _retort completion zsh)
  install_written(fish/vendor_completions.d retort.fish completion fish)
  install_written(man/man1 retort.1 man)
endif()

set(rooms ${RETORT_ROOMS})
list(REMOVE_ITEM rooms cli cli/parts bench)
set(RETORT_PACKAGE_TABLE "")
set(RETORT_PACKAGE_ROOMS "")
foreach(room IN LISTS rooms)
  string(REPLACE "/" "_" name ${room})
  list(TRANSFORM RETORT_${room}_ROOMS REPLACE "/" "_" OUTPUT_VARIABLE below)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.h)
  install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/retort/${room})
  install(TARGETS retort_${name} EXPORT retort-${name} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT retort-${name} NAMESPACE retort:: DESTINATION ${destination})
  list(APPEND RETORT_PACKAGE_ROOMS ${name})
  string(APPEND RETORT_PACKAGE_TABLE
    "set(_retort_${name}_rooms ${below})\n"
    "set(_retort_${name}_libs ${RETORT_${room}_PUBLIC_LIBS} ${RETORT_${room}_PRIVATE_LIBS})\n")
endforeach()

configure_package_config_file(${CMAKE_CURRENT_SOURCE_DIR}/cmake/retortConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/retortConfig.cmake INSTALL_DESTINATION ${destination})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/retortConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/retortConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/retortConfigVersion.cmake
  ${CMAKE_CURRENT_SOURCE_DIR}/cmake/FindFlint.cmake DESTINATION ${destination})
