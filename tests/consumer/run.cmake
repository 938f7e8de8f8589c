# Installs BUILD into a prefix inside it, then configures, builds and runs the project in SOURCE
# against that prefix, with every library hidden that the rooms it uses must not need, and without
# the sandbox. The project is the documentation's example. The installed completions and manual page are looked at.
set(work ${BUILD}/tests/consumer)
file(READ ${SOURCE}/verify.cpp example)
file(READ ${SOURCE}/../verifiers.md page)
string(FIND "${page}" "${example}" quoted)
if(quoted EQUAL -1)
  message(FATAL_ERROR "docs/verifiers.md does not quote docs/examples/verify.cpp as it is")
endif()
file(REMOVE_RECURSE ${work})

function(step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "failed: ${command}\n${output}")
  endif()
  set(step_output "${output}" PARENT_SCOPE)
endfunction()

step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/prefix)
foreach(written IN ITEMS bash-completion/completions/retort zsh/site-functions/_retort
        fish/vendor_completions.d/retort.fish man/man1/retort.1)
  file(READ ${work}/prefix/share/${written} text)  # fails where there is no such file
  if(NOT text MATCHES "min.*reward")
    message(FATAL_ERROR "share/${written} knows no flags")
  endif()
endforeach()
file(GLOB_RECURSE private ${work}/prefix/include/*.h)
list(FILTER private INCLUDE REGEX "/internal/")
if(private)
  message(FATAL_ERROR "private headers are installed: ${private}")
endif()
file(GLOB judged_in_a_sandbox ${work}/prefix/lib*/libretort_exec.a ${work}/prefix/lib*/*/libretort_exec.a
     ${work}/prefix/lib*/libretort_verifiers_code.a ${work}/prefix/lib*/*/libretort_verifiers_code.a)
list(LENGTH judged_in_a_sandbox count)
if(NOT count EQUAL 2)
  message(FATAL_ERROR "expected two libraries, got '${judged_in_a_sandbox}'")
endif()
file(REMOVE ${judged_in_a_sandbox})
file(REMOVE_RECURSE ${work}/prefix/include/retort/exec ${work}/prefix/include/retort/verifiers/code)
step(${CMAKE_COMMAND} -S ${SOURCE} -B ${work}/build -G ${GENERATOR}
     -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_PREFIX_PATH=${work}/prefix
     -D CMAKE_DISABLE_FIND_PACKAGE_SQLite3=ON -D CMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
     -D CMAKE_DISABLE_FIND_PACKAGE_CLI11=ON)
step(${CMAKE_COMMAND} --build ${work}/build)
step(${work}/build/verify)
message("${step_output}")
step(ldd ${work}/build/verify)
if(step_output MATCHES "blas|sqlite")
  message(FATAL_ERROR "the example needs more than it should:\n${step_output}")
endif()
