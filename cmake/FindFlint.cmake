# Finds FLINT with Arb: target Flint::Flint. Since version 3 FLINT holds Arb; before, that is a library
# of its own. Used by the build and, installed beside it, by retortConfig.cmake.
find_path(Flint_INCLUDE_DIR flint/fmpq.h)
find_library(Flint_LIBRARY flint)
find_library(Flint_GMP_LIBRARY gmp)
set(_flint_needed Flint_LIBRARY Flint_INCLUDE_DIR Flint_GMP_LIBRARY)
set(_flint_includes ${Flint_INCLUDE_DIR})
set(_flint_libraries ${Flint_LIBRARY} ${Flint_GMP_LIBRARY})
if(NOT EXISTS ${Flint_INCLUDE_DIR}/flint/acb.h)
  find_path(Flint_ARB_INCLUDE_DIR acb.h)
  find_library(Flint_ARB_LIBRARY NAMES flint-arb arb)
  list(APPEND _flint_needed Flint_ARB_LIBRARY Flint_ARB_INCLUDE_DIR)
  list(APPEND _flint_includes ${Flint_ARB_INCLUDE_DIR})
  list(PREPEND _flint_libraries ${Flint_ARB_LIBRARY})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Flint REQUIRED_VARS ${_flint_needed}
  REASON_FAILURE_MESSAGE "Packages: libflint-dev, and on Debian 12 libflint-arb-dev")
if(Flint_FOUND AND NOT TARGET Flint::Flint)
  list(REMOVE_DUPLICATES _flint_includes)
  add_library(Flint::Flint INTERFACE IMPORTED)
  set_target_properties(Flint::Flint PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_flint_includes}"
    INTERFACE_LINK_LIBRARIES "${_flint_libraries}")
endif()
mark_as_advanced(Flint_INCLUDE_DIR Flint_LIBRARY Flint_GMP_LIBRARY Flint_ARB_INCLUDE_DIR
                 Flint_ARB_LIBRARY)
