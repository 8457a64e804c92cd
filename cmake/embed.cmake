# Files become constants of the program. Included, it offers hub_embed(); run with -P at build time, it writes
# the C file.
#
# hub_embed(OUT <c file> SYMBOL <array> DIR <folder> FILES <names in it>)
# makes a C file that defines the array that ui/files_priv.h declares.
if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(HUB_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
    function(hub_embed)
        cmake_parse_arguments(E "" "OUT;SYMBOL;DIR" "FILES" ${ARGN})
        list(TRANSFORM E_FILES PREPEND ${E_DIR}/ OUTPUT_VARIABLE inputs)
        add_custom_command(OUTPUT ${E_OUT}
            COMMAND ${CMAKE_COMMAND} -DOUT=${E_OUT} -DSYMBOL=${E_SYMBOL} "-DFILES=${inputs}"
                    -P ${HUB_EMBED_SCRIPT}
            DEPENDS ${inputs} ${HUB_EMBED_SCRIPT}
            VERBATIM)
    endfunction()
    return()
endif()

set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_svg "image/svg+xml")

set(bytes "")
set(entries "")
foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME)
    get_filename_component(extension ${file} LAST_EXT)
    string(SUBSTRING ${extension} 1 -1 extension)
    string(MAKE_C_IDENTIFIER ${name} identifier)
    if(NOT DEFINED type_${extension})
        message(FATAL_ERROR "${file}: no content type is known for .${extension}")
    endif()
    set(type "${type_${extension}}")
    file(SHA256 ${file} hash)
    string(SUBSTRING ${hash} 0 16 hash)
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n    " hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
    string(APPEND bytes "static const unsigned char ${identifier}[] = {\n    ${hex}\n};\n\n")
    string(LENGTH "${name}" name_len)
    string(LENGTH "${type}" type_len)
    string(APPEND entries "    {{\"${name}\", ${name_len}}, {\"${type}\", ${type_len}}, "
        "{\"\\\"${hash}\\\"\", 18}, {(const char *)${identifier}, sizeof(${identifier})}},\n")
endforeach()
file(WRITE ${OUT} "// Written at build time by cmake/embed.cmake.\n#include \"ui/files_priv.h\"\n\n"
    "${bytes}const struct ui_file ${SYMBOL}[] = {\n${entries}    {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}},\n};\n")
