# Third-party libraries, all from the distribution's packages, each a target named dep_<library>. Their
# headers are system headers, free of our warning flags. scripts/check_layers.py lists which folder may
# include which.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(hub_dependency name)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
    add_library(dep_${name} INTERFACE)
    target_link_libraries(dep_${name} INTERFACE PkgConfig::${name})
endfunction()

hub_dependency(uv libuv)
hub_dependency(openssl libcrypto)
hub_dependency(curl libcurl)
hub_dependency(icu icu-uc)
hub_dependency(pcre2 libpcre2-8)
hub_dependency(jansson jansson)
hub_dependency(yaml yaml-0.1)
hub_dependency(lmdb lmdb)
if(CINNABAR_TESTS OR CINNABAR_FUZZ)
    hub_dependency(cmocka cmocka)
endif()

# Debian ships llhttp as C sources with Node.js's copy of it.
set(LLHTTP_DIR /usr/share/llhttp CACHE PATH "Folder with llhttp's C sources")
set(LLHTTP_INCLUDE_DIR /usr/share/include/llhttp CACHE PATH "Folder with llhttp.h")
enable_language(C)
file(GLOB llhttp_sources ${LLHTTP_DIR}/*.c)
add_library(llhttp STATIC ${llhttp_sources})
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
target_compile_options(llhttp PRIVATE -w -fvisibility=hidden)
add_library(dep_llhttp INTERFACE)
target_link_libraries(dep_llhttp INTERFACE llhttp)
