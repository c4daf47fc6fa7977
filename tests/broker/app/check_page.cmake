# Compares what PROGRAM --print-settings says with PAGE.
execute_process(COMMAND ${PROGRAM} --print-settings OUTPUT_VARIABLE printed RESULT_VARIABLE status)
file(READ ${PAGE} kept)
if(NOT status EQUAL 0 OR NOT printed STREQUAL kept)
  message(FATAL_ERROR "${PAGE} is not what the program prints: run weir-broker --print-settings > ${PAGE}")
endif()
