# Every flag of the project is on this one target; nothing edits CMAKE_C_FLAGS.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(hub_options INTERFACE)
target_include_directories(hub_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(hub_options INTERFACE _GNU_SOURCE
    CINNABAR_VERSION="${PROJECT_VERSION}")
target_compile_options(hub_options INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wcast-qual -Wundef -Wformat=2 -Wswitch-enum
    -fno-common -fvisibility=hidden -fno-omit-frame-pointer)
if(CINNABAR_WERROR)
    target_compile_options(hub_options INTERFACE -Werror)
endif()

if(CINNABAR_SANITIZE)
    target_compile_options(hub_options INTERFACE
        -fsanitize=${CINNABAR_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(hub_options INTERFACE -fsanitize=${CINNABAR_SANITIZE})
    if(CINNABAR_FUZZ) # libFuzzer counts the edges of the libraries as well
        target_compile_options(hub_options INTERFACE -fsanitize=fuzzer-no-link)
    endif()
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(hub_options INTERFACE
        -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
    target_link_options(hub_options INTERFACE -Wl,-z,relro,-z,now)
endif()

# Machine code beside what the linker optimises, for tests/CMakeLists.txt.
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    add_compile_options(-ffat-lto-objects)
endif()
