# Compares what PROGRAM, called with ARGUMENT, prints with PAGE.
execute_process(COMMAND ${PROGRAM} ${ARGUMENT} OUTPUT_VARIABLE printed RESULT_VARIABLE status)
file(READ ${PAGE} kept)
if(NOT status EQUAL 0 OR NOT printed STREQUAL kept)
  get_filename_component(name ${PROGRAM} NAME)
  message(FATAL_ERROR "${PAGE} is not what the program prints: run ${name} ${ARGUMENT} > ${PAGE}")
endif()
